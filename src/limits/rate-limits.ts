import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { createHash } from 'node:crypto';
import { RateLimiterPostgres, RateLimiterRes } from 'rate-limiter-flexible';
import { DataSource } from 'typeorm';
import { hourMs } from '../config/durations.js';
import { Settings } from '../config/settings.js';
import { Chores } from '../http/chores.js';
import { TooManyRequests } from '../http/errors.js';
import { networkOf } from '../http/network.js';
import { rules, type Rule } from './rules.js';

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
    const network = networkOf(address);
    // what comes from a member's own device is no spraying; of others, the row that each new email makes is spent last
    if (device === undefined) await this.spend('address', network, address);
    try {
      await this.spend('account', accountKey(email, device ?? network), address);
    } catch (error) {
      if (device === undefined) await this.giveBack('address', network);
      throw error;
    }
  }

  /**
   * One more wrong passkey from this address. Nobody can guess one, so a right one is never refused for it.
   *
   * @throws TooManyRequests where there were too many.
   */
  spendPasskey(address: string): Promise<void> {
    return this.spend('address', networkOf(address), address);
  }

  /**
   * One more login of a member by a passkey: before it is looked at, since a right answer is written down.
   *
   * @throws TooManyRequests where there are more than any person needs.
   */
  spendPasskeyLogin(userId: string, address: string): Promise<void> {
    return this.spend('logins', accountKey(userId, networkOf(address)), address);
  }

  /** It was not right. */
  giveBackPasskeyLogin(userId: string, address: string): Promise<void> {
    return this.giveBack('logins', accountKey(userId, networkOf(address)));
  }

  /** One more change that a session makes, or tries to. @throws TooManyRequests where there were too many. */
  spendChange(sessionId: string, address: string): Promise<void> {
    return this.spend('changes', accountKey(sessionId, 'changes'), address);
  }

  /** The password was right: the try is given back, and the account's earlier ones are forgotten. */
  async forgiveLogin({ email, address, device }: Try): Promise<void> {
    if (this.settings.rateLimits === 'off') return;
    if (device === undefined) await this.giveBack('address', networkOf(address));
    await this.limiters.account.delete(accountKey(email, device ?? networkOf(address)));
  }

  /** One more login of this account. @throws TooManyRequests where there are more than any person or program needs. */
  async spendRightLogin({ email, address, device }: Try): Promise<void> {
    await this.spend('logins', accountKey(email, device ?? networkOf(address)), address);
  }

  /** The password was not looked at: the try is given back, and no other. */
  async giveBackLogin({ email, address, device }: Try): Promise<void> {
    if (device === undefined) await this.giveBack('address', networkOf(address));
    await this.giveBack('account', accountKey(email, device ?? networkOf(address)));
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

  /**
   * One more answer for an account. From a device that its member has used before, or in a session, those are counted,
   * which `by` names.
   *
   * @throws TooManyRequests where too many wrong ones were given.
   */
  spendFactor(userId: string, address: string, by = 'factor'): Promise<void> {
    return this.spend('factor', accountKey(userId, by), address);
  }

  async forgiveFactor(userId: string, by = 'factor'): Promise<void> {
    if (this.settings.rateLimits === 'off') return;
    await this.limiters.factor.delete(accountKey(userId, by));
  }

  /**
   * One more answer, as `spendFactor` counts it, in the count that lasts: how many were wrong, with this one, or
   * undefined where it is one more than may be, and is not to be looked at.
   */
  async spendCode(userId: string, by = 'factor'): Promise<number | undefined> {
    if (this.settings.rateLimits === 'off') return 0;
    const taken = await this.consume('codes', accountKey(userId, by));
    return taken.isRefused ? undefined : taken.points;
  }

  /** The answer was not looked at. */
  giveBackCode(userId: string, by = 'factor'): Promise<void> {
    return this.giveBack('codes', accountKey(userId, by));
  }

  /** The answer was right. What an unknown device gave wrong before it stays counted, for whoever else guesses. */
  async forgiveCode(userId: string, by?: string): Promise<void> {
    if (by === undefined) return this.giveBackCode(userId);
    if (this.settings.rateLimits === 'on') await this.limiters.codes.delete(accountKey(userId, by));
  }

  /** The password is another: whoever gave wrong codes after the old one has to guess that first. */
  async forgetWrongCodes(userId: string): Promise<void> {
    if (this.settings.rateLimits === 'off') return;
    await this.limiters.codes.delete(accountKey(userId, 'factor'));
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
    const { isRefused, msBeforeNext } = await this.consume(rule, key);
    return isRefused ? Math.max(1, Math.ceil(msBeforeNext / 1_000)) : undefined;
  }

  private async consume(rule: Rule, key: string) {
    const outcome = await this.limiters[rule]
      .consume(key)
      .then((taken) => ({ taken, isRefused: false }))
      .catch((refusal: unknown) => {
        if (refusal instanceof RateLimiterRes) return { taken: refusal, isRefused: true };
        throw refusal;
      });
    const { consumedPoints: points, msBeforeNext } = outcome.taken;
    return { points, msBeforeNext, isRefused: outcome.isRefused };
  }

  private async giveBack(rule: Rule, key: string): Promise<void> {
    if (this.settings.rateLimits === 'off') return;
    await this.limiters[rule].reward(key);
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
