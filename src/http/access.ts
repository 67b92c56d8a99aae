import { createParamDecorator, SetMetadata, type CustomDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';

/** Who a request comes from: the member and the session it was made with, as the guard found them. */
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
  /** Names the token that the request came with; a proof puts another in its place. */
  readonly tokenId: string;
  readonly kind: SessionKind;
  /** What a personal token may do; null where a login may do all that its member may. */
  readonly scope: Scope | null;
  readonly lastSeenAt: Date;
  /** When the member last proved who they are: at login, or since; null for a personal token, which proves nothing. */
  readonly provenAt: Date | null;
}

export const roles = ['member', 'admin'] as const;
export type Role = (typeof roles)[number];

/** What holds a session: a browser's cookie, the bearer token of a login through the API, or a personal token. */
export type SessionKind = 'browser' | 'api' | 'token';

/** What a personal token may do: look, change too, or act as an admin where its member is one. Each includes the former. */
export const scopes = ['read', 'write', 'admin'] as const;
export type Scope = (typeof scopes)[number];

/** Whether this is an admin who may act as one here: by a login, or by a token whose scope says so. */
export const actsAsAdmin = ({ role, session: { kind, scope } }: Viewer): boolean =>
  role === 'admin' && (kind !== 'token' || scope === 'admin');

/** Who may call a route, and what they must have done before. */
export interface Access {
  readonly to: 'everyone' | 'members' | 'admins';
  /** Where a member who calls a page meant for strangers is sent. */
  readonly membersGoTo?: string;
  /**
   * Asks again who it is where the last proof is older than ten minutes. A personal token, which has no proof, may call
   * it only where it is for admins and the token's scope is too.
   */
  readonly recentProof?: true;
  /** Closed until the email address is verified, where `EMAIL_VERIFICATION` is `required`. */
  readonly verifiedEmail?: true;
  /** May be called any number of times: it ends something, and leaves nothing behind that could fill the disk. */
  readonly unlimited?: true;
  /** Open to members who must still set up the second factor that `REQUIRE_MFA` asks for. */
  readonly beforeFactor?: true;
}

/** What members and admins must have done before; see `Access`. */
export type Conditions = Pick<Access, 'recentProof' | 'verifiedEmail' | 'beforeFactor' | 'unlimited'>;

export const ACCESS = 'gatehouse:access';

const declare = (access: Access): CustomDecorator => SetMetadata(ACCESS, access);

/** Opens a route to strangers; the only key. `membersGoTo` sends those who are logged in elsewhere. */
export const Public = (options: { membersGoTo?: string } = {}): CustomDecorator =>
  declare({ to: 'everyone', ...options });

/** A route for those who are logged in; what a route that declares nothing gets too, but the build fails there. */
export const MembersOnly = (conditions: Conditions = {}): CustomDecorator => declare({ to: 'members', ...conditions });

/** A route for admins; a member gets 403. */
export const AdminsOnly = (conditions: Conditions = {}): CustomDecorator => declare({ to: 'admins', ...conditions });

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by the guard; undefined for a stranger. */
    user?: Viewer | undefined;
  }
}

/** The member who asks; undefined on a public route that a stranger calls. */
export const CurrentUser = createParamDecorator(
  (_: unknown, context: ExecutionContext) => context.switchToHttp().getRequest<FastifyRequest>().user,
);

/** Whether a request is one of the API, which knows bearer tokens and no cookies; all else is the reverse. */
export const isApi = ({ routeOptions, url }: Pick<FastifyRequest, 'routeOptions' | 'url'>): boolean =>
  (routeOptions.url ?? url).startsWith('/api/');
