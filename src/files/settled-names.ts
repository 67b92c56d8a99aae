import { Injectable, type BeforeApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { hourMs } from '../config/durations.js';
import { Reader } from '../database/reader.js';
import { Writer } from '../database/writer.js';
import { Chores } from '../http/chores.js';
import { nameForms, searchTextOf } from './stored-file.entity.js';

/** How many rows are read at once. */
const slice = 500;

interface Row {
  readonly id: string;
  readonly name: string;
  readonly searchName: string;
  readonly note: string;
}

/**
 * Updates names that were stored under an older rule for names. Until a name is updated, it is only shown by the
 * current rule, and two names that become equal by this rule do not get a number yet. It goes through all files once
 * after each start, by id, in slices. Files that are added later are named by the current rule.
 */
@Injectable()
export class SettledNames implements OnModuleInit, BeforeApplicationShutdown {
  private doneTo: string | undefined = '';
  private isStopping = false;

  constructor(
    private readonly reader: Reader,
    private readonly writer: Writer,
    private readonly chores: Chores,
  ) {}

  onModuleInit(): void {
    this.chores.every(hourMs, () => this.settleAll(), 'the names of older files could not be brought under the rule');
  }

  beforeApplicationShutdown(): void {
    this.isStopping = true;
  }

  private async settleAll(): Promise<void> {
    while (this.doneTo !== undefined && !this.isStopping) {
      const rows = await this.reader.rows<Row>(
        `SELECT "id", "name", "searchName", "note" FROM "files" WHERE "id" > $1 ORDER BY "id" LIMIT ${slice}`,
        [this.doneTo],
      );
      for (const row of rows) await this.settle(row);
      this.doneTo = rows.length < slice ? undefined : rows.at(-1)?.id;
      await nextTurn();
    }
  }

  private async settle({ id, name, searchName, note }: Row): Promise<void> {
    const forms = nameForms(name);
    if (forms.name === name && forms.searchName === searchName) return;
    // does not overwrite a name or note that an admin has changed meanwhile
    await this.writer.rows(
      `UPDATE "files" SET "name" = $1, "searchName" = $2, "searchText" = $3
       WHERE "id" = $4 AND "name" = $5 AND "note" = $6 RETURNING "id"`,
      [forms.name, forms.searchName, searchTextOf({ name: forms.name, note }), id, name, note],
    );
  }
}
