import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { createHash } from 'node:crypto';
import { RateLimiterPostgres, RateLimiterRes } from 'rate-limiter-flexible';
import { DataSource } from 'typeorm';
import { daySeconds, hourMs, hourSeconds, minuteSeconds } from '../config/durations.js';
import { Settings } from '../config/settings.js';
import { Chores } from '../http/chores.js';
import { TooManyRequests } from '../http/errors.js';
import { networkOf } from '../http/network.js';

/** How many tries, and in how many seconds they are forgotten. */
const rules = {
  /** Wrong passwords for one account from one address; or from one device that its member has used before. */
  account: { points: 10, duration: 15 * minuteSeconds },
  /** Wrong passwords from one address, whatever the account: someone tries one password on everybody. */
  address: { points: 100, duration: hourSeconds },
  /** Wrong passwords for one account in a row, wherever they come from. */
  streak: { points: 100, duration: 30 * daySeconds },
  /** Registrations from one address. */
  registration: { points: 300, duration: hourSeconds },
  /** Logins that went well, of one account from one address or device: a program that does nothing else. */
  logins: { points: 120, duration: hourSeconds },
  /** Mails that one address, or one device that its member has used before, has sent to one account. */
  mail: { points: 5, duration: hourSeconds },
  /** Mails that strangers have sent to one account, wherever they asked. */
  mailbox: { points: 30, duration: hourSeconds },
  /** Mails that one address has sent to anybody. */
  mails: { points: 30, duration: hourSeconds },
  /** Mails that tell the admins that somebody waits to be let in. */
  notice: { points: 1, duration: 10 * minuteSeconds },
  /** Wrong codes, passwords and answers given as a second factor or a proof, for one account. */
  factor: { points: 10, duration: 15 * minuteSeconds },
} as const;

type Rule = keyof typeof rules;

/** Who tries to log in: the email, the address, and the device where its member has used it before. */
export interface Try {
  readonly email: string;
  readonly address: string;
  readonly device?: string | undefined;
}

/**
 * Counts tries, in the database, so that a restart forgets nothing and all processes count together. A try is spent
 * before its password is looked at, in one atomic statement, so that many at once do not slip through; a right
 * password gives it back. An unknown email counts as a known one does.
 */
@Injectable()
export class RateLimits implements OnModuleInit {
  private readonly logger = new Logger('RateLimits');
  private readonly limiters: Record<Rule, RateLimiterPostgres>;

  constructor(
    private readonly dataSource: DataSource,
    private readonly settings: Settings,
    private readonly chores: Chores,
  ) {
    const names = Object.keys(rules) as Rule[];
    this.limiters = Object.fromEntries(names.map((rule) => [rule, this.limiter(rule)])) as typeof this.limiters;
  }

  /** @throws TooManyRequests where this address, or this device, has tried too often. */
  async spendLogin({ email, address, device }: Try): Promise<void> {
    await this.spend('account', accountKey(email, device ?? networkOf(address)), address);
    // what comes from a member's own device is no spraying
    if (device === undefined) await this.spend('address', networkOf(address), address);
  }

  /**
   * One more wrong passkey from this address. Nobody can guess one, so a right one is never refused for it.
   *
   * @throws TooManyRequests where there were too many.
   */
  spendPasskey(address: string): Promise<void> {
    return this.spend('address', networkOf(address), address);
  }

  /** The password was right: the try is given back, and the account's earlier ones are forgotten. */
  async forgiveLogin({ email, address, device }: Try): Promise<void> {
    if (this.settings.rateLimits === 'off') return;
    if (device === undefined) await this.limiters.address.reward(networkOf(address));
    await this.limiters.account.delete(accountKey(email, device ?? networkOf(address)));
  }

  /** One more login of this account. @throws TooManyRequests where there are more than any person or program needs. */
  async spendRightLogin({ email, address, device }: Try): Promise<void> {
    await this.spend('logins', accountKey(email, device ?? networkOf(address)), address);
  }

  /** The password was not looked at: the try is given back, and no other. */
  async giveBackLogin({ email, address, device }: Try): Promise<void> {
    if (this.settings.rateLimits === 'off') return;
    if (device === undefined) await this.limiters.address.reward(networkOf(address));
    await this.limiters.account.reward(accountKey(email, device ?? networkOf(address)));
  }

  /** One more wrong password for this account, known or unknown. */
  async noteFailure(email: string): Promise<void> {
    if (this.settings.rateLimits === 'off') return;
    await this.limiters.streak.penalty(accountKey(email, 'streak'));
  }

  /** The member is in: the wrong passwords before count no more. */
  async forgetFailures(email: string): Promise<void> {
    if (this.settings.rateLimits === 'off') return;
    await this.limiters.streak.delete(accountKey(email, 'streak'));
  }

