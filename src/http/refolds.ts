import { Injectable, type BeforeApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { hourMs } from '../config/durations.js';
import { Reader } from '../database/reader.js';
import { Writer } from '../database/writer.js';
import { Chores } from './chores.js';
import { newestId } from './paging.input.js';
import { fold, foldVersion } from './search.js';

/** Text that is stored in the form that a rule of the code gives it, and must be written again if the rule changes. */
export interface StoredForm<Row extends { readonly id: string }> {
  /** Names its progress in the table `refolds`. */
  readonly name: string;
  /** The version of the rule. If it is greater than the stored one, all rows are looked at again. */
  readonly version: number;
  /** A statement that reads rows with an `id`, after the id in `$1`, in the order of their ids, at most `$2` of them. */
  readonly select: string;
  /** The statement that gives a row its new form, if it needs one. It must not overwrite what has changed meanwhile. */
  readonly update: (row: Row) => readonly [sql: string, values: readonly unknown[]] | undefined;
}

/** How many rows are read at once. */
const slice = 500;

/**
 * Writes stored text again after the rule for its form has changed, because the databases do not know these rules. It goes
 * through the rows of each form once, by id, a slice at a time. Its progress is stored, so it continues after a restart.
 * Text that is written in the meantime has the new form already.
 */
@Injectable()
export class Refolds implements OnModuleInit, BeforeApplicationShutdown {
  private readonly forms: StoredForm<{ readonly id: string }>[] = [];
  private isStopping = false;

  constructor(
    private readonly reader: Reader,
    private readonly writer: Writer,
    private readonly chores: Chores,
  ) {
    for (const table of ['files', 'collections', 'groups', 'users', 'events']) this.add(searchTextsOf(table));
  }

  /** Call this before the start is over. */
  add<Row extends { readonly id: string }>(form: StoredForm<Row>): void {
    this.forms.push(form as unknown as StoredForm<{ readonly id: string }>);
  }

  onModuleInit(): void {
    this.chores.every(hourMs, () => this.refoldAll(), 'stored text could not be brought into its new form');
  }

  beforeApplicationShutdown(): void {
    this.isStopping = true;
  }

  private async refoldAll(): Promise<void> {
    for (const form of this.forms) await this.refold(form);
  }

  private async refold({ name, version, select, update }: StoredForm<{ readonly id: string }>): Promise<void> {
    const [progress] = await this.writer.rows<{ doneTo: string }>(
      `INSERT INTO "refolds" ("name", "version", "doneTo") VALUES ($1, $2, '')
       ON CONFLICT ("name") DO UPDATE SET
         "doneTo" = CASE WHEN "refolds"."version" = excluded."version" THEN "refolds"."doneTo" ELSE '' END,
         "version" = excluded."version"
       RETURNING "doneTo"`,
      [name, version],
    );
    let doneTo = progress?.doneTo ?? newestId;
    while (doneTo !== newestId && !this.isStopping) {
      const rows = await this.reader.rows<{ readonly id: string }>(select, [doneTo, slice]);
      for (const row of rows) {
        const statement = update(row);
        if (statement) await this.writer.quickly(...statement);
      }
      doneTo = rows.length < slice ? newestId : (rows.at(-1)?.id ?? newestId);
      await this.writer.rows(
        `UPDATE "refolds" SET "doneTo" = $1 WHERE "name" = $2 AND "version" = $3 RETURNING "name"`,
        [doneTo, name, version],
      );
      await nextTurn();
    }
  }
}

/** The searched text of a table, in the form that `fold` gives it. */
const searchTextsOf = (table: string): StoredForm<{ readonly id: string; readonly searchText: string }> => ({
  name: table,
  version: foldVersion,
  select: `SELECT "id", "searchText" FROM "${table}" WHERE "id" > $1 ORDER BY "id" LIMIT $2`,
  update: ({ id, searchText }) => {
    const folded = fold(searchText);
    const sql = `UPDATE "${table}" SET "searchText" = $1 WHERE "id" = $2 AND "searchText" = $3 RETURNING "id"`;
    return folded === searchText ? undefined : [sql, [folded, id, searchText]];
  },
});
