import { plainToInstance, Transform } from 'class-transformer';
import {
  IsEmail,
  IsIn,
  IsInt,
  IsNotEmpty,
  IsOptional,
  IsString,
  IsUrl,
  Matches,
  Max,
  Min,
  MinLength,
  ValidateBy,
  validateSync,
} from 'class-validator';
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { hourSeconds } from './durations.js';
import { emailForm } from './email-address.js';
import { isGuessable } from './weak-secret.js';

/** The folder that holds `package.json`. Defaults are relative to it, whatever folder the process starts in. */
export const projectFolder = resolve(import.meta.dirname, '../..');

/** While this file in the data folder is fresh, no stored bytes are deleted, because a backup may still need them. */
export const holdFile = 'backup-running';

const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const;

const integer = ({ value }: { value: unknown }) =>
  typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;

const units: Record<string, number> = { '': 1, KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 };

const bytes = ({ value }: { value: unknown }) => {
  const [, amount, unit = ''] = /^(\d{1,15}) ?([KMGT]B)?$/i.exec(String(value)) ?? [];
  return amount === undefined ? value : Number(amount) * (units[unit.toUpperCase()] ?? 1);
};

const list = ({ value }: { value: unknown }) =>
  typeof value === 'string'
    ? value
        .split(',')
        .map((entry) => entry.trim())
        .filter(Boolean)
    : value;

/**
 * Every setting of an operator. They are read once from the environment, validated together and frozen. The name of a
 * property is the name of its variable: `publicUrl` is `PUBLIC_URL`. An empty variable counts as not set.
 */
export class Settings {
  /** The address to listen on. */
  @IsString()
  @IsNotEmpty()
  host = '127.0.0.1';

  /** The TCP port to listen on. 0 takes a free port. */
  @Transform(integer)
  @Max(65535)
  @Min(0)
  @IsInt({ message: 'must be a whole number' })
  port = 3000;

  /** The origin that people use, such as `https://files.example.org`. `https:` turns on Secure cookies and HSTS. */
  @IsUrl(
    { protocols: ['http', 'https'], require_protocol: true, require_tld: false },
    { message: 'must be an address such as https://files.example.org' },
  )
  @Matches(/^https?:\/\/[^/?#@]+\/?$/i, {
    message: 'must have no path, query or credentials, as in https://files.example.org',
  })
  publicUrl!: string;

  /** The folder for everything that must last: database, files, keys. */
  @IsString()
  dataDir: string = resolve(projectFolder, 'storage');

  /** `sqlite:PATH` or `postgres://…`. */
  @Matches(/^(sqlite:.+|postgres(ql)?:\/\/.+)$/, { message: 'must be sqlite:PATH or postgres://…' })
  databaseUrl!: string;

  /** The secret from which the site's keys are derived. If it is not set, one is made and kept in the data folder. */
  @IsOptional()
  @IsString()
  @ValidateBy({
    name: 'isHardToGuess',
    validator: {
      validate: (value) => typeof value !== 'string' || !isGuessable(value),
      defaultMessage: () =>
        'is easy to guess: give 32 random characters or more, such as `openssl rand -hex 32` makes, or leave it out, and one is made',
    },
  })
  @MinLength(32, { message: 'must have at least 32 characters' })
  appSecret?: string;

  /** With `adminPassword`: makes an admin with this email at start if no account has this email. */
  @IsOptional()
  @Transform(({ value }) => emailForm(value))
  @IsEmail({}, { message: 'must be an email address' })
  adminEmail?: string;

  @IsOptional()
  @IsString()
  adminPassword?: string;

  /** Addresses or CIDR blocks of the proxies whose `X-Forwarded-*` headers are trusted. */
  @Transform(list)
  trustProxy: string[] = [];

  /** The file that a fresh install imports and serves. */
  @IsString()
  welcomeFile: string = resolve(projectFolder, 'storage/welcome.pdf');

  /** Use `off` for measurements only. */
  @IsIn(['on', 'off'], { message: 'must be on or off' })
  rateLimits: 'on' | 'off' = 'on';

  @IsIn(logLevels, { message: `must be one of ${logLevels.join(', ')}` })
  logLevel: (typeof logLevels)[number] = 'info';

  /** A session ends after this many minutes without a request. */
  @Transform(integer)
  @Max(525_600)
  @Min(2)
  @IsInt({ message: 'must be a whole number' })
  sessionIdleMinutes: number = 7 * 24 * 60;

  /** A session ends this many hours after its login, even if it is in use. */
  @Transform(integer)
  @Max(8_760)
  @Min(1)
  @IsInt({ message: 'must be a whole number' })
  sessionMaxHours: number = 30 * 24;

  /** How long requests in flight may take to finish after SIGTERM, in seconds. */
  @Transform(integer)
  @Max(hourSeconds)
  @Min(0)
  @IsInt({ message: 'must be a whole number' })
  shutdownSeconds = 30;

  /** The most TCP connections at one time. */
  @Transform(integer)
  @Max(1_000_000)
  @Min(1)
  @IsInt({ message: 'must be a whole number' })
  maxConnections = 10_000;

  /** The mail server, such as `smtps://user:password@mail.example.org`. If it is not set, mails are kept as files. */
  @IsOptional()
  @Matches(/^smtps?:\/\/[^/\s]+\/?(\?.*)?$/, {
    message: 'must be an address such as smtps://user:password@mail.example.org',
  })
  smtpUrl?: string;

  /** The sender of mails, such as `Gatehouse <gate@example.org>`. */
  @Matches(/^[^\p{Cc}]*\S@\S[^\p{Cc}]*$/u, { message: 'must be an address such as Gatehouse <gate@example.org>' })
  mailFrom!: string;

