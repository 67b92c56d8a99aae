import { DataSource } from 'typeorm';
import { GroupsService } from '../../src/groups/groups.service.js';
import { onThisMachine } from '../../src/http/caller.js';
import { SessionsService } from '../../src/sessions/sessions.service.js';
import { User } from '../../src/users/user.entity.js';
import type { Script } from './people.js';
import { idOf, keeper } from './admins.js';
import type { TestApp } from './app.js';
import { withPasskey, withUpload } from './calls.js';
import { collect } from './collections.js';
import { shelve } from './stored.js';

/**
 * Makes one of each thing that the paths of writes name, all of them the keeper's or for admins, and gives what fills a
 * path with them.
 */
export async function makeThings(site: TestApp, admin: Script): Promise<(path: string) => string> {
  const { app } = site;
  const by = { admin: null, caller: onThisMachine('a test') };
  const adminId = await idOf(site, keeper);
  const shelved = await shelve(site, 10);
  const { file } = shelved;
  const group = await app.get(GroupsService).add('All of them', by);
  const member = await app.get(DataSource).getRepository(User).findOneByOrFail({ id: adminId });
  await app.get(GroupsService).addMembers(group, [member.email], by);
  const sessions = await app.get(SessionsService).listFor(member, { limit: 1 });
  const invite = await admin.ask('/api/v1/invites', { json: {} });
  const somebody = { site, who: keeper, script: admin, admin };
  const ids: [RegExp, string][] = [
    [/passkeys\//, (await withPasskey(somebody)).id ?? ''],
    [/invites\//, ((await invite.json()) as { id: string }).id],
    [/(account|me)\/sessions\//, sessions.items[0]?.id ?? ''],
    [/uploads\//, (await withUpload(somebody)).id],
    [/groups\//, group.id],
    [/collections\//, (await collect(site, [shelved], {})).id],
    [/files\//, file.id],
    [/(users|members)\//, adminId],
  ];
  return (path) =>
    path
      .replace(':id', ids.find(([kind]) => kind.test(path))?.[1] ?? '')
      .replace(':fileId', file.id)
      .replace(':memberId', adminId);
}
