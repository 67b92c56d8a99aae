import { describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DataSource } from 'typeorm';
import { aSite, startApp } from '../support/app.js';
import { addPasskey, optionsIn } from '../support/factors.js';
import { eventually } from '../support/database.js';
import { mailsIn } from '../support/mail.js';
import { person, Script, Visitor, type Person } from '../support/people.js';
import { routesOf } from '../support/routes.js';
import { sized } from '../support/suite.js';

const posts = sized('2,000 posts to each public route, 600 of them', 600, 2_000);

// thousands of requests take their time where many share a machine
const site = aSite(() => startApp({ RATE_LIMITS: 'on', EMAIL_VERIFICATION: 'required' }));

const data = () => site.app.get(DataSource);

/** How many rows each table has. */
async function rowsOf(): Promise<Record<string, number>> {
  const tables = await data().query<{ name: string }[]>(
    data().options.type === 'postgres'
      ? `SELECT table_name AS "name" FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'`
      : `SELECT "name" FROM sqlite_master WHERE "type" = 'table'`,
  );
  const rows: Record<string, number> = {};
  for (const { name } of tables) {
    const [row] = await data().query<{ total: number | string }[]>(`SELECT COUNT(*) AS "total" FROM "${name}"`);
    rows[name] = Number(row?.total);
  }
  return rows;
}

/** How many bytes the database holds, once all of it is in its file, and the data folder beside it. */
async function bytesHeld(): Promise<number> {
  if (data().options.type === 'postgres') {
    const tables = Object.keys(await rowsOf());
    for (const name of tables) await data().query(`VACUUM FULL "${name}"`);
    const [row] = await data().query<{ total: number | string }[]>(
      `SELECT SUM(pg_total_relation_size(quote_ident("tablename")::regclass)) AS "total" FROM pg_tables WHERE schemaname = 'public'`,
    );
    return Number(row?.total) + bytesIn(site.settings.dataDir);
  }
  await data().query('PRAGMA wal_checkpoint(TRUNCATE)');
  return bytesIn(site.settings.dataDir);
}

const bytesIn = (folder: string): number =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);

/** Waits until no letter is on its way any more. */
const settled = () => eventually(async () => (await rowsOf()).outbox === 0);

/** As if whatever was counted so far had come as often as it may. */
const useUp = () => data().query('UPDATE "rate_limits" SET "points" = 1000000 WHERE "expire" > $1', [Date.now()]);

/** Does something so many times, a few at a time. */
async function repeat(times: number, work: (round: number) => Promise<unknown>): Promise<void> {
  for (let round = 0; round < times; round += 8)
    await Promise.all(Array.from({ length: Math.min(8, times - round) }, (_, index) => work(round + index)));
}

/** What a stranger can fill into any form, new each time. */
function anything(): Record<string, string> {
  const who = person({ name: `Ada ${randomUUID()}` });
  const response = JSON.stringify({ id: randomUUID().replaceAll('-', ''), response: {} });
  return { ...who, token: randomUUID(), code: '000000', response, next: '/secrets', remember: 'yes' };
}

const publicRoutes = () =>
  routesOf(site).filter(({ method, access }) => access?.to === 'everyone' && method !== 'GET' && method !== 'HEAD');

const askAsStranger = async ({ method, path }: { method: string; path: string }, body: Record<string, string>) => {
  const answer = await (path.startsWith('/api/')
    ? new Script(site.url).ask(path, { method, json: body })
    : new Visitor(site.url).ask(path, { method, form: body }));
  await answer.arrayBuffer();
  return answer.status;
};

