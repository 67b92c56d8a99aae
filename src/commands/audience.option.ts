import type { INestApplicationContext } from '@nestjs/common';
import { Option, type Command } from 'commander';
import { AudienceInput } from '../audiences/audience.input.js';
import { UsersService } from '../users/users.service.js';
import { findGroup } from './lookup.js';
import { readAs } from './site.js';

/** The options that say who may have something. */
export interface AudienceOptions {
  readonly audience?: 'everyone' | 'nobody';
  readonly group?: readonly string[];
  readonly member?: readonly string[];
}

/** Collects all values of an option that may be repeated. */
export const gather = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

/** Adds the options that say who may have something to a command. */
export const withAudience = (command: Command): Command =>
  command
    .addOption(new Option('--audience <who>', 'who may have it').choices(['everyone', 'nobody']))
    .addOption(
      new Option('--group <group>', 'only who is in this group, by name or id; may be given again')
        .argParser(gather)
        .conflicts('audience'),
    )
    .addOption(
      new Option('--member <people>', 'only these members, by email; may be given again')
        .argParser(gather)
        .conflicts('audience'),
    );

/**
 * The audience that the options name. Gives undefined if they name none. Looks all names up first, so that a wrong one
 * is reported before anything is written.
 *
 * @throws NotFoundException if there is no such group.
 * @throws InvalidInput if any member is unknown; its message lists all of them.
 */
export async function audienceFrom(
  site: INestApplicationContext,
  { audience, group = [], member = [] }: AudienceOptions,
): Promise<AudienceInput | undefined> {
  if (audience === undefined && group.length + member.length === 0) return undefined;
  const groups: string[] = [];
  for (const named of group) groups.push((await findGroup(site, named)).id);
  const everyone = audience === 'everyone';
  const input = await readAs(AudienceInput, { everyone, groups, members: member.join('\n') });
  await site.get(UsersService).findNamed(input.members);
  return input;
}
