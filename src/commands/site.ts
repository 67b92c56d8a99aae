import type { INestApplicationContext, Type } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { inputPipe } from '../http/input.js';
import { onThisMachine } from '../http/caller.js';
import type { Actor } from '../http/actor.js';

/** Where the settings come from, such as `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Opens the site for the time of one piece of work: all its services, and no port. */
export type WithSite = (work: (site: INestApplicationContext) => Promise<void>) => Promise<void>;

/** What a command is given to work with. */
export interface Tools {
  readonly environment: Environment;
  readonly withSite: WithSite;
}

/** Whose acts these are: nobody's who has an account, from this machine. */
export const asOperator = (): Actor => ({ admin: null, caller: onThisMachine(randomUUID()) });

/** What was typed as the web would read it. @throws InvalidInput where it is not right. */
export async function readAs<Input>(kind: Type<Input>, typed: object): Promise<Readonly<Input>> {
  return (await inputPipe.transform(typed, { type: 'body', metatype: kind })) as Readonly<Input>;
}
