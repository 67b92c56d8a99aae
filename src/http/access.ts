import { createParamDecorator, SetMetadata, type CustomDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';

/** The member who sends a request, and the session it uses, as the guard found them. */
export interface Viewer {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly role: Role;
  readonly createdAt: Date;
  readonly hasVerifiedEmail: boolean;
  /** Whether a second factor (an authenticator app or a passkey) is set up. */
  readonly hasFactor: boolean;
  readonly session: ViewerSession;
}

interface ViewerSession {
  readonly id: string;
  /**
   * The id of the token that came with the request. When the member proves who they are again, a new token replaces it.
   */
  readonly tokenId: string;
  readonly kind: SessionKind;
  /** What a personal token may do. Null for a login, which may do everything that its member may. */
  readonly scope: Scope | null;
  readonly lastSeenAt: Date;
  /** When the member last proved who they are, at login or later. Null for a personal token, which proves nothing. */
  readonly provenAt: Date | null;
}

export const roles = ['member', 'admin'] as const;
export type Role = (typeof roles)[number];

/** The kind of a session: a browser's cookie, the bearer token of a login through the API, or a personal token. */
export type SessionKind = 'browser' | 'api' | 'token';

/** What a personal token may do: read, also change things, or also act as an admin if its member is one. */
export const scopes = ['read', 'write', 'admin'] as const;
export type Scope = (typeof scopes)[number];

/** Whether this member may act as an admin here: with a login, or with a token whose scope is `admin`. */
export const actsAsAdmin = ({ role, session: { kind, scope } }: Viewer): boolean =>
  role === 'admin' && (kind !== 'token' || scope === 'admin');

/** Says who may call a route, and what they must have done first. */
export interface Access {
  readonly to: 'everyone' | 'members' | 'admins';
  /** The path to which a logged-in member is sent from a page for strangers. */
  readonly membersGoTo?: string;
  /**
   * Asks the member to prove who they are again if the last proof is older than ten minutes. A personal token has no
   * proof. It may call the route only if the route is for admins and the token's scope is `admin`.
   */
  readonly recentProof?: true;
  /** Closed until the email address is verified, if `EMAIL_VERIFICATION` is `required`. */
  readonly verifiedEmail?: true;
  /** Has no rate limit. Use it for a route that ends something and stores nothing that could fill the disk. */
  readonly unlimited?: true;
  /** Open to members who must still set up the second factor that `REQUIRE_MFA` requires. */
  readonly beforeFactor?: true;
}

/** Conditions on members and admins: see `Access`. */
export type Conditions = Pick<Access, 'recentProof' | 'verifiedEmail' | 'beforeFactor' | 'unlimited'>;

export const ACCESS = 'gatehouse:access';

const declare = (access: Access): CustomDecorator => SetMetadata(ACCESS, access);

/** Opens a route to strangers. Nothing else does. `membersGoTo` is the path to which logged-in members are sent. */
export const Public = (options: { membersGoTo?: string } = {}): CustomDecorator =>
  declare({ to: 'everyone', ...options });

/** A route for logged-in members. A route that declares nothing is treated the same, but a test fails for it. */
export const MembersOnly = (conditions: Conditions = {}): CustomDecorator => declare({ to: 'members', ...conditions });

/** A route for admins. Any other member gets 403. */
export const AdminsOnly = (conditions: Conditions = {}): CustomDecorator => declare({ to: 'admins', ...conditions });

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by the guard. Undefined for a stranger. */
    user?: Viewer | undefined;
  }
}

/** The member who sends the request. Undefined if a stranger calls a public route. */
export const CurrentUser = createParamDecorator(
  (_: unknown, context: ExecutionContext) => context.switchToHttp().getRequest<FastifyRequest>().user,
);

/**
 * Whether a request is for the API. The API accepts bearer tokens and no cookies, and all other routes accept cookies
 * and no bearer tokens.
 */
export const isApi = ({ routeOptions, url }: Pick<FastifyRequest, 'routeOptions' | 'url'>): boolean =>
  (routeOptions.url ?? url).startsWith('/api/');
