import { createParamDecorator, SetMetadata, type CustomDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';

/** Who a request comes from: the member and the session it was made with, as the guard found them. */
export interface Viewer {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly role: Role;
  readonly createdAt: Date;
  readonly session: { readonly id: string; readonly lastSeenAt: Date };
}

export type Role = 'member' | 'admin';

/** Who may call a route. */
export interface Access {
  readonly to: 'everyone' | 'members' | 'admins';
  /** Where a member who calls a page meant for strangers is sent. */
  readonly membersGoTo?: string;
}

export const ACCESS = 'gatehouse:access';

const declare = (access: Access): CustomDecorator => SetMetadata(ACCESS, access);

/** Opens a route to strangers; the only key. `membersGoTo` sends those who are logged in elsewhere. */
export const Public = (options: { membersGoTo?: string } = {}): CustomDecorator =>
  declare({ to: 'everyone', ...options });

/** A route for those who are logged in; what a route that declares nothing gets too, but the build fails there. */
export const MembersOnly = (): CustomDecorator => declare({ to: 'members' });

/** A route for admins; a member gets 403. @public */
export const AdminsOnly = (): CustomDecorator => declare({ to: 'admins' });

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