  /** Whether so many wrong passwords came in a row that a right one alone lets no unknown device in. */
  async isUnderSiege(email: string): Promise<boolean> {
    if (this.settings.rateLimits === 'off') return false;
    const tries = await this.limiters.streak.get(accountKey(email, 'streak'));
    return (tries?.consumedPoints ?? 0) >= rules.streak.points;
  }

  /** @throws TooManyRequests where this address has registered too often. */
  spendRegistration(address: string): Promise<void> {
    return this.spend('registration', networkOf(address), address);
  }

  /**
   * Counts a mail that is sent to whoever has this email, because somebody at this address asked for it. What strangers
   * ask for elsewhere stands in the way of no device that the member has used before, nor of a member who is logged in,
   * whose id stands for one.
   *
   * @throws TooManyRequests where too many were asked for.
   */
  async spendMail(attempt: Try): Promise<void> {
    for (const [rule, key] of mailCounts(attempt)) await this.spend(rule, key, attempt.address);
  }

  /** The same for a mail that nobody asked for by itself: whether it may be sent. */
  async mayMail(attempt: Try): Promise<boolean> {
    for (const [rule, key] of mailCounts(attempt)) if ((await this.take(rule, key)) !== undefined) return false;
    return true;
  }

  /** Whether the admins may be mailed that somebody waits: once in a while, however many come. */
  async mayTellAdmins(): Promise<boolean> {
    return (await this.take('notice', 'admins')) === undefined;
  }

  /** @throws TooManyRequests where too many wrong answers were given for this account; from a known device, by it. */
  spendFactor(userId: string, address: string, device?: string): Promise<void> {
    return this.spend('factor', accountKey(userId, device ?? 'factor'), address);
  }

  async forgiveFactor(userId: string, device?: string): Promise<void> {
    if (this.settings.rateLimits === 'off') return;
    await this.limiters.factor.delete(accountKey(userId, device ?? 'factor'));
  }

  onModuleInit(): void {
    // until they are deleted, they count no more all the same
    this.chores.every(hourMs, () => this.sweep(), 'old tries could not be deleted');
  }

  private async spend(rule: Rule, key: string, address: string): Promise<void> {
    const seconds = await this.take(rule, key);
    if (seconds === undefined) return;
    // as a line of the activity log has it, so that fail2ban reads both; the table would grow with every such try
    this.logger.warn({ event: 'limit.reached', outcome: 'refused', rule, key, address }, 'too many tries');
    throw new TooManyRequests(seconds);
  }

  /** Counts one more; in how many seconds another may be made, where that was too many. */
  private async take(rule: Rule, key: string): Promise<number | undefined> {
    if (this.settings.rateLimits === 'off') return undefined;
    try {
      await this.limiters[rule].consume(key);
      return undefined;
    } catch (refusal) {
      if (!(refusal instanceof RateLimiterRes)) throw refusal;
      return Math.max(1, Math.ceil(refusal.msBeforeNext / 1_000));
    }
  }

  private limiter(rule: Rule): RateLimiterPostgres {
    return new RateLimiterPostgres({
      ...rules[rule],
      keyPrefix: rule,
      // its statements are ones that SQLite understands too, so our data source stands in for a client of either kind
      storeClient: { query: (statement: Statement) => this.run(statement) },
      storeType: 'client',
      tableName: 'rate_limits',
      tableCreated: true,
      clearExpiredByTimeout: false,
    });
  }

  private async run({ text, values }: Statement): Promise<{ rows: unknown[]; rowCount: number }> {
    // TypeORM tells what a statement gives back by its first word: on SQLite an INSERT would lose its RETURNING
    const rows: unknown = await this.dataSource.query(`\n${text}`, values);
    return Array.isArray(rows) ? { rows, rowCount: rows.length } : { rows: [], rowCount: 0 };
  }

  private async sweep(): Promise<void> {
    await this.dataSource.query('DELETE FROM "rate_limits" WHERE "expire" <= $1', [Date.now()]);
  }
}

interface Statement {
  readonly text: string;
  readonly values: unknown[];
}

/** By which rules, and under which keys, a mail is counted. */
function mailCounts({ email, address, device }: Try): [Rule, string][] {
  if (device !== undefined) return [['mail', accountKey(email, device)]];
  const network = networkOf(address);
  return [
    ['mails', network],
    ['mail', accountKey(email, network)],
    ['mailbox', accountKey(email, 'mailbox')],
  ];
}

/** Hashed, so that the table and the log do not tell who has an account. */
const accountKey = (account: string, by: string) =>
  createHash('sha256').update(`${account}\n${by}`).digest('base64url');
