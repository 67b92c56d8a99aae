import { Injectable, NotFoundException } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Repository } from 'typeorm';
import { validate as isUuid, v7 as uuid } from 'uuid';
import { ActivityService } from '../activity/activity.service.js';
import type { EventKind } from '../activity/event-kinds.js';
import { Reader } from '../database/reader.js';
import { isUniqueViolation } from '../database/unique-violation.js';
import { Writer } from '../database/writer.js';
import type { Actor } from '../http/actor.js';
import { InvalidInput } from '../http/errors.js';
import { newestId, cursorPageOf, searchForm, type CursorPage, type SearchInput } from '../http/paging.input.js';
import { isConditional, refuseChanged, type Expected } from '../http/revision.js';
import { afterWords, fold, hasWords, withWords, wordsOf } from '../http/search.js';
import type { User } from '../users/user.entity.js';
import { UsersService } from '../users/users.service.js';
import { Group } from './group.entity.js';

/** What a list of members shows of each member. */
export type GroupMember = Pick<User, 'id' | 'name' | 'email'>;

/**
 * Groups of members, for admins. What is shared with a group is shared with each member in it, from the next request
 * on.
 */
@Injectable()
export class GroupsService {
  constructor(
    @InjectRepository(Group) private readonly groups: Repository<Group>,
    private readonly reader: Reader,
    private readonly writer: Writer,
    private readonly users: UsersService,
    private readonly activity: ActivityService,
  ) {}

  /** The groups, the newest first. `q` is searched for in their names. */
  async list({ limit, cursor = newestId, q }: SearchInput): Promise<CursorPage<Group>> {
    const query = this.groups.createQueryBuilder('g').where('g."id" < :cursor', { cursor });
    const found = await withWords(query, 'g."searchText"', q)
      .orderBy('g.id', 'DESC')
      .limit(limit + 1)
      .getMany();
    return cursorPageOf(found, limit);
  }

  /** The groups with these ids. Ids of no group are skipped. */
  async findAll(ids: readonly string[]): Promise<Group[]> {
    const known = ids.filter((id) => isUuid(id));
    return known.length === 0
      ? []
      : this.groups.createQueryBuilder('g').where('g.id IN (:...known)', { known }).getMany();
  }

  /** @throws NotFoundException if there is no such group. */
  async find(id: string): Promise<Group> {
    const group = isUuid(id) ? await this.groups.findOneBy({ id }) : null;
    return group ?? notThere();
  }

  /** Creates a group. @throws InvalidInput if there is a group with that name. */
  async add(name: string, by: Actor): Promise<Group> {
    const now = new Date();
    const group: Group = { id: uuid(), ...nameForms(name), createdAt: now, revision: 1, revisedAt: now };
    await this.groups.insert(group).catch(refuseTaken);
    await this.note('group.added', group.name, by);
    return group;
  }

  /**
   * Renames a group.
   *
   * @throws InvalidInput if another group has that name.
   * @throws NotFoundException if the group was deleted meanwhile.
   * @throws PreconditionFailedException if the group is not as expected.
   */
  async rename(group: Group, name: string, by: Actor, expected: Expected = {}): Promise<Group> {
    const forms = nameForms(name);
    const { affected } = await this.groups.update({ id: group.id, ...expected }, forms).catch(refuseTaken);
    const renamed = await this.find(group.id);
    if (affected === 0) refuseChanged();
    if (forms.name !== group.name) await this.note('group.renamed', forms.name, by);
    return renamed;
  }

  /**
   * Deletes a group. Nobody but admins has the files that were shared only with this group.
   *
   * @throws PreconditionFailedException if the group is not as expected.
   */
  async delete(group: Group, by: Actor, expected: Expected = {}): Promise<void> {
    const { affected } = await this.groups.delete({ id: group.id, ...expected });
    if (affected === 1) await this.note('group.deleted', group.name, by);
    else if (isConditional(expected)) refuseChanged();
  }

