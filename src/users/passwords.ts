import { hash, verify, type Options } from '@node-rs/argon2';
import { Injectable } from '@nestjs/common';
import { availableParallelism } from 'node:os';
import { Settings } from '../config/settings.js';
import { networkOf } from '../http/network.js';
import { HashingQueue } from './hashing-queue.js';

/** OWASP's settings for argon2id, the library's own kind (Password Storage Cheat Sheet): 19 MiB, two passes, one lane. */
const cost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } satisfies Options;

/**
 * Hashes and verifies passwords. Hashing takes a core and 19 MiB for about 20 ms, on threads that the database and
 * the disk need too: so at most as many run at once as leave a core and one of libuv's four threads free, a bounded number
 * waits, and the rest are told to come back. Networks take turns; none fills the queue alone, and of a full one the
 * network that has the most in it is turned away, not the next that comes.
 */
@Injectable()
export class Passwords {
  private static readonly atOnce = Math.max(1, Math.min(availableParallelism() - 1, 3));
  private static readonly waiting = 128;
  private static readonly waitingOfOne = 32;
  private readonly queue = new HashingQueue(Passwords.atOnce, Passwords.waiting);
  /** What a stranger's password is verified against, so that an unknown email takes the same time. */
  private readonly nobody = hash('nobody has this password', cost);

  constructor(private readonly settings: Settings) {}

  /** For whoever asks from this address; nobody's, where it is not said. @throws Busy where too many wait already. */
  hash(password: string, address?: string): Promise<string> {
    return this.inTurn(address, () => hash(password, cost));
  }

  /**
   * Whether the password is the one that was hashed; false, after the same work, where there is no hash.
   *
   * @throws Busy where too many wait already.
   */
  verify(passwordHash: string | undefined, password: string, address?: string): Promise<boolean> {
    return this.inTurn(address, async () => {
      const isRight = await verify(passwordHash ?? (await this.nobody), password);
      return isRight && passwordHash !== undefined;
    });
  }

  /** Whether a hash was made with less work than is asked for today. */
  isOutdated(passwordHash: string): boolean {
    const [, algorithm, memory, time] = /^\$(argon2\w+)\$v=\d+\$m=(\d+),t=(\d+),/.exec(passwordHash) ?? [];
    return algorithm !== 'argon2id' || Number(memory) < cost.memoryCost || Number(time) < cost.timeCost;
  }

  private inTurn<Result>(address: string | undefined, work: () => Promise<Result>): Promise<Result> {
    if (address === undefined || this.settings.rateLimits === 'off') return this.queue.run('', work);
    return this.queue.run(networkOf(address), work, Passwords.waitingOfOne);
  }
}
