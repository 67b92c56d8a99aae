import { describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { DataSource } from 'typeorm';
import { exported, leftOut } from '../../src/account/export-scope.js';
import type { ExportView } from '../../src/account/account-export.view.js';
import { ActivityService } from '../../src/activity/activity.service.js';
import type { EventView } from '../../src/activity/event.view.js';
import { aSite } from '../support/app.js';
import { eventually } from '../support/database.js';
import { addAuthenticator, logInWithCode, optionsIn, SoftPasskey } from '../support/factors.js';
import { person, Script, Visitor, type Person } from '../support/people.js';
import { shelve } from '../support/stored.js';

const site = aSite();

async function member(over: Partial<Person> = {}) {
  const [browser, script] = [new Visitor(site.url), new Script(site.url)];
  const who = await browser.register(person(over));
  await script.logIn(who);
  const { id } = (await (await script.ask('/api/v1/users/me')).json()) as { id: string };
  return { who, id, browser, script };
}

const activityOf = async (script: Script, query = '') =>
  (await (await script.ask(`/api/v1/users/me/activity${query}`)).json()) as {
    items: EventView[];
    nextCursor: string | null;
  };

const exportOf = async (script: Script) => (await (await script.ask('/api/v1/users/me/export')).json()) as ExportView;

/** The lines of the page, as words. */
const linesOf = (html: string) =>
  [...html.matchAll(/<li class="happening">([^]*?)<\/li>/g)].map(([, line = '']) =>
    line
      .replace(/<[^>]*>|&middot;/g, ' ')
      .replace(/\s+/g, ' ')
      .trim(),
  );

const keeper = { id: '01900000-0000-7000-8000-000000000001', email: 'keeper@example.com' };
const fromTheOffice = { address: '192.0.2.44', userAgent: 'a test', requestId: 'a request' };

describe('a member’s activity', () => {
  it('is what happened to the account, the newest first', async () => {
    const { who, browser, script } = await member();
    await browser.ask('/login', { form: { email: who.email, password: 'a wrong password' } });
    await browser.ask('/download');
    await script.ask('/api/v1/users/me', { method: 'PATCH', json: { name: 'Grace Hopper' } });
    const { items, nextCursor } = await activityOf(script);
    expect(nextCursor).toBeNull();
    expect(items.map(({ kind, outcome, actor, target }) => ({ kind, outcome, actor, target }))).toEqual([
      { kind: 'account.renamed', outcome: 'success', actor: who.email, target: 'Grace Hopper' },
      { kind: 'file.downloaded', outcome: 'success', actor: who.email, target: 'welcome.txt' },
      { kind: 'session.began', outcome: 'refused', actor: null, target: who.email },
      { kind: 'session.began', outcome: 'success', actor: who.email, target: who.email },
      { kind: 'account.registered', outcome: 'success', actor: who.email, target: who.email },
    ]);
    expect(linesOf((await browser.visit('/account/activity')).html)).toEqual([
      expect.stringMatching(/^Name changed \d+ \w+ \d{4}, \d\d:\d\d UTC Grace Hopper from 127\.0\.0\.1$/),
      expect.stringMatching(/^Downloaded a file .+ UTC welcome\.txt from 127\.0\.0\.1$/),
      expect.stringMatching(/^Tried to log in refused .+ UTC from 127\.0\.0\.1$/),
      expect.stringMatching(/^Logged in .+ UTC from 127\.0\.0\.1$/),
      expect.stringMatching(/^Registered .+ UTC from 127\.0\.0\.1$/),
    ]);
  });

  it('comes in parts', async () => {
    const { browser, script } = await member();
    for (const name of ['Ada', 'Ada King', 'Lady Lovelace'])
      await script.ask('/api/v1/users/me', { method: 'PATCH', json: { name } });
    const all = (await activityOf(script)).items;
    expect(all).toHaveLength(5);
    const first = await activityOf(script, '?limit=3');
    const second = await activityOf(script, `?limit=3&cursor=${first.nextCursor}`);
    expect([...first.items, ...second.items]).toEqual(all);
    expect(second.nextCursor).toBeNull();
    const { html } = await browser.visit('/account/activity?limit=3');
    expect(linesOf(html)).toHaveLength(3);
    const next = /<a [^>]*href="([^"]*)" rel="next"/
      .exec(html)?.[1]
      ?.replace(/&amp;/g, '&')
      .replace(/&#x3D;/g, '=');
    expect(linesOf((await browser.visit(next ?? '')).html)).toHaveLength(2);
    expect((await script.ask('/api/v1/users/me/activity?cursor=x')).status).toBe(422);
  });

  it('is nobody else’s', async () => {
    const [ada, grace] = [await member(), await member()];
    await ada.script.ask('/api/v1/users/me', { method: 'PATCH', json: { name: 'a name of Ada’s own' } });
    expect(JSON.stringify(await activityOf(grace.script))).not.toContain('a name of Ada’s own');
    expect(JSON.stringify(await exportOf(grace.script))).not.toContain('a name of Ada’s own');
    expect(JSON.stringify(await exportOf(ada.script))).toContain('a name of Ada’s own');
  });

  it('says who did it where that was an admin, and not where the admin sat', async () => {
    const { who, id, browser, script } = await member();
    const ada = { id, email: who.email };
    await site.app
      .get(ActivityService)
      .record({ kind: 'account.role-changed', member: ada, actor: keeper }, fromTheOffice);
    const [event] = (await activityOf(script)).items;
    expect(event).toMatchObject({ kind: 'account.role-changed', actor: keeper.email, address: null });
    const { html } = await browser.visit('/account/activity');
    expect(linesOf(html)[0]).toMatch(/^Role changed .+ UTC by keeper@example\.com$/);
    const document = JSON.stringify(await exportOf(script));
    for (const text of [html, document]) expect(text).not.toContain(fromTheOffice.address);
  });
});

