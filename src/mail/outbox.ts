import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Repository } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { dayMs, hourMs, minuteMs, secondMs } from '../config/durations.js';
import { Keys } from '../config/keys.js';
import type { Letter } from './letters.js';
import { WaitingLetter } from './waiting-letter.entity.js';

/** Letters are padded to a multiple of this many bytes, so that they look alike in the database. */
const padding = 1_024;
/** How long a process keeps a letter that it took, in milliseconds. After that it can no longer be sending it. */
const lease = 3 * minuteMs;
/** How long a letter is retried before it is given up, in milliseconds. After that nobody waits for it. */
const retryForMs = 3 * dayMs;
/** How long a letter waits after its first try, its second, and so on, in milliseconds. */
const rests = [30 * secondMs, 2 * minuteMs, 10 * minuteMs, hourMs, 6 * hourMs];

/**
 * The waiting letters in the database. They survive a crash, are encrypted, and only one process works on each at a
 * time.
 */
@Injectable()
export class Outbox {
  constructor(
    @InjectRepository(WaitingLetter) private readonly letters: Repository<WaitingLetter>,
    private readonly keys: Keys,
  ) {}

  /** Stores a letter that is to be sent after `rest` milliseconds. */
  async put(letter: Letter, rest: number): Promise<void> {
    const createdAt = new Date();
    const sealed = this.keys.seal(padded(JSON.stringify(letter)));
    const dueAt = new Date(createdAt.getTime() + rest);
    await this.letters.insert({ id: uuid(), letter: sealed, createdAt, tries: 0, dueAt });
  }

  /**
   * Takes the letter that has been due the longest. No other process takes it until it is put back or three minutes
   * pass.
   */
  async take(): Promise<WaitingLetter | undefined> {
    for (;;) {
      const now = Date.now();
      const due = await this.letters
        .createQueryBuilder('l')
        .where('l."dueAt" <= :now', { now })
        .orderBy('l.dueAt')
        .addOrderBy('l.id')
        .limit(1)
        .getOne();
      if (!due) return undefined;
      const taken = { tries: due.tries + 1, dueAt: new Date(now + lease) };
      if (await this.change(due, taken)) return Object.assign(due, taken);
    }
  }

  /** @throws Error if the letter was sealed with another key. */
  open({ letter }: WaitingLetter): Letter {
    return JSON.parse(this.keys.unseal(letter)) as Letter;
  }

  async discard({ id }: WaitingLetter): Promise<void> {
    await this.letters.delete({ id });
  }

  /** Puts back a letter that could not be sent, to be tried again later. Returns false if it is too old for that. */
  async putBack(letter: WaitingLetter): Promise<boolean> {
    const dueAt = new Date(Date.now() + restAfter(letter.tries));
    if (dueAt.getTime() < letter.createdAt.getTime() + retryForMs) {
      await this.change(letter, { dueAt });
      return true;
    }
    return false;
  }

  /** Puts back a letter whose try was interrupted, so that any process can take it at once. */
  async giveBack(letter: WaitingLetter): Promise<void> {
    await this.change(letter, { tries: letter.tries - 1, dueAt: new Date() });
  }

  /** Changes the letter if nobody has changed it since it was read. Returns whether it did. */
  private async change({ id, dueAt }: WaitingLetter, to: Partial<WaitingLetter>): Promise<boolean> {
    const { affected } = await this.letters
      .createQueryBuilder()
      .update(to)
      .where('"id" = :id AND "dueAt" = :seen', { id, seen: dueAt.getTime() })
      .execute();
    return affected === 1;
  }
}

const restAfter = (tries: number) => rests[Math.min(tries, rests.length) - 1] ?? 0;

const padded = (text: string) => text + ' '.repeat(padding - (Buffer.byteLength(text) % padding));
