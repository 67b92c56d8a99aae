import { SetMetadata, type CustomDecorator, type Type } from '@nestjs/common';
import type { Viewer } from './access.js';

/** The ids in the path of a route. */
interface Params {
  readonly id: string;
  readonly fileId: string;
  readonly memberId: string;
}

/**
 * The service that finds what a path names, and how to call it. `find` throws NotFoundException if it does not exist
 * for the viewer.
 */
export interface Named {
  readonly service: Type;
  readonly find: (service: unknown, params: Params, viewer: Viewer) => Promise<unknown>;
}

export const NAMED = 'gatehouse:named';

/**
 * Says how to find the thing that the paths of a controller or of one route name. A write looks for it before its body
 * is read. If it does not exist, the answer is 404, whatever the body is. Routes without parameters name nothing.
 */
export const Names = <Service>(
  service: Type<Service>,
  find: (service: Service, params: Params, viewer: Viewer) => Promise<unknown>,
): CustomDecorator => SetMetadata(NAMED, { service, find });