  /** The members of a group, the newest first. `q` is searched for in their names and emails. */
  async membersOf({ id }: Group, { limit, cursor = newestId, q }: SearchInput): Promise<CursorPage<GroupMember>> {
    const found = await this.reader.rows<GroupMember>(members, [id, cursor, ...wordsOf(q), limit + 1]);
    return cursorPageOf(found, limit);
  }

  /** The groups that a member is in, by name. */
  groupsOf(memberId: string): Promise<readonly Pick<Group, 'id' | 'name'>[]> {
    return this.reader.rows(
      `SELECT g."id", g."name" FROM "group_members" m JOIN "groups" g ON g."id" = m."groupId"
       WHERE m."memberId" = $1 ORDER BY g."searchName"`,
      [memberId],
    );
  }

  /**
   * Adds members to a group. Members who are in it already stay. Returns how many were added.
   *
   * @throws InvalidInput if one of them is not a member; then nobody is added.
   */
  async addMembers(group: Group, named: readonly string[], by: Actor): Promise<number> {
    const found = await this.users.findNamed(named);
    let count = 0;
    for (const { id, email } of found) {
      const rows = await this.writer.rows(
        `INSERT INTO "group_members" ("groupId", "memberId", "addedAt")
         SELECT "groups"."id", $1, $2 FROM "groups" WHERE "groups"."id" = $3
         ON CONFLICT DO NOTHING RETURNING "memberId"`,
        [id, Date.now(), group.id],
      );
      if (rows.length === 0) continue;
      count += 1;
      await this.note('group.member-added', group.name, by, { id, email });
    }
    return count;
  }

  /**
   * Checks that a member is in a group.
   *
   * @throws NotFoundException if there is no such group, or if the member is not in it.
   */
  async findMember(id: string, memberId: string): Promise<void> {
    await this.find(id);
    const sql = `SELECT 1 FROM "group_members" WHERE "groupId" = $1 AND "memberId" = $2`;
    if (!isUuid(memberId) || (await this.reader.rows(sql, [id, memberId])).length === 0) notInIt();
  }

  /** Removes a member from a group. Returns the member. @throws NotFoundException if the member is not in it. */
  async removeMember(group: Group, memberId: string, by: Actor): Promise<GroupMember> {
    const [row] = isUuid(memberId)
      ? await this.writer.rows<GroupMember>(
          `DELETE FROM "group_members" WHERE "groupId" = $1 AND "memberId" = $2 RETURNING "memberId" AS "id"`,
          [group.id, memberId],
        )
      : [];
    if (!row) notInIt();
    const member = await this.users.find(row.id);
    await this.note('group.member-removed', group.name, by, member);
    return member;
  }

  private note(kind: EventKind, name: string, { admin, caller }: Actor, member?: Pick<User, 'id' | 'email'>) {
    const target = member ? `${member.email}: ${name}` : name;
    return this.activity.record({ kind, actor: admin, target, ...(member && { member }) }, caller);
  }
}

const nameForms = (name: string) => ({
  name,
  // names that differ only in invisible characters count as the same
  searchName: searchForm(name.replace(/\p{Default_Ignorable_Code_Point}/gu, '')),
  searchText: fold(name),
});

const members = `
  SELECT u."id", u."name", u."email" FROM "group_members" m JOIN "users" u ON u."id" = m."memberId"
  WHERE m."groupId" = $1 AND m."memberId" < $2 AND ${hasWords('u."searchText"', 3)}
  ORDER BY m."memberId" DESC LIMIT $${afterWords(3)}`;

function refuseTaken(error: unknown): never {
  if (isUniqueViolation(error)) throw new InvalidInput([{ field: 'name', message: 'There is a group of that name.' }]);
  throw error;
}

function notThere(): never {
  throw new NotFoundException('There is no such group.');
}

function notInIt(): never {
  throw new NotFoundException('They are not in the group.');
}
