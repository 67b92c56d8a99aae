import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { IsNull, Repository } from 'typeorm';
import { Keys } from '../config/keys.js';
import { Writer } from '../database/writer.js';
import { hasAuthenticator, hasPasskey } from './last-factor.js';
import { RecoveryCode } from './recovery-code.entity.js';
import { newRecoveryCodes, recoveryCodeForm, setSize } from './recovery-codes.js';

/**
 * The key of the database lock for making recovery codes, so that two sets made at once for a member leave only one.
 * Any number that no other lock uses.
 */
const recoveryCodesLock = 4_283_467_384;

/** Sets of recovery codes. Each code is shown once, stored as a keyed hash, and works once (ASVS 5.0 6.5). */
@Injectable()
export class RecoveryCodesService {
  constructor(
    @InjectRepository(RecoveryCode) private readonly codes: Repository<RecoveryCode>,
    private readonly writer: Writer,
    private readonly keys: Keys,
  ) {}

  /** How many codes can still be used. */
  leftOf(userId: string): Promise<number> {
    return this.codes.countBy({ userId, usedAt: IsNull() });
  }

  /**
   * Makes a member's set and gives its codes, the only time they can be read. Gives undefined if the member has a set
   * already.
   */
  async makeFirst(userId: string): Promise<string[] | undefined> {
    const codes = newRecoveryCodes();
    const hashes = codes.map((code) => this.hashOf(code));
    const rows = await this.writer.alone(recoveryCodesLock, insertUnlessThere, [userId, ...hashes]);
    return rows.length > 0 ? codes : undefined;
  }

  /** Makes a new set; the old codes stop working. Gives undefined if another request makes a set at the same moment. */
  async renew(userId: string): Promise<string[] | undefined> {
    await this.codes.delete({ userId });
    return this.makeFirst(userId);
  }

  /** Whether this is an unused code of the member. If so, it is now used up. */
  async spend(userId: string, typed: string): Promise<boolean> {
    const code = recoveryCodeForm(typed);
    if (code === undefined) return false;
    const { affected } = await this.codes.update(
      { userId, codeHash: this.hashOf(code), usedAt: IsNull() },
      { usedAt: new Date() },
    );
    return affected === 1;
  }

  /** Deletes the codes of a member who has no second factor. */
  async removeUnlessSetUp(userId: string): Promise<void> {
    await this.writer.rows(
      `DELETE FROM "recovery_codes" WHERE "userId" = $1 AND NOT ${hasAuthenticator} AND NOT ${hasPasskey}
       RETURNING "codeHash"`,
      [userId],
    );
  }

  async removeAllOf(userId: string): Promise<void> {
    await this.codes.delete({ userId });
  }

  private hashOf(code: string): string {
    return this.keys.mark('recovery code', recoveryCodeForm(code) ?? '');
  }
}

const rows = Array.from({ length: setSize }, (_, index) => `SELECT CAST($${index + 2} AS varchar(64)) AS "codeHash"`);

const insertUnlessThere = `
  INSERT INTO "recovery_codes" ("userId", "codeHash")
  SELECT CAST($1 AS varchar(36)), c."codeHash" FROM (${rows.join(' UNION ALL ')}) c
  WHERE NOT EXISTS (SELECT 1 FROM "recovery_codes" r WHERE r."userId" = $1)
  RETURNING "codeHash"`;
