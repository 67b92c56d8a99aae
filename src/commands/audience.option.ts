import type { INestApplicationContext } from '@nestjs/common';
import { Option, type Command } from 'commander';
import { AudienceInput } from '../audiences/audience.input.js';
import { UsersService } from '../users/users.service.js';
import { findGroup } from './lookup.js';
import { readAs } from './site.js';

/** Who may have something, as options say it. */
export interface AudienceOptions {
  readonly audience?: 'everyone' | 'nobody';
  readonly group?: readonly string[];
  readonly member?: readonly string[];
}

/** For an option that may be given again: all its values. */
export const gather = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

/** Gives a command the options that say who may have something. */
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
 * Who is meant; undefined if the options say nothing of it. All are looked up, so that a wrong one is told before
 * anything is written.
 *
 * @throws NotFoundException if there is no such group; InvalidInput that names all who are no members.
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
