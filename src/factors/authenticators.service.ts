import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { IsNull, Not, Repository } from 'typeorm';
import { hourMs } from '../config/durations.js';
import { Keys } from '../config/keys.js';
import { Writer } from '../database/writer.js';
import { Authenticator } from './authenticator.entity.js';
import { hasPasskey, lastFactorLock } from './last-factor.js';
import { newSecret, stepOf } from './totp.js';

/** Authenticator apps: one a member. Each code works once. (RFC 6238, ASVS 5.0 6.5) */
@Injectable()
export class AuthenticatorsService {
  constructor(
    @InjectRepository(Authenticator) private readonly authenticators: Repository<Authenticator>,
    private readonly writer: Writer,
    private readonly keys: Keys,
  ) {}

  /** Whether the member has one that counts. */
  isSetUpFor(userId: string): Promise<boolean> {
    return this.authenticators.existsBy({ userId, confirmedAt: Not(IsNull()) });
  }

  /**
   * The secret of an app that waits for its first code, in base32: for an hour the same one, so that a page can be
   * loaded again; undefined where an app is set up already.
   */
  async begin(userId: string): Promise<string | undefined> {
    const now = Date.now();
    await this.writer.rows(insertOrRenew, [userId, this.keys.seal(newSecret()), now, now - hourMs]);
    const { secret, confirmedAt } = await this.authenticators.findOneByOrFail({ userId });
    return confirmedAt ? undefined : this.keys.unseal(secret);
  }

  /** Makes the app that waits count, where the code is its. The code is used up by that. */
  async confirm(userId: string, code: string): Promise<boolean> {
    const waiting = await this.authenticators.findOneBy({ userId, confirmedAt: IsNull() });
    const step = waiting ? this.stepOf(waiting, code) : undefined;
    if (!waiting || step === undefined) return false;
    const { affected } = await this.authenticators.update(
      { userId, secret: waiting.secret, confirmedAt: IsNull() },
      { confirmedAt: new Date(), lastStep: step },
    );
    return affected === 1;
  }

  /** Whether it is the code of this member's app, not used yet; it is now. Of many who give it at once, one is right. */
  async spend(userId: string, code: string): Promise<boolean> {
    const authenticator = await this.authenticators.findOneBy({ userId, confirmedAt: Not(IsNull()) });
    const step = authenticator ? this.stepOf(authenticator, code) : undefined;
    if (!authenticator || step === undefined) return false;
    const { affected } = await this.authenticators
      .createQueryBuilder()
      .update({ lastStep: step })
      .where('"userId" = :userId AND "secret" = :secret AND "lastStep" < :step', {
        userId,
        secret: authenticator.secret,
        step,
      })
      .execute();
    return affected === 1;
  }

  /** Whether an app that counted is gone by this; with `unlessLast` only where there is a passkey too. */
  async delete(userId: string, unlessLast: boolean): Promise<boolean> {
    const sql = `DELETE FROM "authenticators" WHERE "userId" = $1 AND "confirmedAt" IS NOT NULL`;
    const rows = unlessLast
      ? await this.writer.alone(lastFactorLock, `${sql} AND ${hasPasskey} RETURNING "userId"`, [userId])
      : await this.writer.rows(`${sql} RETURNING "userId"`, [userId]);
    return rows.length > 0;
  }

  async removeAllOf(userId: string): Promise<void> {
    await this.authenticators.delete({ userId });
  }

  private stepOf({ secret }: Authenticator, code: string): number | undefined {
    return stepOf(this.keys.unseal(secret), code.replace(/\s/g, ''), Date.now());
  }
}

/** A secret that waited for long may have been seen by somebody since: it is made anew. */
const insertOrRenew = `
  INSERT INTO "authenticators" ("userId", "secret", "createdAt") VALUES ($1, $2, $3)
  ON CONFLICT ("userId") DO UPDATE SET "secret" = excluded."secret", "createdAt" = excluded."createdAt"
  WHERE "authenticators"."confirmedAt" IS NULL AND "authenticators"."createdAt" < $4
  RETURNING "userId"`;
