import { hash, verify, type Options } from '@node-rs/argon2';
import { Injectable } from '@nestjs/common';
import { availableParallelism } from 'node:os';
import { Settings } from '../config/settings.js';
import { networkOf } from '../http/network.js';
import { HashingQueue } from './hashing-queue.js';

/**
 * OWASP's settings for argon2id, the library's default (Password Storage Cheat Sheet): 19 MiB, two passes, one lane.
 */
const cost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } satisfies Options;

/**
 * Hashes and verifies passwords. Each hash takes a processor core and 19 MiB for about 20 ms, on threads that the
 * database and the disk need too. So only a few run at once: they leave one core free if there is more than one, and
 * one of libuv's four threads. A limited number wait, and the rest are asked to come back. Networks take turns, and
 * none can fill the queue alone. If the queue is full, the network with the most waiting jobs loses one, rather than
 * the next to arrive.
 */
@Injectable()
export class Passwords {
  private static readonly atOnce = Math.max(1, Math.min(availableParallelism() - 1, 3));
  private static readonly waiting = 128;
  private static readonly waitingOfOne = 32;
  private readonly queue = new HashingQueue(Passwords.atOnce, Passwords.waiting);
  /** The hash that a password is verified against if the email is unknown, so that the answer takes the same time. */
  private readonly nobody = hash('nobody has this password', cost);

  constructor(private readonly settings: Settings) {}

  /**
   * Hashes a password in the turn of this address, or in a turn that all calls without an address share.
   *
   * @throws Busy if too many wait already.
   */
  hash(password: string, address?: string): Promise<string> {
    return this.inTurn(address, () => hash(password, cost));
  }

  /**
   * Whether the password is the one that was hashed. If there is no hash, it does the same work and gives false.
   *
   * @throws Busy if too many wait already.
   */
  verify(passwordHash: string | undefined, password: string, address?: string): Promise<boolean> {
    return this.inTurn(address, async () => {
      const isRight = await verify(passwordHash ?? (await this.nobody), password);
      return isRight && passwordHash !== undefined;
    });
  }

  /** Whether a hash cost less work than new hashes do today. */
  isOutdated(passwordHash: string): boolean {
    const [, algorithm, memory, time] = /^\$(argon2\w+)\$v=\d+\$m=(\d+),t=(\d+),/.exec(passwordHash) ?? [];
    return algorithm !== 'argon2id' || Number(memory) < cost.memoryCost || Number(time) < cost.timeCost;
  }

  private inTurn<Result>(address: string | undefined, work: () => Promise<Result>): Promise<Result> {
    if (address === undefined || this.settings.rateLimits === 'off') return this.queue.run('', work);
    return this.queue.run(networkOf(address), work, Passwords.waitingOfOne);
  }
}