/** The columns of the schema that name a member: by what they refer to, and by what such columns are called. */
async function columnsThatNameMembers(): Promise<string[]> {
  const data = site.app.get(DataSource);
  const isPostgres = data.options.type === 'postgres';
  const columns = await data.query<{ table: string; column: string }[]>(
    isPostgres
      ? `SELECT c.table_name AS "table", c.column_name AS "column" FROM information_schema.columns c
         JOIN information_schema.tables t USING (table_schema, table_name)
         WHERE t.table_type = 'BASE TABLE' AND c.table_schema = 'public'`
      : `SELECT m."name" AS "table", c."name" AS "column" FROM sqlite_master m, pragma_table_info(m."name") c
         WHERE m."type" = 'table'`,
  );
  const references = await data.query<{ table: string; column: string }[]>(
    isPostgres
      ? `SELECT k.table_name AS "table", k.column_name AS "column" FROM information_schema.key_column_usage k
         JOIN information_schema.constraint_column_usage u USING (constraint_schema, constraint_name)
         WHERE u.table_name = 'users' AND k.table_name <> 'users'`
      : `SELECT m."name" AS "table", f."from" AS "column" FROM sqlite_master m, pragma_foreign_key_list(m."name") f
         WHERE f."table" = 'users'`,
  );
  const isCalledSo = /^(user|member|actor|owner|uploader|author|creator|email|recipient)(Id)?$/i;
  return [...references, ...columns.filter(({ column }) => isCalledSo.test(column))].map(({ table }) => table);
}

