import type { DataSource } from 'typeorm';
import { hourMs, secondMs } from '../config/durations.js';
import { emailForm } from '../config/email-address.js';
import type { Settings } from '../config/settings.js';
import { ok, problem, warning, type Finding } from './finding.js';

/** How far two clocks may differ, in milliseconds. The codes of authenticator apps allow no more. */
const apart = 5 * secondMs;

/**
 * Checks the data in the database: the clock, the admins, the mails that wait or were lost, and the spelling of emails.
 */
export async function checkRecords(dataSource: DataSource, settings: Settings): Promise<Finding[]> {
  return [
    await checkClock(dataSource),
    ...(await checkAdmins(dataSource, settings)),
    await checkOutbox(dataSource),
    ...(await checkGivenUp(dataSource)),
    ...(await checkSpellings(dataSource)),
  ];
}

async function checkClock(dataSource: DataSource): Promise<Finding> {
  const asked = Date.now();
  const { databaseNow, newest } = await timesOf(dataSource);
  const now = Date.now();
  const advice = 'set the clock by NTP, since codes, links and sessions go by it.';
  if (newest > now + apart)
    return problem('clock', `The newest event is ${inSeconds(newest - now)} ahead of this machine: ${advice}`);
  // the database read its clock at some time between these two
  const gap = Math.max(asked - databaseNow, databaseNow - now);
  if (gap > apart) return problem('clock', `The database's clock is ${inSeconds(gap)} off this machine's: ${advice}`);
  return ok('clock', new Date(now).toISOString());
}

/**
 * The time on the database's clock, if it may be on another machine, and the time of the newest event. Both are in
 * milliseconds.
 */
async function timesOf(dataSource: DataSource): Promise<{ databaseNow: number; newest: number }> {
  const isPostgres = dataSource.options.type === 'postgres';
  const databaseNow = isPostgres ? 'EXTRACT(EPOCH FROM clock_timestamp()) * 1000' : 'NULL';
  const [times] = await dataSource.query<{ databaseNow: string | null; newest: string | null }[]>(
    `SELECT ${databaseNow} AS "databaseNow", (SELECT MAX("at") FROM "events") AS "newest"`,
  );
  return { databaseNow: Number(times?.databaseNow ?? Date.now()), newest: Number(times?.newest ?? 0) };
}

async function checkAdmins(dataSource: DataSource, { requireMfa }: Settings): Promise<Finding[]> {
  const admins = await dataSource.query<{ email: string; hasFactor: boolean | number }[]>(findAdmins);
  if (admins.length === 0)
    return [
      warning(
        'admins',
        'There is none: open the setup link in the log of the next start, or use `members add EMAIL --name NAME --admin`.',
      ),
    ];
  const without = admins.filter(({ hasFactor }) => !hasFactor).map(({ email }) => email);
  const found = ok('admins', `${admins.length} can come in`);
  if (requireMfa === 'off' || without.length === 0) return [found];
  return [
    found,
    warning('second factor', `REQUIRE_MFA is ${requireMfa}, and these admins have none yet: ${without.join(', ')}`),
  ];
}

async function checkOutbox(dataSource: DataSource): Promise<Finding> {
  const [row] = await dataSource.query<{ waiting: number | string }[]>(
    'SELECT COUNT(*) AS "waiting" FROM "outbox" WHERE "createdAt" < $1',
    [Date.now() - hourMs],
  );
  const waiting = Number(row?.waiting);
  if (waiting === 0) return ok('outbox', 'no mail waits for long');
  return warning(
    'outbox',
    `${waiting} mails have waited for more than an hour: see that the site runs, and what its log says of them.`,
  );
}

/** Checks for mails of the last week that could not be delivered. */
async function checkGivenUp(dataSource: DataSource): Promise<Finding[]> {
  const found = await dataSource.query<{ target: string }[]>(
    `SELECT DISTINCT "target" FROM "events" WHERE "kind" = 'mail.given-up' AND "at" > $1 ORDER BY "target"`,
    [Date.now() - 7 * 24 * hourMs],
  );
  if (found.length === 0) return [];
  const who = found.map(({ target }) => target).join(', ');
  return [warning('mails lost', `These got no mail within the last week, since no mail server took it: ${who}`)];
}

/** Checks for old accounts whose email has another spelling, if that mailbox now belongs to another account. */
async function checkSpellings(dataSource: DataSource): Promise<Finding[]> {
  const users = await dataSource.query<{ email: string }[]>('SELECT "email" FROM "users" ORDER BY "id"');
  const others = users.map(({ email }) => email).filter((email) => emailForm(email) !== email);
  if (others.length === 0) return [];
  return [
    warning(
      'emails',
      `The mailbox of these accounts opens another account, so nobody can log in to them by email: ${others.join(', ')}. Disable them, or ask their owners which one they need.`,
    ),
  ];
}

const findAdmins = `
  SELECT u."email",
    EXISTS (SELECT 1 FROM "authenticators" a WHERE a."userId" = u."id" AND a."confirmedAt" IS NOT NULL)
      OR EXISTS (SELECT 1 FROM "passkeys" p WHERE p."userId" = u."id") AS "hasFactor"
  FROM "users" u
  WHERE u."role" = 'admin' AND u."disabledAt" IS NULL AND u."awaitingSince" IS NULL
  ORDER BY u."email"`;

const inSeconds = (milliseconds: number) => `${Math.round(milliseconds / secondMs)} s`;
