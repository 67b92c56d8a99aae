import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import ipaddr from 'ipaddr.js';
import { createHash } from 'node:crypto';
import { RateLimiterPostgres, RateLimiterRes } from 'rate-limiter-flexible';
import { DataSource } from 'typeorm';
import { Settings } from '../config/settings.js';
import { TooManyRequests } from '../http/errors.js';

const minutes = 60;
const hours = 60 * minutes;

/** How many tries, and in how many seconds they are forgotten. */
const rules = {
  /** Wrong passwords for one account from one address. */
  account: { points: 10, duration: 15 * minutes },
  /** Wrong passwords from one address, whatever the account: someone tries one password on everybody. */
  address: { points: 100, duration: 1 * hours },
  /** Registrations from one address. */
  registration: { points: 300, duration: 1 * hours },
} as const;

/**
 * Counts tries, in the database, so that a restart forgets nothing and all processes count together. A try is spent
 * before its password is looked at, in one atomic statement, so that many at once do not slip through; a right
 * password gives it back. An unknown email counts as a known one does.
 */
@Injectable()
export class RateLimits implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('RateLimits');
  private readonly limiters: Record<keyof typeof rules, RateLimiterPostgres>;
  private sweeper: NodeJS.Timeout | undefined;

  constructor(
    private readonly dataSource: DataSource,
    private readonly settings: Settings,
  ) {
    this.limiters = {
      account: this.limiter('account'),
      address: this.limiter('address'),
      registration: this.limiter('registration'),
    };
  }

  /** @throws TooManyRequests where this address has tried too often. */
  async spendLogin(email: string, address: string): Promise<void> {
    await this.spend('account', accountKey(email, address));
    await this.spend('address', networkOf(address));
  }

  /** The password was right: the try is given back, and the account's earlier ones are forgotten. */
  async forgiveLogin(email: string, address: string): Promise<void> {
    if (this.settings.rateLimits === 'off') return;
    await this.limiters.address.reward(networkOf(address));
    await this.limiters.account.delete(accountKey(email, address));
  }

  /** The password was not looked at: the try is given back, and no other. */
  async giveBackLogin(email: string, address: string): Promise<void> {
    if (this.settings.rateLimits === 'off') return;
    await this.limiters.address.reward(networkOf(address));
    await this.limiters.account.reward(accountKey(email, address));
  }

  /** @throws TooManyRequests where this address has registered too often. */
  spendRegistration(address: string): Promise<void> {
    return this.spend('registration', networkOf(address));
  }

  onApplicationBootstrap(): void {
    this.sweeper = setInterval(() => void this.sweep(), hours * 1_000).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.sweeper);
  }

  private async spend(rule: keyof typeof rules, key: string): Promise<void> {
    if (this.settings.rateLimits === 'off') return;
    try {
      await this.limiters[rule].consume(key);
    } catch (refusal) {
      if (!(refusal instanceof RateLimiterRes)) throw refusal;
      this.logger.warn({ rule, key }, 'too many tries');
      throw new TooManyRequests(Math.max(1, Math.ceil(refusal.msBeforeNext / 1_000)));
    }
  }

  private limiter(rule: keyof typeof rules): RateLimiterPostgres {
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
    try {
      await this.dataSource.query('DELETE FROM "rate_limits" WHERE "expire" <= $1', [Date.now()]);
    } catch (error) {
      // they count no more all the same; the next sweep tries again
      this.logger.warn({ err: error }, 'old tries could not be deleted');
    }
  }
}

interface Statement {
  readonly text: string;
  readonly values: unknown[];
}

/** An address as one client has it: of IPv6 the first 64 bits, since a single household gets that many addresses. */
function networkOf(address: string): string {
  // a proxy may forward a port, or something that is no address at all
  const plain = /^\[(.+)\](?::\d+)?$/.exec(address)?.[1] ?? address.replace(/^([\d.]+):\d+$/, '$1');
  if (!ipaddr.isValid(plain)) return 'unknown';
  const parsed = ipaddr.process(plain);
  if (parsed.kind() === 'ipv4') return parsed.toString();
  return `${(parsed as ipaddr.IPv6).parts
    .slice(0, 4)
    .map((part) => part.toString(16))
    .join(':')}::/64`;
}

/** Hashed, so that the table and the log do not tell who has an account. */
const accountKey = (email: string, address: string) =>
  createHash('sha256')
    .update(`${email}\n${networkOf(address)}`)
    .digest('base64url');
