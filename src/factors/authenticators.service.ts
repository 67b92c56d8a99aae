import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { IsNull, Not, Repository } from 'typeorm';
import { hourMs } from '../config/durations.js';
import { Keys } from '../config/keys.js';
import { Writer } from '../database/writer.js';
import { Authenticator } from './authenticator.entity.js';
import { hasPasskey, lastFactorLock } from './last-factor.js';
import { newSecret, stepOf } from './totp.js';

/** Authenticator apps: at most one for each member. Each code works once (RFC 6238, ASVS 5.0 6.5). */
@Injectable()
export class AuthenticatorsService {
  constructor(
    @InjectRepository(Authenticator) private readonly authenticators: Repository<Authenticator>,
    private readonly writer: Writer,
    private readonly keys: Keys,
  ) {}

  /** Whether the member has an authenticator app that has been confirmed by a code. */
  isSetUpFor(userId: string): Promise<boolean> {
    return this.authenticators.existsBy({ userId, confirmedAt: Not(IsNull()) });
  }

  /**
   * The secret, in base32, of an app that waits for its first code. It stays the same for an hour, so that the page can
   * be loaded again. Gives undefined if an app is set up already.
   */
  async begin(userId: string): Promise<string | undefined> {
    const now = Date.now();
    await this.writer.rows(insertOrRenew, [userId, this.keys.seal(newSecret()), now, now - hourMs]);
    const { secret, confirmedAt } = await this.authenticators.findOneByOrFail({ userId });
    return confirmedAt ? undefined : this.keys.unseal(secret);
  }

  /** Confirms the waiting app and gives true, if the code is right. The code is then used up. */
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

  /**
   * Whether this is an unused code of the member's app. If so, it is now used up. If many requests give it at once,
   * only one gets true.
   */
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

  /**
   * Deletes a confirmed app and says whether there was one. With `unlessLast`, deletes it only if the member also has a
   * passkey.
   */
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

/** A secret that has waited for a long time is replaced, because somebody may have seen it. */
const insertOrRenew = `
  INSERT INTO "authenticators" ("userId", "secret", "createdAt") VALUES ($1, $2, $3)
  ON CONFLICT ("userId") DO UPDATE SET "secret" = excluded."secret", "createdAt" = excluded."createdAt"
  WHERE "authenticators"."confirmedAt" IS NULL AND "authenticators"."createdAt" < $4
  RETURNING "userId"`;
