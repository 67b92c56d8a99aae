import type { FileStore } from '../store/file-store.js';

const slice = 500;

/** Reads rows from the database. */
type Rows = <Row>(sql: string, values: readonly unknown[]) => Promise<readonly Row[]>;

/** The state of the bytes of a version, as far as it shows without reading them. */
export interface SeenVersion {
  readonly state: 'whole' | 'missing' | 'closed';
  /** The id of the system user that owns the bytes; undefined if it is not known. */
  readonly uid: number | undefined;
  /** Whether an admin has deleted the file. They can restore it for a while. */
  readonly isDeleted: boolean;
}

interface Row {
  readonly id: string;
  readonly size: number | string;
  readonly storageKey: string;
  readonly deletedAt: number | string | null;
}

/**
 * Looks at the bytes of every version, the oldest first, without reading them. A version is `missing` if there are no
 * bytes or the wrong number of them, and `closed` if this process may not read them. A version whose bytes are deleted
 * meanwhile is left out.
 */
export async function* glances(rows: Rows, store: FileStore): AsyncGenerator<SeenVersion> {
  const after = (id: string) => rows<Row>(versions, [id, slice]);
  for (let [found, last] = [await after(''), '']; found.length > 0; found = await after(last))
    for (const { id, size, storageKey, deletedAt } of found) {
      last = id;
      const seen = await store.glanceAt(storageKey);
      const isMissing = seen === undefined || (seen.size !== undefined && seen.size !== Number(size));
      if (isMissing && (await rows(wanted, [storageKey])).length === 0) continue;
      const state = isMissing ? 'missing' : seen.isOpen ? 'whole' : 'closed';
      yield { state, uid: seen?.uid, isDeleted: deletedAt !== null };
    }
}

const versions = `
  SELECT v."id", v."size", v."storageKey", f."deletedAt"
  FROM "file_versions" v JOIN "files" f ON f."id" = v."fileId"
  WHERE v."id" > $1 AND v."discardedAt" IS NULL ORDER BY v."id" LIMIT $2`;

const wanted = `SELECT 1 AS "is" FROM "file_versions" WHERE "storageKey" = $1 AND "discardedAt" IS NULL`;
