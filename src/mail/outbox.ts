import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Repository } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { dayMs, hourMs, minuteMs, secondMs } from '../config/durations.js';
import { Keys } from '../config/keys.js';
import type { Letter } from './letters.js';
import { WaitingLetter } from './waiting-letter.entity.js';

/** All letters look alike in the database, up to a multiple of this many bytes. */
const padding = 1_024;
/** After so long nobody can still be sending a letter that somebody took. */
const lease = 3 * minuteMs;
/** What could not be sent for so long is given up: nobody waits for it any more. */
const retryForMs = 3 * dayMs;
/** How long a letter rests after its first try, its second, and so on. */
const rests = [30 * secondMs, 2 * minuteMs, 10 * minuteMs, hourMs, 6 * hourMs];

/** The letters that wait, in the database: durable, sealed, and each in the hands of one process at a time. */
@Injectable()
export class Outbox {
  constructor(
    @InjectRepository(WaitingLetter) private readonly letters: Repository<WaitingLetter>,
    private readonly keys: Keys,
  ) {}

  /** Takes in a letter that is to be sent after so many milliseconds. */
  async put(letter: Letter, rest: number): Promise<void> {
    const createdAt = new Date();
    const sealed = this.keys.seal(padded(JSON.stringify(letter)));
    const dueAt = new Date(createdAt.getTime() + rest);
    await this.letters.insert({ id: uuid(), letter: sealed, createdAt, tries: 0, dueAt });
  }

  /** The letter that has been due the longest; nobody else takes it until it is discarded or put back. */
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

  /** @throws Error where it was sealed with another key. */
  open({ letter }: WaitingLetter): Letter {
    return JSON.parse(this.keys.unseal(letter)) as Letter;
  }

  async discard({ id }: WaitingLetter): Promise<void> {
    await this.letters.delete({ id });
  }

  /** Puts a letter back that could not be sent, to be tried again later; false if it is too old for that. */
  async putBack(letter: WaitingLetter): Promise<boolean> {
    const dueAt = new Date(Date.now() + restAfter(letter.tries));
    if (dueAt.getTime() < letter.createdAt.getTime() + retryForMs) {
      await this.change(letter, { dueAt });
      return true;
    }
    return false;
  }

  /** Puts a letter back that was not tried to the end, for whoever comes next. */
  async giveBack(letter: WaitingLetter): Promise<void> {
    await this.change(letter, { tries: letter.tries - 1, dueAt: new Date() });
  }

  /** Whether the letter was still as it was seen, and is changed now. */
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