  /** If `required`, members can download only after they have confirmed their email address. */
  @IsIn(['off', 'required'], { message: 'must be off or required' })
  emailVerification: 'off' | 'required' = 'off';

  /** The people who must set up a second factor before they can do anything else. */
  @IsIn(['off', 'admins', 'all'], { message: 'must be off, admins or all' })
  requireMfa: 'off' | 'admins' | 'all' = 'off';

  /** How long the activity log keeps an event, in days. */
  @Transform(integer)
  @Max(36_500)
  @Min(1)
  @IsInt({ message: 'must be a whole number' })
  activityDays = 365;

  /**
   * A sorted file of SHA-1 hashes, or the `https:` address of a range service. New passwords found there are refused.
   */
  @IsOptional()
  @IsString()
  breachList?: string;

  /** The largest file that can be added, in bytes, such as `500MB` or `10GB`. The units are powers of 1,000. */
  @Transform(bytes)
  @Max(Number.MAX_SAFE_INTEGER, { message: 'is more than anybody can store' })
  @Min(1, { message: 'must be at least 1' })
  @IsInt({ message: 'must be a number of bytes, such as 500MB or 10GB' })
  uploadLimit = 10_000_000_000;

  /** The most bytes of all files together, in the same form. If it is not set, the disk is the only limit. */
  @IsOptional()
  @Transform(bytes)
  @Max(Number.MAX_SAFE_INTEGER, { message: 'is more than anybody can store' })
  @Min(1, { message: 'must be at least 1' })
  @IsInt({ message: 'must be a number of bytes, such as 500GB' })
  libraryQuota?: number;

  /** Whether mails are sent. If not, they are kept as files that only the operator can read. */
  get sendsMail(): boolean {
    return this.smtpUrl !== undefined;
  }

  /** Whether people reach the site over TLS. */
  get isSecure(): boolean {
    return this.publicUrl.startsWith('https:');
  }
}

/** Used exactly as given, with the spaces around them. */
const secrets = new Set<keyof Settings>(['appSecret', 'adminPassword']);

/** Lists every fault of the settings at once, one on each line, with the variable's name. */
export class SettingsError extends Error {
  override name = 'SettingsError';

  constructor(readonly faults: string[]) {
    super(`The settings are not right:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`);
  }
}

export const variableOf = (property: string) => property.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();

export const properties = [
  'host',
  'port',
  'publicUrl',
  'dataDir',
  'databaseUrl',
  'appSecret',
  'adminEmail',
  'adminPassword',
  'trustProxy',
  'welcomeFile',
  'rateLimits',
  'logLevel',
  'sessionIdleMinutes',
  'sessionMaxHours',
  'shutdownSeconds',
  'maxConnections',
  'smtpUrl',
  'mailFrom',
  'emailVerification',
  'requireMfa',
  'activityDays',
  'breachList',
  'uploadLimit',
  'libraryQuota',
] as const satisfies readonly (keyof Settings)[];

/**
 * Reads the settings from an environment such as `process.env`.
 *
 * @throws SettingsError that names every wrong variable, and every pair of variables that do not fit together.
 */
export function readSettings(environment: Record<string, string | undefined>): Settings {
  const given = Object.fromEntries(
    properties.flatMap((property) => {
      const value = environment[variableOf(property)];
      if (!value?.trim()) return [];
      return [[property, secrets.has(property) ? value : value.trim()]];
    }),
  );
  const settings = plainToInstance(Settings, given, { exposeDefaultValues: true });
  settings.dataDir = resolve(settings.dataDir);
  settings.welcomeFile = resolve(settings.welcomeFile);
  settings.publicUrl = given.publicUrl ?? `http://localhost:${settings.port}`;
  settings.mailFrom = given.mailFrom ?? `Gatehouse <gatehouse@${hostOf(settings.publicUrl)}>`;
  settings.databaseUrl = given.databaseUrl ?? `sqlite:${resolve(settings.dataDir, 'gatehouse.db')}`;

  if (given.sessionIdleMinutes === undefined)
    settings.sessionIdleMinutes = Math.min(settings.sessionIdleMinutes, settings.sessionMaxHours * 60);

  const faults = validateSync(settings, { forbidUnknownValues: true, stopAtFirstError: true })
    // a default that is built from a wrong value is not a second fault
    .filter(({ property }) => property in given)
    .map(
      ({ property, constraints }) =>
        `${variableOf(property)} ${(Object.values(constraints ?? {})[0] ?? 'is not right').replace(`${property} `, '')}`,
    );
  faults.push(...faultsBetween(settings));
  if (faults.length > 0) throw new SettingsError(faults);
  settings.publicUrl = new URL(settings.publicUrl).origin;
  return Object.freeze(settings);
}

const hostOf = (url: string) => (URL.canParse(url) ? new URL(url).hostname : 'localhost');

function faultsBetween({ adminEmail, adminPassword, trustProxy, sessionIdleMinutes, sessionMaxHours }: Settings) {
  const faults: string[] = [];
  if (!adminEmail !== !adminPassword) faults.push('ADMIN_EMAIL and ADMIN_PASSWORD are set together or not at all');
  if (sessionIdleMinutes > sessionMaxHours * 60)
    faults.push('SESSION_IDLE_MINUTES must not be longer than SESSION_MAX_HOURS');
  for (const entry of trustProxy) {
    const [address = '', bits] = entry.split('/');
    const family = isIP(address);
    const isBlock = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
    if (family === 0 || !isBlock || entry.includes('%'))
      faults.push(`TRUST_PROXY has an entry that is no address or CIDR block: ${entry}`);
  }
  return faults;
}
