import { ConflictException, NotFoundException, type INestApplicationContext } from '@nestjs/common';
import type { Collection } from '../collections/collection.entity.js';
import { CollectionsService } from '../collections/collections.service.js';
import type { StoredFile } from '../files/stored-file.entity.js';
import type { Group } from '../groups/group.entity.js';
import { GroupMembersInput } from '../groups/group.input.js';
import { GroupsService } from '../groups/groups.service.js';
import { searchForm, type CursorPage, type SearchInput } from '../http/paging.input.js';
import { LibraryService } from '../library/library.service.js';
import { MembersService, type Member } from '../members/members.service.js';
import { UsersService } from '../users/users.service.js';
import { readAs } from './site.js';

/** @throws NotFoundException if there is no group of that name or id. */
export const findGroup = async (site: INestApplicationContext, named: string): Promise<Group> =>
  theOne('group', named, await all((paging) => site.get(GroupsService).list(paging)));

/**
 * @throws NotFoundException if there is no collection of that name or id.
 * @throws ConflictException if several collections have that name.
 */
export const findCollection = async (site: INestApplicationContext, named: string): Promise<Collection> =>
  theOne('collection', named, await all((paging) => site.get(CollectionsService).list(paging)));

/**
 * The members with these emails, each once. The text may be typed or copied from a mail program: `Ada
 * <ada@example.com>; bob@example.com`.
 *
 * @throws InvalidInput if no email is given.
 * @throws NotFoundException if any member is unknown; its message lists all of them.
 */
export async function findMembers(site: INestApplicationContext, typed: readonly string[]): Promise<Member[]> {
  const { members: emails } = await readAs(GroupMembersInput, { members: typed.join('\n') });
  const found: Member[] = [];
  const unknown: string[] = [];
  for (const email of new Set(emails)) {
    const user = await site.get(UsersService).findByEmail(email);
    if (user) found.push(await site.get(MembersService).find(user.id));
    else unknown.push(email);
  }
  if (unknown.length === 1) throw new NotFoundException(`There is no member with the email ${unknown[0]}.`);
  if (unknown.length > 1) throw new NotFoundException(`There are no members with the emails ${inWords(unknown)}.`);
  return found;
}

/**
 * The files with these ids, each once.
 *
 * @throws NotFoundException if any id is unknown; its message lists all of them.
 */
export async function findFiles(site: INestApplicationContext, ids: readonly string[]): Promise<StoredFile[]> {
  const found: StoredFile[] = [];
  const unknown: string[] = [];
  for (const id of new Set(ids)) {
    const file = await site.get(LibraryService).find(id).catch(undefinedIfNotThere);
    if (file) found.push(file);
    else unknown.push(id);
  }
  if (unknown.length === 1) throw new NotFoundException(`There is no file with the id ${unknown[0]}.`);
  if (unknown.length > 1) throw new NotFoundException(`There are no files with the ids ${inWords(unknown)}.`);
  return found;
}

/** All items of a list, read one page at a time. */
export async function all<Item>(read: (paging: SearchInput) => Promise<CursorPage<Item>>): Promise<Item[]> {
  const found: Item[] = [];
  for (let cursor: string | null | undefined; cursor !== null;) {
    const part: CursorPage<Item> = await read({ limit: 100, ...(cursor && { cursor }) });
    found.push(...part.items);
    cursor = part.nextCursor;
  }
  return found;
}

/** Such as “a, b and c”. */
export const inWords = (names: readonly string[]): string => new Intl.ListFormat('en-GB').format(names);

function theOne<Thing extends { readonly id: string; readonly name: string }>(
  kind: string,
  named: string,
  known: readonly Thing[],
): Thing {
  const wanted = searchForm(named.trim());
  const found = known.filter(({ id, name }) => id === named.trim() || searchForm(name) === wanted);
  const [first, ...others] = found;
  if (!first) throw new NotFoundException(`There is no ${kind} called ${named}.`);
  if (others.length === 0) return first;
  const ids = inWords(found.map(({ id }) => id));
  throw new ConflictException(`There are ${found.length} ${kind}s called ${named}. Give the id of one: ${ids}.`);
}

function undefinedIfNotThere(error: unknown): undefined {
  if (!(error instanceof NotFoundException)) throw error;
}
