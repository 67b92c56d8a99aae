import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { secondMs } from '../config/durations.js';
import { Settings } from '../config/settings.js';
import { Chores } from '../http/chores.js';
import { viewsFolder } from '../http/views.js';
import { letterWriter, type Letter, type WriteLetter } from './letters.js';
import { Outbox } from './outbox.js';
import { makeOutboxFolder, postmanFor, type Postman } from './postmen.js';
import type { WaitingLetter } from './waiting-letter.entity.js';

/**
 * Letters leave by the clock, so often, and in the order in which they came: at no time after an answer from which
 * whoever asked could tell that there was somebody to send one to.
 */
const round = secondMs / 2;
/** How often this process looks for what a crash, a fault or another process left. */
const pollEvery = 15 * secondMs;
/** So long may sending one letter take, in all; less than anybody else waits to take it. */
const sendTimeoutMs = 120 * secondMs;
/** So long the letter in flight gets at the end of this process. */
const lastChance = 5 * secondMs;

/** A letter that nobody will get. */
export interface GivenUp {
  readonly to: string;
  /** Whether a mail server said that it will never take it; else none took it for days. */
  readonly isRefused: boolean;
}

/**
 * Sends letters. Each waits in the database until a mail server took it or, where none is set, a file in the data
 * folder holds it. It is sent at least once; twice only where a process dies just after the mail server took it, and
 * then under the same Message-ID.
 */
@Injectable()
export class MailService implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger('Mail');
  private readonly write: WriteLetter;
  private readonly deliver: Postman;
  private readonly listeners: ((letter: GivenUp) => Promise<void>)[] = [];
  private working: Promise<void> | undefined;
  private inFlight: AbortController | undefined;
  private isWanted = false;
  private isEnding = false;

  constructor(
    private readonly outbox: Outbox,
    private readonly chores: Chores,
    private readonly settings: Settings,
  ) {
    this.write = letterWriter(viewsFolder, new URL(settings.publicUrl).host);
    this.deliver = postmanFor(settings);
  }

  /** Takes on a letter: it survives a power cut once this returns, and leaves soon after, from a process that listens. */
  async send(letter: Letter): Promise<void> {
    const rest = round - (Date.now() % round);
    await this.outbox.put(letter, rest);
    if (this.chores.areDone) setTimeout(() => this.sendDue(), rest + 10).unref();
  }

  /** To be called before the start is over: tells of each letter that is given up. */
  onGivenUp(tell: (letter: GivenUp) => Promise<void>): void {
    this.listeners.push(tell);
  }

  /** Begins to send what is due, one letter after the other, unless this process is at it. */
  sendDue(): void {
    this.isWanted = true;
    this.working ??= this.work();
  }

  async onModuleInit(): Promise<void> {
    // there from the start, for whoever waits for a mail in it
    if (!this.settings.sendsMail) await makeOutboxFolder(this.settings);
    this.chores.every(pollEvery, () => this.sendDue(), 'the outbox could not be looked into');
  }

  /** The letter in flight may still arrive, if that is quick; what does not is for the next start. */
  async onApplicationShutdown(): Promise<void> {
    this.isEnding = true;
    const timer = new AbortController();
    const tooLate = sleep(lastChance, undefined, { signal: timer.signal }).catch(() => undefined);
    await Promise.race([this.working, tooLate]);
    timer.abort();
    this.inFlight?.abort();
    await this.working;
  }

  private async work(): Promise<void> {
    try {
      while (this.isWanted && !this.isEnding) {
        this.isWanted = false;
        await this.sendAll();
      }
    } catch (error) {
      this.logger.warn({ err: error }, 'the outbox could not be read or written');
    } finally {
      this.working = undefined;
    }
  }

  private async sendAll(): Promise<void> {
    while (!this.isEnding) {
      const letter = await this.outbox.take();
      if (!letter) return;
      const fault = await this.faultOfSending(letter);
      if (fault === undefined) await this.outbox.discard(letter);
      else await this.keepForLater(letter, fault);
    }
  }

  /** Sends a letter; undefined where it was, else what is wrong. */
  private async faultOfSending(letter: WaitingLetter): Promise<unknown> {
    const abort = (this.inFlight = new AbortController());
    const timer = setTimeout(() => abort.abort(), sendTimeoutMs);
    try {
      const { to, ...facts } = this.outbox.open(letter);
      const written = this.write(facts);
      if (to !== undefined)
        await this.deliver({ id: letter.id, to, writtenAt: letter.createdAt, ...written }, abort.signal);
      return undefined;
    } catch (error) {
      return error;
    } finally {
      clearTimeout(timer);
      this.inFlight = undefined;
    }
  }

  private async keepForLater(letter: WaitingLetter, fault: unknown): Promise<void> {
    const line = { letter: letter.id, tries: letter.tries, ...codesOf(fault) };
    if (isRefusal(fault)) {
      this.logger.error(line, 'a letter was refused for good and is given up');
      return this.giveUp(letter, { isRefused: true, ...line });
    }
    if (this.isEnding) return this.outbox.giveBack(letter);
    if (await this.outbox.putBack(letter)) {
      this.logger.warn(line, 'a letter could not be sent and is tried again later');
      return;
    }
    this.logger.error(line, 'a letter could not be sent for days and is given up');
    return this.giveUp(letter, { isRefused: false, ...line });
  }

  /** Tells of it first, so that a crash leaves no letter that went without a word. */
  private async giveUp(letter: WaitingLetter, { isRefused }: { isRefused: boolean }): Promise<void> {
    const to = this.recipientOf(letter);
    if (to !== undefined) for (const tell of this.listeners) await tell({ to, isRefused });
    await this.outbox.discard(letter);
  }

  private recipientOf(letter: WaitingLetter): string | undefined {
    try {
      return this.outbox.open(letter).to;
    } catch {
      // sealed with another key: nobody can say for whom it was
      return undefined;
    }
  }
}

/**
 * Whether a mail server has said that it will never take this letter: a reply of 500 to 599 to its envelope or its text
 * (RFC 5321 4.2.1). A refused greeting or login is no fault of the letter, which waits until somebody mends that.
 */
function isRefusal(fault: unknown): boolean {
  const { code, responseCode } = fault as Partial<Record<string, unknown>>;
  const isOfLetter = code === 'EENVELOPE' || code === 'EMESSAGE';
  return isOfLetter && typeof responseCode === 'number' && responseCode >= 500 && responseCode < 600;
}

/** What a log may know of a fault: a mail server repeats addresses in its words, and its words in the error's. */
function codesOf(fault: unknown): object {
  const { name, code, originalCode, responseCode, command } = fault as Partial<Record<string, unknown>>;
  const words = Object.entries({ code: code ?? name, cause: originalCode, command }).filter(
    ([, word]) => typeof word === 'string' && /^\w[\w -]{0,40}$/.test(word),
  );
  return { ...Object.fromEntries(words), ...(typeof responseCode === 'number' && { responseCode }) };
}