describe('a member who exports their data', () => {
  it('has in it, or named as left out with a reason, each table that names a member', async () => {
    const known = new Set([...Object.keys(exported), ...leftOut.flatMap(({ tables }) => [...tables])]);
    const tables = new Set(await columnsThatNameMembers());
    expect(tables.size).toBeGreaterThan(12);
    expect([...tables].filter((table) => !known.has(table))).toEqual([]);
    const { script } = await member();
    const document = await exportOf(script);
    expect(Object.values(exported).filter((part) => !(part in document))).toEqual([]);
    expect(document.leftOut.length).toBe(leftOut.length);
    for (const { what, why } of document.leftOut) expect([what, why]).toEqual([expect.any(String), expect.any(String)]);
  });

  it('has the groups, what was given by name, what was downloaded and reminded of, and no name that is not theirs', async () => {
    const { id, browser, script } = await member();
    const data = site.app.get(DataSource);
    const [mine, theirs, gone] = await Promise.all([1, 2, 3].map((n) => shelve(site, 1_000, `the file ${n}.txt`)));
    if (!mine || !theirs || !gone) throw new Error('There are no files.');
    await script.ask(mine.content);
    await script.ask(gone.content);
    const run = (sql: string, ...values: unknown[]) => data.query(`\n${sql}`, values);
    const [group, collection] = [randomUUID(), randomUUID()];
    await run(
      `INSERT INTO "groups" ("id", "name", "searchName", "createdAt") VALUES ($1, 'Board of Ada', $2, 1)`,
      ...[group, group],
    );
    await run(`INSERT INTO "group_members" ("groupId", "memberId", "addedAt") VALUES ($1, $2, 1000)`, group, id);
    await run(
      `INSERT INTO "collections" ("id", "name", "searchName", "createdAt", "changedAt") VALUES ($1, 'Papers of Ada', 'p', 1, 1)`,
      collection,
    );
    for (const [column, thing] of [
      ['fileId', mine.file.id],
      ['fileId', gone.file.id],
      ['collectionId', collection],
    ])
      await run(
        `INSERT INTO "audiences" ("id", "${column}", "memberId") VALUES ($1, $2, $3)`,
        ...[randomUUID(), thing, id],
      );
    await run(`INSERT INTO "reminders" ("memberId", "fileId", "askedAt") VALUES ($1, $2, 2000)`, id, mine.file.id);
    await run(`UPDATE "files" SET "isHidden" = true WHERE "id" = $1`, gone.file.id);
    await browser.visit('/secrets');

    await eventually(async () => (await exportOf(script)).receipts.every(({ completedAt }) => completedAt !== null));
    const document = await exportOf(script);
    expect(document.groups).toEqual([{ id: group, name: 'Board of Ada', addedAt: '1970-01-01T00:00:01.000Z' }]);
    expect(document.givenFiles).toEqual([{ id: mine.file.id, name: 'the file 1.txt' }]);
    expect(document.givenCollections).toEqual([{ id: collection, name: 'Papers of Ada' }]);
    expect(document.receipts).toHaveLength(2);
    expect(document.receipts).toContainEqual(
      expect.objectContaining({ fileId: mine.file.id, name: 'the file 1.txt', version: 1, size: 1_000, bytes: 1_000 }),
    );
    expect(document.receipts).toContainEqual(expect.objectContaining({ fileId: gone.file.id, name: null }));
    expect(document.reminders).toEqual([
      { fileId: mine.file.id, name: 'the file 1.txt', askedAt: '1970-01-01T00:00:02.000Z', sentAt: null },
    ]);
    expect(document.visits).toHaveLength(1);
    expect(document.acts).toEqual([]);
    expect(JSON.stringify(document)).not.toContain(theirs.file.id);
  });

  it('gets all that there is, in one document', async () => {
    const { who, id, browser, script } = await member();
    await script.ask('/api/v1/users/me/tokens', { json: { name: 'nightly backup', scope: 'read' } });
    const answer = await script.ask('/api/v1/users/me/export');
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'no-store']);
    const { exportedAt, account, sessions, secondFactors, activity } = (await answer.json()) as ExportView;
    expect(Math.abs(Date.parse(exportedAt) - Date.now())).toBeLessThan(60_000);
    expect(account).toEqual({
      ...((await (await script.ask('/api/v1/users/me')).json()) as object),
      id,
      email: who.email,
      emailVerifiedAt: null,
    });
    expect(sessions.map(({ kind, name }) => [kind, name])).toEqual([
      ['token', 'nightly backup'],
      ['api', null],
      ['browser', null],
    ]);
    expect(secondFactors).toEqual({ authenticator: false, passkeys: [], recoveryCodesLeft: 0, isRequired: false });
    expect(activity.map(({ kind }) => kind)).toEqual([
      'account.exported',
      'token.made',
      'session.began',
      'account.registered',
    ]);
    expect(activity).toEqual((await activityOf(script)).items);

    const page = await browser.ask('/account/export', { form: {} });
    expect(page.status).toBe(200);
    expect(page.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(page.headers.get('cache-control')).toBe('no-store');
    expect(page.headers.get('content-disposition')).toBe(
      `attachment; filename="gatehouse-account-${new Date().toISOString().slice(0, 10)}.json"`,
    );
    expect(await page.json()).toMatchObject({ account, activity: [{ kind: 'account.exported' }, ...activity] });
  });

  it('gets every event, however many', async () => {
    const { who, id, script } = await member();
    const ada = { id, email: who.email };
    await Promise.all(
      Array.from({ length: 1_201 }, (_, n) =>
        site.app
          .get(ActivityService)
          .record({ kind: 'file.downloaded', member: ada, target: `${n}.pdf` }, fromTheOffice),
      ),
    );
    const { activity } = await exportOf(script);
    expect(new Set(activity.map(({ target }) => target)).size).toBe(1_201 + 1);
    expect(activity).toHaveLength(1_201 + 3);
    expect(activity.map(({ id: event }) => event)).toEqual(
      activity
        .map(({ id: event }) => event)
        .toSorted()
        .toReversed(),
    );
  });

  it('gets a document that can be read, of 600 events with odd names, on the page as by the API', async () => {
    const { who, id, browser, script } = await member();
    const ada = { id, email: who.email };
    const odd = ['"', '\\', '\n', '\u2028', '🔑', '],"activity":[{', '}'];
    const targets = Array.from({ length: 600 }, (_, n) => `${n} ${odd[n % odd.length] ?? ''}`);
    await Promise.all(
      targets.map((target) =>
        site.app.get(ActivityService).record({ kind: 'file.downloaded', member: ada, target }, fromTheOffice),
      ),
    );
    for (const ask of [
      () => browser.ask('/account/export', { form: {} }),
      () => script.ask('/api/v1/users/me/export'),
    ]) {
      const answer = await ask();
      expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/json; charset=utf-8']);
      const { account, sessions, activity } = JSON.parse(await answer.text()) as ExportView;
      expect([account.id, sessions.map(({ kind }) => kind)]).toEqual([id, ['api', 'browser']]);
      const downloads = activity.filter(({ kind }) => kind === 'file.downloaded');
      expect(downloads.map(({ target }) => target)).toEqual(targets.toReversed());
    }
  });

  it('gets the names and dates of second factors, and no secret at all', async () => {
    const { who, id, browser, script } = await member({ password: 'canary: my very own password' });
    const { secret, recoveryCodes, nextCode } = await addAuthenticator(site, script);
    await logInWithCode(browser, who, nextCode);
    const passkey = new SoftPasskey(site.settings.publicUrl);
    const options = optionsIn((await browser.visit('/account/factors/passkeys')).html);
    await browser.ask('/account/factors/passkeys', { form: { name: 'My phone', response: passkey.create(options) } });
    const made = await browser.visit('/account/tokens', { form: { name: 'nightly backup', scope: 'read', days: '9' } });
    const token = /gatehouse_[\w.-]+/.exec(made.html)?.[0] ?? '';

    const text = await (await browser.ask('/account/export', { form: {} })).text();
    const { secondFactors } = JSON.parse(text) as ExportView;
    expect(secondFactors).toMatchObject({
      authenticator: true,
      passkeys: [{ name: 'My phone', createdAt: expect.any(String), lastUsedAt: null }],
      recoveryCodesLeft: 10,
    });
    const data = site.app.get(DataSource);
    const cellsOf = async (sql: string) =>
      (await data.query<Record<string, string>[]>(sql, [id])).flatMap((row) => Object.values(row));
    const secrets = [
      who.password,
      secret,
      token,
      token.split('.').at(-1) ?? '',
      script.token ?? '',
      browser.cookies.get('gatehouse-session') ?? '',
      ...recoveryCodes,
      ...(await cellsOf('SELECT "passwordHash" FROM "users" WHERE "id" = $1')),
      ...(await cellsOf('SELECT "secret" FROM "authenticators" WHERE "userId" = $1')),
      ...(await cellsOf('SELECT "codeHash" FROM "recovery_codes" WHERE "userId" = $1')),
      ...(await cellsOf('SELECT "publicKey", "credentialId" FROM "passkeys" WHERE "userId" = $1')),
    ];
    expect(secrets).toHaveLength(6 + 10 + 1 + 1 + 10 + 2);
    for (const one of secrets) {
      expect(one).toMatch(/.{6}/);
      expect(text).not.toContain(one);
    }
  });
});
