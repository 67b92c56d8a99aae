import { hash, verify, type Options } from '@node-rs/argon2';
import { Injectable } from '@nestjs/common';
import { availableParallelism } from 'node:os';
import pLimit from 'p-limit';
import { Busy } from '../http/errors.js';

/** OWASP's settings for argon2id, the library's own kind (Password Storage Cheat Sheet): 19 MiB, two passes, one lane. */
const cost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } satisfies Options;

/**
 * Hashes and verifies passwords. Hashing takes a core and 19 MiB for about 20 ms, on threads that the database and
 * the disk need too: so at most as many run at once as leave one of libuv's four threads free, a bounded number
 * waits, and the rest are told to come back.
 */
@Injectable()
export class Passwords {
  private static readonly atOnce = Math.max(1, Math.min(availableParallelism(), 3));
  private static readonly waiting = 128;
  private readonly limit = pLimit(Passwords.atOnce);
  /** What a stranger's password is verified against, so that an unknown email takes the same time. */
  private readonly nobody = hash('nobody has this password', cost);

  /** @throws Busy where too many wait already. */
  hash(password: string): Promise<string> {
    return this.inTurn(() => hash(password, cost));
  }

  /**
   * Whether the password is the one that was hashed; false, after the same work, where there is no hash.
   *
   * @throws Busy where too many wait already.
   */
  verify(passwordHash: string | undefined, password: string): Promise<boolean> {
    return this.inTurn(async () => {
      const isRight = await verify(passwordHash ?? (await this.nobody), password);
      return isRight && passwordHash !== undefined;
    });
  }

  /** Whether a hash was made with less work than is asked for today. */
  isOutdated(passwordHash: string): boolean {
    const [, algorithm, memory, time] = /^\$(argon2\w+)\$v=\d+\$m=(\d+),t=(\d+),/.exec(passwordHash) ?? [];
    return algorithm !== 'argon2id' || Number(memory) < cost.memoryCost || Number(time) < cost.timeCost;
  }

  private async inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.limit.pendingCount >= Passwords.waiting) throw new Busy(3);
    return this.limit(work);
  }
}
