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

/** An attempt to log in: the email, the address, and the device if its member has used it before. */
export interface Try {
  readonly email: string;
  readonly address: string;
  readonly device?: string | undefined;
}

/**
 * Counts tries. The counts are in the database, so that they survive a restart and all processes share them. A try is
 * counted before its password is checked, in one atomic statement, so that parallel tries cannot exceed the limit. A
 * right password removes it from the count. Tries for an unknown email count in the same way.
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

  /** Counts one more login. @throws TooManyRequests if this address or this device has tried too often. */
  async spendLogin({ email, address, device }: Try): Promise<void> {
    const network = networkOf(address);
    // a member's own device does not try one password on many accounts, so its tries do not count for the address; for
    // all others the address is counted first, so that a blocked address adds no row for each new email
    if (device === undefined) await this.spend('address', network, address);
    try {
      await this.spend('account', accountKey(email, device ?? network), address);
    } catch (error) {
      if (device === undefined) await this.giveBack('address', network);
      throw error;
    }
  }

  /**
   * Counts one more wrong passkey from this address. Nobody can guess a passkey, so a right one is never refused
   * because of this count.
   *
   * @throws TooManyRequests if there were too many.
   */
  spendPasskey(address: string): Promise<void> {
    return this.spend('address', networkOf(address), address);
  }

  /**
   * Counts one more login of a member with a passkey. Call it before the passkey is checked, because a right one writes
   * to the database.
   *
   * @throws TooManyRequests if there are more than any person needs.
   */
  spendPasskeyLogin(userId: string, address: string): Promise<void> {
    return this.spend('logins', accountKey(userId, networkOf(address)), address);
  }

  /** The passkey was wrong, so this removes the login from the count. */
  giveBackPasskeyLogin(userId: string, address: string): Promise<void> {
    return this.giveBack('logins', accountKey(userId, networkOf(address)));
  }

  /** Counts one more change that a session makes or tries to make. @throws TooManyRequests if there were too many. */
  spendChange(sessionId: string, address: string): Promise<void> {
    return this.spend('changes', accountKey(sessionId, 'changes'), address);
  }

  /** The password was right: removes the try from the address's count, and resets the account's count. */
  async forgiveLogin({ email, address, device }: Try): Promise<void> {
    if (this.settings.rateLimits === 'off') return;
    if (device === undefined) await this.giveBack('address', networkOf(address));
    await this.limiters.account.delete(accountKey(email, device ?? networkOf(address)));
  }

  /**
   * Counts one more successful login of this account. @throws TooManyRequests if there are more than any person or
   * program needs.
   */
  async spendRightLogin({ email, address, device }: Try): Promise<void> {
    await this.spend('logins', accountKey(email, device ?? networkOf(address)), address);
  }

  /** The password was not checked: removes this one try from the counts. */
  async giveBackLogin({ email, address, device }: Try): Promise<void> {
    if (device === undefined) await this.giveBack('address', networkOf(address));
    await this.giveBack('account', accountKey(email, device ?? networkOf(address)));
  }

  /** Counts one more wrong password for this account, known or unknown. */
  async noteFailure(email: string): Promise<void> {
    if (this.settings.rateLimits === 'off') return;
    await this.limiters.streak.penalty(accountKey(email, 'streak'));
  }

  /** The member is logged in: resets the count of wrong passwords in a row. */
  async forgetFailures(email: string): Promise<void> {
    if (this.settings.rateLimits === 'off') return;
    await this.limiters.streak.delete(accountKey(email, 'streak'));
  }

  /** Whether there were so many wrong passwords in a row that an unknown device needs more than the right password. */
  async isUnderSiege(email: string): Promise<boolean> {
    if (this.settings.rateLimits === 'off') return false;
    const tries = await this.limiters.streak.get(accountKey(email, 'streak'));
    return (tries?.consumedPoints ?? 0) >= rules.streak.points;
  }

  /** Counts one more registration. @throws TooManyRequests if this address has registered too often. */
  spendRegistration(address: string): Promise<void> {
    return this.spend('registration', networkOf(address), address);
  }

  /**
   * Counts a mail to this email that somebody at this address asked for. A device that the member has used before has
   * its own count, so strangers elsewhere cannot use it up. A logged-in member has one too: their id is given as the
   * device.
   *
   * @throws TooManyRequests if too many mails were asked for.
   */
  async spendMail(attempt: Try): Promise<void> {
    for (const [rule, key] of mailCounts(attempt)) await this.spend(rule, key, attempt.address);
  }

  /** Counts a mail in the same way, if nobody asked for it directly. Returns whether it may be sent. */
  async mayMail(attempt: Try): Promise<boolean> {
    for (const [rule, key] of mailCounts(attempt)) if ((await this.take(rule, key)) !== undefined) return false;
    return true;
  }

  /** Whether to mail the admins that a person waits for approval. It limits how often, however many people come. */
  async mayTellAdmins(): Promise<boolean> {
    return (await this.take('notice', 'admins')) === undefined;
  }

  /**
   * Counts one more answer for an account, such as a code. A device that its member has used before, or a session, has
   * a count of its own, which `by` names.
   *
   * @throws TooManyRequests if too many wrong answers were given.
   */
  spendFactor(userId: string, address: string, by = 'factor'): Promise<void> {
    return this.spend('factor', accountKey(userId, by), address);
  }

  async forgiveFactor(userId: string, by = 'factor'): Promise<void> {
    if (this.settings.rateLimits === 'off') return;
    await this.limiters.factor.delete(accountKey(userId, by));
  }

  /**
   * Counts one more answer like `spendFactor`, in the count that lasts a year. Returns how many were wrong, including
   * this one. Returns undefined if that is too many: then do not check the answer.
   */
  async spendCode(userId: string, by = 'factor'): Promise<number | undefined> {
    if (this.settings.rateLimits === 'off') return 0;
    const taken = await this.consume('codes', accountKey(userId, by));
    return taken.isRefused ? undefined : taken.points;
  }

  /** The answer was not checked: removes it from the count. */
  giveBackCode(userId: string, by = 'factor'): Promise<void> {
    return this.giveBack('codes', accountKey(userId, by));
  }

  /**
   * The answer was right. Earlier wrong answers from unknown devices stay counted, because another person may have
   * guessed them.
   */
  async forgiveCode(userId: string, by?: string): Promise<void> {
    if (by === undefined) return this.giveBackCode(userId);
    if (this.settings.rateLimits === 'on') await this.limiters.codes.delete(accountKey(userId, by));
  }

  /**
   * The password has changed: resets the count, because a person who guessed codes with the old password must now guess
   * the new one first.
   */
  async forgetWrongCodes(userId: string): Promise<void> {
    if (this.settings.rateLimits === 'off') return;
    await this.limiters.codes.delete(accountKey(userId, 'factor'));
  }

  onModuleInit(): void {
    // expired tries no longer count, even before they are deleted
    this.chores.every(hourMs, () => this.sweep(), 'old tries could not be deleted');
  }

  private async spend(rule: Rule, key: string, address: string): Promise<void> {
    const seconds = await this.take(rule, key);
    if (seconds === undefined) return;
    // logged in the form of the activity log, so that fail2ban reads both; not stored in that table, because it would
    // grow with every such try
    this.logger.warn({ event: 'limit.reached', outcome: 'refused', rule, key, address }, 'too many tries');
    throw new TooManyRequests(seconds);
  }

  /** Counts one more try. If that was too many, returns the seconds until the next try is allowed. */
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
      // SQLite also understands these statements, so our data source serves as the client for both databases
      storeClient: { query: (statement: Statement) => this.run(statement) },
      storeType: 'client',
      tableName: 'rate_limits',
      tableCreated: true,
      clearExpiredByTimeout: false,
    });
  }

  private async run({ text, values }: Statement): Promise<{ rows: unknown[]; rowCount: number }> {
    // TypeORM looks at the first word of a statement to decide what to return: on SQLite an INSERT would lose its
    // RETURNING
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

/** The rules and keys under which a mail is counted. */
function mailCounts({ email, address, device }: Try): [Rule, string][] {
  if (device !== undefined) return [['mail', accountKey(email, device)]];
  const network = networkOf(address);
  return [
    ['mails', network],
    ['mail', accountKey(email, network)],
    ['mailbox', accountKey(email, 'mailbox')],
  ];
}

/** A hash, so that the table and the log do not show who has an account. */
const accountKey = (account: string, by: string) =>
  createHash('sha256').update(`${account}\n${by}`).digest('base64url');
