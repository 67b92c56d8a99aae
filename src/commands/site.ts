import type { INestApplicationContext, Type } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { inputPipe } from '../http/input.js';
import { onThisMachine } from '../http/caller.js';
import type { Actor } from '../http/actor.js';

/** The variables that the settings are read from, such as `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Opens the site for one piece of work, with all its services but no port. */
export type WithSite = (work: (site: INestApplicationContext) => Promise<void>) => Promise<void>;

/** What a command needs to do its work. */
export interface Tools {
  readonly environment: Environment;
  readonly withSite: WithSite;
}

/** The actor of a command: the operator on this machine, who has no account. */
export const asOperator = (): Actor => ({ admin: null, caller: onThisMachine(randomUUID()) });

/**
 * Reads typed values as the web pages do.
 *
 * @throws InvalidInput if a value is not valid.
 */
export async function readAs<Input>(kind: Type<Input>, typed: object): Promise<Readonly<Input>> {
  return (await inputPipe.transform(typed, { type: 'body', metatype: kind })) as Readonly<Input>;
}
