import { NotFoundException, type INestApplicationContext } from '@nestjs/common';
import { Command } from 'commander';
import { GroupInput, GroupMembersInput } from '../groups/group.input.js';
import { presentGroup, presentGroupMember } from '../groups/group.view.js';
import type { Group } from '../groups/group.entity.js';
import { GroupsService } from '../groups/groups.service.js';
import type { Part, SearchInput } from '../http/paging.input.js';
import { print, printJson, printTable } from './output.js';
import { byOperator, readAs, type WithSite } from './site.js';

interface Json {
  readonly json?: true;
}

/** What the operator can do about groups. A group is named by its name or its id. */
export function groupsCommand(withSite: WithSite): Command {
  const groups = new Command('groups').description('members who are given files together');
  groups
    .command('list')
    .description('list the groups, the newest first')
    .option('--json', 'for scripts')
    .action(({ json }: Json) =>
      withSite(async (site) => {
        const found = (await all((paging) => site.get(GroupsService).list(paging))).map(presentGroup);
        if (json) printJson(found);
        else
          printTable(
            ['ID', 'NAME'],
            found.map(({ id, name }) => [id, name]),
          );
      }),
    );
  groups
    .command('add')
    .description('make a group, and print its id')
    .argument('<name>')
    .action((typed: string) =>
      withSite(async (site) => {
        const { name } = await readAs(GroupInput, { name: typed });
        print((await site.get(GroupsService).add(name, byOperator())).id);
      }),
    );
  groups
    .command('remove')
    .description('delete a group; its members stay members')
    .argument('<group>')
    .action((named: string) =>
      withSite(async (site) => {
        const group = await findGroup(site, named);
        await site.get(GroupsService).delete(group, byOperator());
        print(`The group ${group.name} is deleted.`);
      }),
    );
  groups
    .command('members')
    .description('list who is in a group')
    .argument('<group>')
    .option('--add <people>', 'take members in first, by email: Ada <ada@example.com>, bob@example.com')
    .option('--remove <people>', 'take members out first, by email')
    .option('--json', 'for scripts')
    .action((named: string, options: Json & { add?: string; remove?: string }) =>
      withSite((site) => showMembers(site, named, options)),
    );
  return groups;
}

async function showMembers(
  site: INestApplicationContext,
  named: string,
  { add, remove, json }: Json & { add?: string; remove?: string },
): Promise<void> {
  const service = site.get(GroupsService);
  const group = await findGroup(site, named);
  if (add !== undefined) {
    const { members } = await readAs(GroupMembersInput, { members: add });
    await service.addMembers(group, members, byOperator());
  }
  const present = await all((paging) => service.membersOf(group, paging));
  const out = new Set(remove === undefined ? [] : (await readAs(GroupMembersInput, { members: remove })).members);
  const leaving = present.filter(({ id, email }) => out.has(email) || out.has(id));
  if (leaving.length < out.size)
    throw new NotFoundException('Some of those are not in the group. Nobody was taken out.');
  for (const { id } of leaving) await service.removeMember(group, id, byOperator());
  const found = present.filter((member) => !leaving.includes(member)).map(presentGroupMember);
  if (json) printJson(found);
  else
    printTable(
      ['EMAIL', 'NAME'],
      found.map(({ email, name }) => [email, name]),
    );
}

/** @throws NotFoundException if there is no group of that name or id. */
export async function findGroup(site: INestApplicationContext, named: string): Promise<Group> {
  const known = await all((paging) => site.get(GroupsService).list(paging));
  const group = known.find(({ id, name }) => id === named || name.toLowerCase() === named.trim().toLowerCase());
  if (!group) throw new NotFoundException(`There is no group called ${named}.`);
  return group;
}

/** All parts of a list. */
export async function all<Item>(read: (paging: SearchInput) => Promise<Part<Item>>): Promise<Item[]> {
  const found: Item[] = [];
  for (let cursor: string | null | undefined; cursor !== null;) {
    const part: Part<Item> = await read({ limit: 100, ...(cursor && { cursor }) });
    found.push(...part.items);
    cursor = part.nextCursor;
  }
  return found;
}
