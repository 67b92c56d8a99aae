import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { IsNull, Repository } from 'typeorm';
import { Keys } from '../config/keys.js';
import { Writer } from '../database/writer.js';
import { hasAuthenticator, hasPasskey } from './last-factor.js';
import { RecoveryCode } from './recovery-code.entity.js';
import { newRecoveryCodes, recoveryCodeForm, setSize } from './recovery-codes.js';

/** Any number that no other lock of ours has: of two sets that are made at once for a member, one stays. */
const recoveryCodesLock = 4_283_467_384;

/** The sets of recovery codes: each code is shown once, kept as a keyed hash, and works once. (ASVS 5.0 6.5) */
@Injectable()
export class RecoveryCodesService {
  constructor(
    @InjectRepository(RecoveryCode) private readonly codes: Repository<RecoveryCode>,
    private readonly writer: Writer,
    private readonly keys: Keys,
  ) {}

  /** How many can still be used. */
  leftOf(userId: string): Promise<number> {
    return this.codes.countBy({ userId, usedAt: IsNull() });
  }

  /** Makes a member's set and gives its codes, this once; undefined where there is one. */
  async makeFirst(userId: string): Promise<string[] | undefined> {
    const codes = newRecoveryCodes();
    const hashes = codes.map((code) => this.hashOf(code));
    const rows = await this.writer.alone(recoveryCodesLock, insertUnlessThere, [userId, ...hashes]);
    return rows.length > 0 ? codes : undefined;
  }

  /** Makes a new set, from which on the old one is worthless; undefined where another request makes one just now. */
  async renew(userId: string): Promise<string[] | undefined> {
    await this.codes.delete({ userId });
    return this.makeFirst(userId);
  }

  /** Whether it is a code of this member's that was not used yet; it is now. */
  async spend(userId: string, typed: string): Promise<boolean> {
    const code = recoveryCodeForm(typed);
    if (code === undefined) return false;
    const { affected } = await this.codes.update(
      { userId, codeHash: this.hashOf(code), usedAt: IsNull() },
      { usedAt: new Date() },
    );
    return affected === 1;
  }

  /** Takes away the codes of a member who has no second factor that they could stand in for. */
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
