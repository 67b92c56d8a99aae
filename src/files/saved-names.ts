import { Injectable } from '@nestjs/common';
import { Reader } from '../database/reader.js';
import type { Viewer } from '../http/access.js';
import { searchForm } from '../http/paging.input.js';
import { numbered } from './file-name.js';
import { asking, mayHave, me, reachOf } from './reach.js';
import type { StoredFile } from './stored-file.entity.js';

/** The names under which a member saves their files. If several have the same name, all but the oldest get a number. */
@Injectable()
export class SavedNames {
  constructor(private readonly reader: Reader) {}

  /** The name of one file among all that a member may have. The member's list of checksums has the same name for it. */
  async of({ id, name, searchName }: StoredFile, viewer: Viewer): Promise<string> {
    const [row] = await this.reader.rows<{ count: number | string }>(older[reachOf(viewer)], [
      ...asking(viewer),
      searchName,
      id,
    ]);
    const count = Number(row?.count ?? 0);
    if (count === 0) return name;
    for (let [number, left] = [2, count]; ; number++) {
      const candidate = numbered(name, number);
      const values = [...asking(viewer), searchForm(candidate)];
      const taken = await this.reader.rows(called[reachOf(viewer)], values);
      if (taken.length === 0 && --left === 0) return candidate;
    }
  }
}

/** Counts the older files with the same name that a member may have. */
const older = {
  admin: olderFor('admin'),
  member: olderFor('member'),
};
const called = { admin: calledFor('admin'), member: calledFor('member') };

function olderFor(reach: 'admin' | 'member'): string {
  return `WITH ${me} SELECT COUNT(*) AS "count" FROM "files" f
    WHERE f."isForEveryone" IN (true, false) AND f."searchName" = $3 AND f."id" < $4 AND ${mayHave[reach]}`;
}

function calledFor(reach: 'admin' | 'member'): string {
  return `WITH ${me} SELECT 1 AS "is" FROM "files" f
    WHERE f."isForEveryone" IN (true, false) AND f."searchName" = $3 AND ${mayHave[reach]} LIMIT 1`;
}
