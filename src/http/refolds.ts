import { Injectable, type BeforeApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { hourMs } from '../config/durations.js';
import { Reader } from '../database/reader.js';
import { Writer } from '../database/writer.js';
import { Chores } from './chores.js';
import { newestId } from './paging.input.js';
import { fold, foldVersion } from './search.js';

/** How many rows are read at once. */
const slice = 500;
/** The tables whose `searchText` is folded text. */
const tables = ['files', 'collections', 'groups', 'users', 'events'] as const;

interface Row {
  readonly id: string;
  readonly searchText: string;
}

/**
 * Folds stored text again after `fold` has changed, because the databases cannot fold as it does. It goes through each
 * table once, by id, a slice at a time. Its progress is stored, so it continues after a restart. Text that is written
 * in the meantime is already folded.
 */
@Injectable()
export class Refolds implements OnModuleInit, BeforeApplicationShutdown {
  private isStopping = false;

  constructor(
    private readonly reader: Reader,
    private readonly writer: Writer,
    private readonly chores: Chores,
  ) {}

  onModuleInit(): void {
    this.chores.every(hourMs, () => this.refoldAll(), 'what is searched could not be folded anew');
  }

  beforeApplicationShutdown(): void {
    this.isStopping = true;
  }

  private async refoldAll(): Promise<void> {
    for (const table of tables) await this.refold(table);
  }

  private async refold(table: (typeof tables)[number]): Promise<void> {
    const [progress] = await this.writer.rows<{ version: number; doneTo: string }>(
      `INSERT INTO "refolds" ("name", "version", "doneTo") VALUES ($1, $2, '')
       ON CONFLICT ("name") DO UPDATE SET
         "doneTo" = CASE WHEN "refolds"."version" = excluded."version" THEN "refolds"."doneTo" ELSE '' END,
         "version" = excluded."version"
       RETURNING "doneTo"`,
      [table, foldVersion],
    );
    let doneTo = progress?.doneTo ?? newestId;
    while (doneTo !== newestId && !this.isStopping) {
      const rows = await this.reader.rows<Row>(
        `SELECT "id", "searchText" FROM "${table}" WHERE "id" > $1 ORDER BY "id" LIMIT ${slice}`,
        [doneTo],
      );
      for (const { id, searchText } of rows) {
        const folded = fold(searchText);
        // a row that changed in the meantime stays as it is
        if (folded !== searchText)
          await this.writer.quickly(
            `UPDATE "${table}" SET "searchText" = $1 WHERE "id" = $2 AND "searchText" = $3 RETURNING "id"`,
            [folded, id, searchText],
          );
      }
      doneTo = rows.length < slice ? newestId : (rows.at(-1)?.id ?? newestId);
      await this.writer.rows(
        `UPDATE "refolds" SET "doneTo" = $1 WHERE "name" = $2 AND "version" = $3 RETURNING "name"`,
        [doneTo, table, foldVersion],
      );
      await nextTurn();
    }
  }
}
