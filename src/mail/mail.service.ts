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
 * Letters are sent at fixed times, this many milliseconds apart, in the order in which they came. So the time of a
 * sending does not tell the person who asked whether there was an account to mail.
 */
const round = secondMs / 2;
/** How often this process looks for letters that a crash, a fault or another process left, in milliseconds. */
const pollEvery = 15 * secondMs;
/**
 * How long it may take to send one letter, in milliseconds. It is less than the time after which another process takes
 * the letter.
 */
const sendTimeoutMs = 120 * secondMs;
/** How long the letter in flight may take when this process ends, in milliseconds. */
const lastChance = 5 * secondMs;

/** A letter that was given up and will not be sent. */
export interface GivenUp {
  readonly to: string;
  /** True if a mail server refused it for good. False if no mail server took it for days. */
  readonly isRefused: boolean;
}

/**
 * Sends letters. Each waits in the database until a mail server takes it. If no mail server is set, it becomes a file
 * in the data folder. A letter is sent at least once. It is sent twice only if a process dies just after the mail
 * server took it, and then with the same Message-ID.
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

  /** Accepts a letter. When this returns, the letter survives a power cut. A process that listens sends it soon. */
  async send(letter: Letter): Promise<void> {
    const rest = round - (Date.now() % round);
    await this.outbox.put(letter, rest);
    if (this.chores.areDone) setTimeout(() => this.sendDue(), rest + 10).unref();
  }

  /** Call this before the start is over. `tell` is called for each letter that is given up. */
  onGivenUp(tell: (letter: GivenUp) => Promise<void>): void {
    this.listeners.push(tell);
  }

  /** Starts to send the letters that are due, one after the other, unless this process already does. */
  sendDue(): void {
    this.isWanted = true;
    this.working ??= this.work();
  }

  async onModuleInit(): Promise<void> {
    // make the folder at start, so that a person who waits for a mail finds it
    if (!this.settings.sendsMail) await makeOutboxFolder(this.settings);
    this.chores.every(pollEvery, () => this.sendDue(), 'the outbox could not be looked into');
  }

  /** Gives the letter in flight a short time to arrive. The next start sends the rest. */
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

  /** Sends a letter. Returns undefined if it was sent, or the error if not. */
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

  /** Tells the listeners before it deletes the letter, so that no letter is lost in a crash without a message. */
  private async giveUp(letter: WaitingLetter, { isRefused }: { isRefused: boolean }): Promise<void> {
    const to = this.recipientOf(letter);
    if (to !== undefined) for (const tell of this.listeners) await tell({ to, isRefused });
    await this.outbox.discard(letter);
  }

  private recipientOf(letter: WaitingLetter): string | undefined {
    try {
      return this.outbox.open(letter).to;
    } catch {
      // sealed with another key, so its recipient is unknown
      return undefined;
    }
  }
}

/**
 * Whether a mail server refused this letter for good: it replied with 500 to 599 to the envelope or the text (RFC 5321
 * 4.2.1). If it refused the greeting or the login, that is not the letter's fault, and the letter waits until it is
 * fixed.
 */
function isRefusal(fault: unknown): boolean {
  const { code, responseCode } = fault as Partial<Record<string, unknown>>;
  const isOfLetter = code === 'EENVELOPE' || code === 'EMESSAGE';
  return isOfLetter && typeof responseCode === 'number' && responseCode >= 500 && responseCode < 600;
}

/**
 * The facts about an error that are safe to log. The error's message is left out, because it repeats the mail server's
 * reply, which can hold addresses.
 */
function codesOf(fault: unknown): object {
  const { name, code, originalCode, responseCode, command } = fault as Partial<Record<string, unknown>>;
  const words = Object.entries({ code: code ?? name, cause: originalCode, command }).filter(
    ([, word]) => typeof word === 'string' && /^\w[\w -]{0,40}$/.test(word),
  );
  return { ...Object.fromEntries(words), ...(typeof responseCode === 'number' && { responseCode }) };
}
