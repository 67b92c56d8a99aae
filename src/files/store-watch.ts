import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { join } from 'node:path';
import { dayMs } from '../config/durations.js';
import { Settings } from '../config/settings.js';
import { handOver } from '../database/owners.js';
import { Reader } from '../database/reader.js';
import { Chores } from '../http/chores.js';
import { FileStore } from '../store/file-store.js';
import { glances } from './glances.js';

/** The files that the database names cannot be served. The message tells an operator why, in one sentence. */
export class UnusableStore extends Error {
  override name = 'UnusableStore';
}

/** Checks at the start, and once a day, that the bytes of the library are there. It does not read them. */
@Injectable()
export class StoreWatch implements OnModuleInit {
  private readonly logger = new Logger('Files');

  constructor(
    private readonly settings: Settings,
    private readonly reader: Reader,
    private readonly store: FileStore,
    private readonly chores: Chores,
  ) {}

  /**
   * Checks that the store has the bytes of at least one file. This is quick unless there are none. If all are missing,
   * a disk is probably not mounted, or the folder belongs to another site. New files would be stored in the wrong
   * place.
   *
   * @throws UnusableStore if the library has files and the store has the bytes of none.
   */
  async mustHoldSome(): Promise<void> {
    const count = { missing: 0, closed: 0 };
    for await (const { state, isDeleted } of this.glances()) {
      if (isDeleted) continue;
      if (state === 'whole') return;
      count[state]++;
    }
    const folder = join(this.settings.dataDir, 'files');
    if (count.closed > 0)
      throw new UnusableStore(
        `None of the files of this site can be read in ${folder}: run the site as the user whose they are, or hand them over: ${handOver(this.settings)}`,
      );
    if (count.missing > 0)
      throw new UnusableStore(
        `None of the files of this site is in ${folder}, where they are expected (${count.missing} are missing): mount or put back that folder, or restore a backup. If they are lost for good, take them off the shelf: npm run gatehouse -- files remove ID …`,
      );
  }

  onModuleInit(): void {
    this.chores.every(dayMs, () => this.tell(), 'the file store could not be looked at');
  }

  private async tell(): Promise<void> {
    const count = { whole: 0, missing: 0, closed: 0 };
    for await (const { state } of this.glances()) count[state]++;
    const { missing, closed } = count;
    const of = `of ${count.whole + missing + closed} versions of files`;
    if (missing > 0)
      this.logger.warn({ missing }, `The bytes of ${missing} ${of} are missing or cut short: see \`files verify\`.`);
    if (closed > 0)
      this.logger.warn({ closed }, `The bytes of ${closed} ${of} cannot be read by this user: see \`doctor\`.`);
  }

  private glances() {
    return glances((sql, values) => this.reader.rows(sql, values), this.store);
  }
}