describe('a stranger at one address who has used up what there is', () => {
  it('makes no row, no letter and no more than two lines of the log by a request, at any route, 2,000 times', async () => {
    const routes = publicRoutes();
    expect(routes.length).toBeGreaterThan(12);
    const known = await new Script(site.url).register();
    for (const route of routes) {
      await askAsStranger(route, anything());
      await askAsStranger(route, { ...anything(), email: known.email });
    }
    await settled();
    await useUp();
    const held = await bytesHeld();
    const [rows, letters, lines] = [await rowsOf(), (await mailsIn(site)).length, site.log().split('\n').length];
    const statuses = new Set<number>();
    await repeat(posts, async (round) => {
      const route = routes[round % routes.length] ?? { method: 'POST', path: '/login' };
      const body = round % 3 === 0 ? { ...anything(), email: known.email } : anything();
      statuses.add(await askAsStranger(route, body));
    });
    expect(await rowsOf()).toEqual(rows);
    expect(await mailsIn(site)).toHaveLength(letters);
    // no rows more, but pages that counts were moved in: 32 bytes a request would be noticed
    expect((await bytesHeld()) - held).toBeLessThan(64 * 1_024);
    expect(site.log().split('\n').length - lines).toBeLessThanOrEqual(2 * posts);
    expect(statuses).toContain(429);
    expect([...statuses].filter((status) => status >= 500)).toEqual([]);
  });

  it('makes before that, in 150 tries at each public route, no more rows than its limits allow, whatever the emails are', async () => {
    const routes = publicRoutes();
    const names = routes.map(({ method, path }) => `${method} ${path}`);
    expect(Object.keys(allowed).sort()).toEqual(names.sort());
    for (const route of routes) {
      await data().query('DELETE FROM "rate_limits"');
      // of the 300 registrations of an address in an hour, 30 are left
      await data().query(`INSERT INTO "rate_limits" ("key", "points", "expire") VALUES ($1, $2, $3)`, [
        ...['registration:127.0.0.1', 270, Date.now() + 3_600_000],
      ]);
      await settled();
      const [before, letters] = [await rowsOf(), (await mailsIn(site)).length];
      const statuses = new Set<number>();
      await repeat(150, async () => statuses.add(await askAsStranger(route, anything())));
      await settled();
      const after = await rowsOf();
      const more = Object.entries({ ...after, letters: (await mailsIn(site)).length })
        .map(([name, count]): [string, number] => [name, count - ({ ...before, letters }[name] ?? 0)])
        .filter(([, count]) => count !== 0);
      const name = `${route.method} ${route.path}`;
      expect([name, Object.fromEntries(more)]).toEqual([name, allowed[name]]);
      expect([name, statuses.has(429)]).toEqual([name, Object.keys(allowed[name] ?? {}).length > 0]);
    }
  });
});

/**
 * The rows and letters that 150 tries of one address may leave at each public route, each with another email, name and
 * secret. An address gives 100 wrong passwords an hour: each is an event, and the counts are one row of the address, and
 * for each email one with the address and one of its wrong passwords in a row. It asks for 30 mails an hour: each a link
 * and an event, and the counts are one row of the address, and for each email one with the address and one alone. Of 30
 * registrations, each is a member with a session, an event and a mail; their count is there already.
 */
const login = { events: 100, rate_limits: 1 + 100 + 100 };
const mail = { events: 30, links: 30, rate_limits: 1 + 30 + 30 };
const registration = { ...mail, users: 30, sessions: 30, letters: 30 };
const allowed: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  'POST /login': login,
  'POST /api/v1/auth/login': login,
  // a passkey names no email
  'POST /login/passkey': { events: 100, rate_limits: 1 },
  'POST /login/link': mail,
  'POST /password/forgot': mail,
  'POST /api/v1/password-resets': mail,
  'POST /register': registration,
  'POST /api/v1/auth/register': registration,
  // what takes a secret that nobody guesses, or a session that is not there, writes nothing
  'POST /login/factor': {},
  'POST /login/open': {},
  'POST /logout': {},
  'POST /setup': {},
  'POST /password/reset': {},
  'PUT /api/v1/password-resets': {},
  'POST /email/confirmation': {},
  'PUT /api/v1/email-confirmations': {},
};

