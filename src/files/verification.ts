import { Injectable } from '@nestjs/common';
import { hourMs } from '../config/durations.js';
import { Reader } from '../database/reader.js';
import { NoStoreFile } from '../store/drafts.js';
import { FileStore } from '../store/file-store.js';

const slice = 500;

/** A fault of the file store: the bytes of a version are missing or changed, or bytes belong to no version. */
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

/** Compares every byte of the file store with the checksums in the database, while the site runs. */
@Injectable()
export class Verification {
  constructor(
    private readonly reader: Reader,
    private readonly store: FileStore,
  ) {}

  /**
   * Gives every fault as soon as it is found. A file that is added or deleted meanwhile is not a fault.
   *
   * @param progress is called after each version, with the number of versions that were checked so far.
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
      // the row of a new file is written after its bytes
      if (+since < Date.now() - hourMs && !(await this.areWanted(storageKey))) yield { kind: 'orphaned', storageKey };
  }

  private after(id: string): Promise<readonly Row[]> {
    return this.reader.rows<Row>(versions, [id, slice]);
  }

  private async areWanted(storageKey: string): Promise<boolean> {
    return (await this.reader.rows(wanted, [storageKey])).length > 0;
  }
}

/**
 * If there is a link or a pipe in the place of the bytes, the bytes are not those that were stored, wherever it leads.
 */
function unlessForeign(error: unknown): 'foreign' {
  if (error instanceof NoStoreFile) return 'foreign';
  throw error;
}

const versions = `
  SELECT v."id", f."name", v."number", v."size", v."sha256", v."storageKey"
  FROM "file_versions" v JOIN "files" f ON f."id" = v."fileId"
  WHERE v."id" > $1 AND v."discardedAt" IS NULL ORDER BY v."id" LIMIT $2`;

const wanted = `SELECT 1 AS "is" FROM "file_versions" WHERE "storageKey" = $1 AND "discardedAt" IS NULL`;
