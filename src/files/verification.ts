import { Injectable } from '@nestjs/common';
import { hourMs } from '../config/durations.js';
import { Reader } from '../database/reader.js';
import { NoStoreFile } from '../store/drafts.js';
import { FileStore } from '../store/file-store.js';

const slice = 500;

/** What is wrong with the bytes of a version, or bytes that are nobody's. */
export type Fault =
  | {
      readonly kind: 'missing' | 'changed';
      readonly name: string;
      readonly version: number;
      readonly storageKey: string;
    }
  | { readonly kind: 'orphaned'; readonly storageKey: string };

interface Row {
  readonly id: string;
  readonly name: string;
  readonly number: number;
  readonly size: number | string;
  readonly sha256: string;
  readonly storageKey: string;
}

/** Compares the file store with the database, byte by byte, while the site goes on. */
@Injectable()
export class Verification {
  constructor(
    private readonly reader: Reader,
    private readonly store: FileStore,
  ) {}

  /**
   * Every fault there is, as it is found. What is added or deleted meanwhile is none.
   *
   * @param progress is told how many versions were looked at.
   */
  async *faults(progress: (count: number) => void): AsyncGenerator<Fault> {
    let count = 0;
    for (let [rows, last] = [await this.after(''), '']; rows.length > 0; rows = await this.after(last)) {
      for (const row of rows) {
        last = row.id;
        const { name, number: version, storageKey } = row;
        const found = await this.store.examine(storageKey).catch(unlessForeign);
        if (!found && (await this.areWanted(storageKey))) yield { kind: 'missing', name, version, storageKey };
        if (found === 'foreign' || (found && (found.size !== Number(row.size) || found.sha256 !== row.sha256)))
          yield { kind: 'changed', name, version, storageKey };
        progress(++count);
      }
    }
    for await (const { storageKey, since } of this.store.keys())
      // the row of a file comes after its bytes
      if (+since < Date.now() - hourMs && !(await this.areWanted(storageKey))) yield { kind: 'orphaned', storageKey };
  }

  private after(id: string): Promise<readonly Row[]> {
    return this.reader.rows<Row>(versions, [id, slice]);
  }

  private async areWanted(storageKey: string): Promise<boolean> {
    return (await this.reader.rows(wanted, [storageKey])).length > 0;
  }
}

/** A link or a pipe in the place of bytes: whatever it leads to, they are not those that the store took in. */
function unlessForeign(error: unknown): 'foreign' {
  if (error instanceof NoStoreFile) return 'foreign';
  throw error;
}

const versions = `
  SELECT v."id", f."name", v."number", v."size", v."sha256", v."storageKey"
  FROM "file_versions" v JOIN "files" f ON f."id" = v."fileId"
  WHERE v."id" > $1 AND v."discardedAt" IS NULL ORDER BY v."id" LIMIT $2`;

const wanted = `SELECT 1 AS "is" FROM "file_versions" WHERE "storageKey" = $1 AND "discardedAt" IS NULL`;
