import type { FileStore } from '../store/file-store.js';

const slice = 500;

/** Asks for rows. */
type Rows = <Row>(sql: string, values: readonly unknown[]) => Promise<readonly Row[]>;

/** A version of a file whose bytes are wanted, and how they look from outside. */
export interface SeenVersion {
  readonly state: 'whole' | 'missing' | 'closed';
  /** Whose they are, where the system says so. */
  readonly uid: number | undefined;
  /** Whether an admin has deleted the file: it can be had back for a while. */
  readonly isDeleted: boolean;
}

interface Row {
  readonly id: string;
  readonly size: number | string;
  readonly storageKey: string;
  readonly deletedAt: number | string | null;
}

/**
 * Looks for the bytes of every version, the oldest first, without reading them: `missing` where there are none, or another
 * number of them; `closed` where this process may not read them. What is deleted meanwhile is left out.
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
