import { NotFoundException, type INestApplicationContext } from '@nestjs/common';
import { Command } from 'commander';
import { GroupInput, GroupMembersInput } from '../groups/group.input.js';
import { presentGroup, presentGroupMember } from '../groups/group.view.js';
import { GroupsService } from '../groups/groups.service.js';
import { all, findGroup, inWords } from './lookup.js';
import { print, printJson, printTable } from './output.js';
import { asOperator, readAs, type Tools } from './site.js';

interface Json {
  readonly json?: true;
}

/** The commands for groups. A group is given by its name or its id. */
export function groupsCommand({ withSite }: Tools): Command {
  const groups = new Command('groups');
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
    .option('--json', 'for scripts')
    .action((typed: string, { json }: Json) =>
      withSite(async (site) => {
        const { name } = await readAs(GroupInput, { name: typed });
        const group = await site.get(GroupsService).add(name, asOperator());
        if (json) printJson(presentGroup(group));
        else print(group.id);
      }),
    );
  groups
    .command('remove')
    .description('delete a group; its members stay members')
    .argument('<group>')
    .option('--json', 'for scripts')
    .action((named: string, { json }: Json) =>
      withSite(async (site) => {
        const group = await findGroup(site, named);
        await site.get(GroupsService).delete(group, asOperator());
        if (json) printJson(presentGroup(group));
        else print(`The group ${group.name} is deleted.`);
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
  const present = await all((paging) => service.membersOf(group, paging));
  const out = new Set(remove === undefined ? [] : (await readAs(GroupMembersInput, { members: remove })).members);
  const leaving = present.filter(({ id, email }) => out.delete(email) || out.delete(id));
  if (out.size > 0) {
    const strangers = `${inWords([...out])} ${out.size === 1 ? 'is' : 'are'}`;
    throw new NotFoundException(`${strangers} not in the group. Nothing was changed.`);
  }
  if (add !== undefined) {
    const { members } = await readAs(GroupMembersInput, { members: add });
    await service.addMembers(group, members, asOperator());
  }
  for (const { id } of leaving) await service.removeMember(group, id, asOperator());
  const found = (await all((paging) => service.membersOf(group, paging))).map(presentGroupMember);
  if (json) printJson(found);
  else
    printTable(
      ['EMAIL', 'NAME'],
      found.map(({ email, name }) => [email, name]),
    );
}
