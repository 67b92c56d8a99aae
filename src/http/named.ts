import { SetMetadata, type CustomDecorator, type Type } from '@nestjs/common';
import type { Viewer } from './access.js';

/** What stands in the path of a route, as far as it names something. */
interface Params {
  readonly id: string;
  readonly fileId: string;
  readonly memberId: string;
}

/** Who knows of what a path names, and how they are asked; they throw NotFoundException if it is not there for the viewer. */
export interface Named {
  readonly service: Type;
  readonly find: (service: unknown, params: Params, viewer: Viewer) => Promise<unknown>;
}

export const NAMED = 'gatehouse:named';

/**
 * Says how to find what the paths of a controller, or of one route, name: a write looks for it before its body is read,
 * so that what is not there is 404, whatever is sent to it. Routes without parameters name nothing.
 */
export const Names = <Service>(
  service: Type<Service>,
  find: (service: Service, params: Params, viewer: Viewer) => Promise<unknown>,
): CustomDecorator => SetMetadata(NAMED, { service, find });
