import { Injectable } from '@nestjs/common';
import { Reader } from '../database/reader.js';
import { Writer } from '../database/writer.js';
import type { Group } from '../groups/group.entity.js';
import { GroupsService, type GroupMember } from '../groups/groups.service.js';
import { InvalidInput } from '../http/errors.js';
import { UsersService } from '../users/users.service.js';
import type { AudienceInput } from './audience.input.js';

/** A thing that can be shared with members: a file or a collection. */
export type Shareable = { readonly fileId: string } | { readonly collectionId: string };

/** The audience of a shareable: everyone, or these groups and members. */
export interface Audience {
  readonly everyone: boolean;
  readonly groups: readonly Pick<Group, 'id' | 'name'>[];
  readonly members: readonly GroupMember[];
}

/**
 * The audiences of files and collections. `src/files/reach.ts` has the rule that decides which files a member may have.
 */
@Injectable()
export class AudiencesService {
  constructor(
    private readonly reader: Reader,
    private readonly writer: Writer,
    private readonly groups: GroupsService,
    private readonly users: UsersService,
  ) {}

  async of(shareable: Shareable): Promise<Audience> {
    const [kind, id] =
      'fileId' in shareable ? (['file', shareable.fileId] as const) : (['collection', shareable.collectionId] as const);
    const [[row], groups, members] = await Promise.all([
      this.reader.rows<{ isForEveryone: boolean | number }>(`SELECT "isForEveryone" FROM "${kind}s" WHERE "id" = $1`, [
        id,
      ]),
      this.reader.rows<Pick<Group, 'id' | 'name'>>(
        `SELECT g."id", g."name" FROM "audiences" a JOIN "groups" g ON g."id" = a."groupId"
         WHERE a."${kind}Id" = $1 ORDER BY g."searchName"`,
        [id],
      ),
      this.reader.rows<GroupMember>(
        `SELECT u."id", u."name", u."email" FROM "audiences" a JOIN "users" u ON u."id" = a."memberId"
         WHERE a."${kind}Id" = $1 ORDER BY u."email"`,
        [id],
      ),
    ]);
    return { everyone: Boolean(row?.isForEveryone), groups, members };
  }

  /**
   * Sets who may have a shareable, from the next request on. It is one statement: no request sees it half done, and if
   * two admins save at once, the last one wins.
   *
   * @throws InvalidInput if a group or a member does not exist.
   */
  async set(shareable: Shareable, { everyone, groups, members }: AudienceInput): Promise<void> {
    const [foundGroups, foundMembers] = everyone
      ? [[], []]
      : await Promise.all([this.groups.findAll(groups), this.users.findNamed(members)]);
    if (!everyone && foundGroups.length < new Set(groups).size) refuseUnknown();
    const { fileId, collectionId } = { fileId: null, collectionId: null, ...shareable };
    const idsOf = (found: readonly { id: string }[]) => JSON.stringify(found.map(({ id }) => id));
    await this.writer
      .run(
        `INSERT INTO "audience_changes" ("fileId", "collectionId", "isForEveryone", "groupIds", "memberIds")
         VALUES ($1, $2, $3, $4, $5)`,
        [fileId, collectionId, everyone, idsOf(foundGroups), idsOf(foundMembers)],
      )
      // a group or a member was deleted after it was looked up
      .catch((error: unknown) =>
        /foreign key/i.test((error as Error).message) ? refuseUnknown() : Promise.reject(error as Error),
      );
  }
}

function refuseUnknown(): never {
  throw new InvalidInput([{ field: 'groups', message: 'Please choose groups that are there.' }]);
}