describe('a member', () => {
  /** Somebody who is logged in, whose counts begin anew. */
  async function member(): Promise<{ who: Person; browser: Visitor; script: Script }> {
    await data().query('DELETE FROM "rate_limits"');
    const [browser, script] = [new Visitor(site.url), new Script(site.url)];
    const who = await browser.register();
    await script.logIn(who);
    return { who, browser, script };
  }

  const limit = 60;

  it('changes no more than 60 things an hour in a session, whatever they are, and then nothing is written', async () => {
    const { who, browser } = await member();
    const routes = routesOf(site).filter(
      ({ method, path, access }) =>
        access?.to === 'members' &&
        !access.unlimited &&
        method !== 'GET' &&
        method !== 'HEAD' &&
        !path.startsWith('/api/'),
    );
    expect(routes.length).toBeGreaterThan(10);
    const rename = (round: number) => browser.ask('/account/name', { form: { name: `Ada the ${round}.` } });
    for (let round = 0; round < limit; round++) expect((await rename(round)).status).toBe(303);
    await settled();
    const rows = await rowsOf();
    for (const { method, path } of routes) {
      const form = { ...anything(), currentPassword: who.password, scope: 'read', days: '9' };
      expect([path, (await browser.ask(path.replace(':id', randomUUID()), { method, form })).status]).toEqual([
        path,
        429,
      ]);
    }
    expect(await rowsOf()).toEqual(rows);
    // what ends something is never refused
    expect((await browser.ask('/logout', { method: 'POST' })).status).toBe(303);
  });

  it('is bounded through the API too, and nobody’s other session by that', async () => {
    const { browser, script } = await member();
    const rename = async () =>
      (await script.ask('/api/v1/users/me', { method: 'PATCH', json: { name: `Ada ${randomUUID()}` } })).status;
    for (let round = 0; round < limit; round++) expect(await rename()).toBe(200);
    expect(await rename()).toBe(429);
    expect((await script.ask('/api/v1/users/me')).status).toBe(200);
    expect((await browser.ask('/account/name', { form: { name: 'Ada' } })).status).toBe(303);
    expect((await script.ask('/api/v1/auth/logout', { method: 'POST' })).status).toBe(204);
  });

  it('who waits to be let in is noted 120 times an hour with the right password', async () => {
    const { who } = await member();
    await data().query(`UPDATE "users" SET "awaitingSince" = $1 WHERE "email" = $2`, [Date.now(), who.email]);
    await data().query('DELETE FROM "rate_limits"');
    const { email, password } = who;
    await askAsStranger({ method: 'POST', path: '/api/v1/auth/login' }, { email, password });
    await useUp();
    await settled();
    const rows = await rowsOf();
    for (let round = 0; round < 5; round++)
      expect(await askAsStranger({ method: 'POST', path: '/api/v1/auth/login' }, { email, password })).toBe(429);
    expect(await rowsOf()).toEqual(rows);
  });

  it('logs in by a passkey as often as by a password, and then nothing is written', async () => {
    const { browser } = await member();
    const passkey = await addPasskey(site, browser);
    const logIn = async () => {
      const visitor = new Visitor(site.url);
      const response = passkey.get(optionsIn((await visitor.visit('/login')).html));
      return (await visitor.ask('/login/passkey', { form: { response } })).status;
    };
    expect(await logIn()).toBe(303);
    await data().query(`UPDATE "rate_limits" SET "points" = 119 WHERE "key" LIKE 'logins:%'`);
    expect(await logIn()).toBe(303);
    await settled();
    const rows = await rowsOf();
    for (let round = 0; round < 3; round++) expect(await logIn()).toBe(429);
    expect(await rowsOf()).toEqual(rows);
  });

  it('downloads as often as they like, and ten a file stand in the log within the hour', async () => {
    const { who, script } = await member();
    await data().query(`UPDATE "users" SET "emailVerifiedAt" = $1 WHERE "email" = $2`, [Date.now(), who.email]);
    for (let round = 0; round < 15; round++) expect((await fileOf(script)).status).toBe(200);
    const events = () =>
      data().query<unknown[]>(`SELECT 1 FROM "events" WHERE "kind" = 'file.downloaded' AND "actor" = $1`, [who.email]);
    await eventually(async () => (await events()).length === 10);
    for (let round = 0; round < 5; round++) await fileOf(script);
    expect(await events()).toHaveLength(10);
  });

  const fileOf = async (script: Script) => {
    const { items } = (await (await script.ask('/api/v1/files')).json()) as { items: { id: string }[] };
    const answer = await script.ask(`/api/v1/files/${items[0]?.id}/content`);
    await answer.arrayBuffer();
    return answer;
  };
});
