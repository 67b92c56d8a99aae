import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { ActivityService } from '../../src/activity/activity.service.js';
import { eventKinds } from '../../src/activity/event-kinds.js';
import type { ActivityEvent } from '../../src/activity/event.entity.js';
import { startApp, type TestApp } from '../support/app.js';
import { eventually, makeLasting, type Lasting } from '../support/database.js';
import { cellsOf } from '../support/dump.js';
import { addAuthenticator, logInWithCode } from '../support/factors.js';
import { fieldOf, messageOf } from '../support/html.js';
import { linkIn, waitForMail } from '../support/mail.js';
import { person, Script, Visitor } from '../support/people.js';

const admin = { name: '', email: 'keeper@example.com', password: 'the keeper of all the keys' };
const address = '203.0.113.99';

let site: TestApp;
let lasting: Lasting;
const start = async () =>
  void (site = await startApp({
    ...lasting.environment,
    RATE_LIMITS: 'on',
    TRUST_PROXY: '127.0.0.1',
    ADMIN_EMAIL: admin.email,
    ADMIN_PASSWORD: admin.password,
  }));
beforeAll(async () => {
  lasting = await makeLasting();
  await start();
});
afterAll(async () => {
  await site.close();
  await lasting.drop();
});

const from = { 'x-forwarded-for': address };

/** A member of an uncommon name who has lived a little, at an address of their own. */
async function member() {
  const who = person({ name: 'Ada Augusta King-Noel' });
  const [browser, script, token] = [new Visitor(site.url), new Script(site.url), new Script(site.url)];
  await browser.ask('/register', { form: { ...who }, headers: from });
  await script.logIn(who);
  const { id } = (await (await script.ask('/api/v1/users/me')).json()) as { id: string };
  const made = await script.ask('/api/v1/users/me/tokens', { json: { name: 'King-Noel’s robot', scope: 'read' } });
  token.token = ((await made.json()) as { token: string }).token;
  await browser.ask('/download', { headers: from });
  await browser.ask('/login', { form: { email: who.email, password: 'a wrong one' }, headers: from });
  return { who, id, browser, script, token };
}

const events = (id: string) =>
  site.app.get(DataSource).query<ActivityEvent[]>('SELECT * FROM "events" WHERE "memberId" = $1 ORDER BY "id"', [id]);

const leave = (script: Script, password: string) =>
  script.ask('/api/v1/users/me', { method: 'DELETE', json: { password } });

const logsIn = async ({ email, password }: { email: string; password: string }) =>
  (await new Script(site.url).ask('/api/v1/auth/login', { json: { email, password } })).status;

/** Whether anything in the database names that member still, but for a letter that waits, which is sealed. */
async function expectForgotten({ who, id }: { who: { name: string; email: string }; id: string }): Promise<void> {
  for (const cell of await cellsOf(site)) {
    // how often an address tried something is counted for an hour, and of nobody
    if (/^(address|mails|registration):/.test(cell)) continue;
    for (const word of [who.email, 'King-Noel', 'king-noel', address]) expect(cell).not.toContain(word);
  }
  for (const table of ['users', 'sessions', 'authenticators', 'recovery_codes', 'passkeys', 'links']) {
    const column = table === 'users' ? 'id' : 'userId';
    const rows: unknown = await site.app.get(DataSource).query(`SELECT 1 FROM "${table}" WHERE "${column}" = $1`, [id]);
    expect([table, rows]).toEqual([table, []]);
  }
}

/**
 * What is left of each kind of event when its member has gone, beside the kind and when: nothing, if it was done to the
 * member or to something that they named; the group that they were in; or the thing, whose name is its own.
 */
const left: Readonly<Record<string, 'nothing' | 'the group' | 'the thing'>> = {
  'account.registered': 'nothing',
  'account.approved': 'nothing',
  'account.disabled': 'nothing',
  'account.enabled': 'nothing',
  'account.renamed': 'nothing',
  'account.role-changed': 'nothing',
  'account.exported': 'nothing',
  'account.deleted': 'nothing',
  'email.verification-asked': 'nothing',
  'email.verified': 'nothing',
  'email.change-asked': 'nothing',
  'email.changed': 'nothing',
  'password.changed': 'nothing',
  'password.reset-asked': 'nothing',
  'password.reset': 'nothing',
  'mail.given-up': 'nothing',
  'session.link-asked': 'nothing',
  'session.second-step-asked': 'nothing',
  'session.began': 'nothing',
  'session.proved': 'nothing',
  'session.ended': 'nothing',
  'session.others-ended': 'nothing',
  'token.made': 'nothing',
  'factor.added': 'nothing',
  'factor.renamed': 'nothing',
  'factor.removed': 'nothing',
  'factor.reset': 'nothing',
  'factor.recovery-codes-made': 'nothing',
  'factor.recovery-code-used': 'nothing',
  'invite.made': 'the thing',
  'invite.withdrawn': 'the thing',
  'registration.changed': 'the thing',
  'group.added': 'the thing',
  'group.renamed': 'the thing',
  'group.deleted': 'the thing',
  'group.member-added': 'the group',
  'group.member-removed': 'the group',
  'file.added': 'the thing',
  'file.replaced': 'the thing',
  'file.renamed': 'the thing',
  'file.described': 'the thing',
  'file.scheduled': 'the thing',
  'file.hidden': 'the thing',
  'file.shown': 'the thing',
  'file.limited': 'the thing',
  'file.shared': 'the thing',
  'file.reminded': 'the thing',
  'file.featured': 'the thing',
  'file.unfeatured': 'the thing',
  'file.deleted': 'the thing',
  'file.restored': 'the thing',
  'collection.created': 'the thing',
  'collection.changed': 'the thing',
  'collection.shared': 'the thing',
  'collection.deleted': 'the thing',
  'collection.downloaded': 'the thing',
  'file.downloaded': 'the thing',
  'file.part-downloaded': 'the thing',
  'site.key-replaced': 'the thing',
};

describe('a member who deletes their account', () => {
  it('is gone with all that names them, and out everywhere', async () => {
    const ada = await member();
    const { nextCode } = await addAuthenticator(site, ada.script);
    await logInWithCode(ada.browser, ada.who, nextCode);
    await new Script(site.url).ask('/api/v1/password-resets', { json: { email: ada.who.email } });
    const { at, html } = await ada.browser.visit('/account/deletion', {
      form: { password: ada.who.password },
      headers: from,
    });
    expect(at).toBe('/');
    expect(messageOf(html, 'status')).toContain('Your account is deleted');
    expect(html).not.toContain('King-Noel');
    await expectForgotten(ada);
    expect((await ada.browser.ask('/secrets')).status).toBe(303);
    expect((await ada.script.ask('/api/v1/users/me')).status).toBe(401);
    expect(await logsIn(ada.who)).toBe(401);
  });

  it('does so by the API too', async () => {
    const ada = await member();
    const answer = await leave(ada.script, ada.who.password);
    expect([answer.status, await answer.text()]).toEqual([204, '']);
    await expectForgotten(ada);
    for (const script of [ada.script, ada.token]) expect((await script.ask('/api/v1/users/me')).status).toBe(401);
    expect((await ada.browser.ask('/secrets')).status).toBe(303);
  });

  it('is told by mail, at the address that was theirs', async () => {
    const { who, script } = await member();
    await leave(script, who.password);
    await waitForMail(site, who.email, /deleted/i);
  });

  it('leaves behind that something happened, and to which file, of nobody', async () => {
    const { who, id, script } = await member();
    const before = await events(id);
    await leave(script, who.password);
    const after = await events(id);
    expect(after.map((event) => event.kind)).toEqual([...before.map((event) => event.kind), 'account.deleted']);
    const nobody = 'a deleted member';
    for (const { kind, target, actor, address: place, searchText } of after)
      expect({ kind, target, actor, place, searchText }).toEqual({
        kind,
        target: kind === 'file.downloaded' ? 'welcome.txt' : nobody,
        actor: nobody,
        place: null,
        searchText: kind === 'file.downloaded' ? `${nobody} welcome.txt` : nobody,
      });
    expect(after.map((event) => event.kind)).toContain('file.downloaded');
  });

  it('leaves of every kind of event what stands below, written down by hand', () => {
    expect(Object.keys(left).sort()).toEqual([...eventKinds].sort());
  });

  it.each(eventKinds)('leaves of %s the thing that it was done to, and no name', async (kind) => {
    const somebody = () => ({ id: uuid(), email: `${uuid()}@example.com` });
    const [ada, keeper] = [somebody(), somebody()];
    const thing = `Board ${uuid()}`;
    const target = left[kind] === 'the group' ? `${ada.email}: ${thing}` : thing;
    const caller = { address, userAgent: 'a test', requestId: 'a request' };
    const activity = site.app.get(ActivityService);
    await activity.record({ kind, member: ada, target }, caller);
    // an admin's own act, which names nobody else
    if (left[kind] === 'the thing') await activity.record({ kind, actor: keeper, target }, caller);
    await activity.anonymise(ada.id);
    await activity.anonymise(keeper.id);

    const nobody = 'a deleted member';
    const stays = { nothing: nobody, 'the group': `${nobody}: ${thing}`, 'the thing': thing }[left[kind] ?? 'nothing'];
    const event = (await events(ada.id)).at(-1);
    expect(event).toMatchObject({ kind, actor: nobody, target: stays });
    const { items } = await activity.list({ limit: 10, q: thing });
    const own = { actor: nobody, target: thing };
    expect(items.map((item) => ({ actor: item.actor, target: item.target }))).toEqual(
      left[kind] === 'the thing' ? [own, own] : [],
    );
    expect(JSON.stringify([event, items])).not.toContain('@example.com');
  });

  it('leaves what others did alone', async () => {
    const [ada, grace] = [await member(), await member()];
    const before = await events(grace.id);
    await leave(ada.script, ada.who.password);
    expect(await events(grace.id)).toEqual(before);
    expect((await grace.script.ask('/api/v1/users/me')).status).toBe(200);
  });

  it('makes links worthless that were mailed before, and the address free for somebody new', async () => {
    const { who, script } = await member();
    await new Script(site.url).ask('/api/v1/password-resets', { json: { email: who.email } });
    const link = new URL(linkIn(await waitForMail(site, who.email, /choose a new password/i)));
    await leave(script, who.password);
    expect((await new Visitor(site.url).ask(link.pathname + link.search)).status).toBe(404);
    const next = new Script(site.url);
    await next.register(person({ email: who.email }));
    expect((await (await next.ask('/api/v1/users/me/activity')).json()) as object).toMatchObject({
      items: [{ kind: 'account.registered' }],
    });
  });
});

describe('an account that is not deleted', () => {
  it('is one whose owner gave a wrong password, or none', async () => {
    const { who, id, browser, script } = await member();
    const { status, html } = await browser.visit('/account/deletion', { form: { password: 'not the one' } });
    expect([status, fieldOf(html, 'password').fault]).toEqual([422, 'That is not your password. Please try again.']);
    const answer = await leave(script, 'not the one');
    expect([answer.status, await answer.json()]).toEqual([
      422,
      expect.objectContaining({ errors: [expect.objectContaining({ field: 'password' })] }),
    ]);
    expect((await script.ask('/api/v1/users/me', { method: 'DELETE' })).status).toBe(422);
    expect((await browser.ask('/account/deletion', { form: {} })).status).toBe(422);
    expect((await script.ask('/api/v1/users/me')).status).toBe(200);
    expect(await logsIn(who)).toBe(200);
    expect((await events(id)).filter(({ kind }) => kind === 'session.proved')).toEqual([
      expect.objectContaining({ outcome: 'refused', actor: who.email }),
      expect.objectContaining({ outcome: 'refused', actor: who.email }),
    ]);
  });

  it('is one whose password was guessed at too often', async () => {
    const { who, script } = await member();
    for (let round = 0; round < 10; round++) expect((await leave(script, `guess ${round}`)).status).toBe(422);
    expect((await leave(script, who.password)).status).toBe(429);
    expect((await script.ask('/api/v1/users/me')).status).toBe(200);
  });

  it('is that of the last admin, whose activity keeps their name', async () => {
    const [browser, script] = [new Visitor(site.url), new Script(site.url)];
    await browser.visit('/login', { form: { email: admin.email, password: admin.password } });
    await script.logIn(admin);
    const answer = await leave(script, admin.password);
    expect([answer.status, await answer.json()]).toEqual([
      409,
      expect.objectContaining({ detail: expect.stringContaining('last admin') }),
    ]);
    const { at, html } = await browser.visit('/account/deletion', { form: { password: admin.password } });
    expect(at).toBe('/account/deletion');
    expect(messageOf(html, 'alert')).toContain('This is the last admin');
    const { items } = (await (await script.ask('/api/v1/users/me/activity')).json()) as {
      items: { kind: string; actor: string }[];
    };
    expect(items.map(({ kind }) => kind)).not.toContain('account.deleted');
    for (const { actor } of items) expect(actor).toBe(admin.email);
  });
});

describe('what a crash in the midst of it left', () => {
  it('is made anonymous at the next start, and so is what was written down after the member left', async () => {
    const ada = await member();
    const grace = await member();
    await site.app.get(DataSource).query('DELETE FROM "users" WHERE "id" = $1', [ada.id]);
    const late = await member();
    await leave(late.script, late.who.password);
    const happening = { kind: 'file.downloaded', outcome: 'broken', target: 'large.zip' } as const;
    const caller = { address, userAgent: 'a test', requestId: 'a request' };
    await site.app
      .get(ActivityService)
      .record({ ...happening, member: { id: late.id, email: late.who.email } }, caller);
    expect(JSON.stringify(await events(ada.id))).toContain(ada.who.email);
    expect(JSON.stringify(await events(late.id))).toContain(late.who.email);

    await site.close();
    await start();
    const names = async (one: typeof ada) => JSON.stringify(await events(one.id)).includes(one.who.email);
    await eventually(async () => !(await names(ada)) && !(await names(late)));
    for (const one of [ada, late]) expect(JSON.stringify(await events(one.id))).not.toContain(address);
    expect((await events(late.id)).at(-1)).toMatchObject({ kind: 'file.downloaded', target: 'large.zip' });
    expect(await names(grace)).toBe(true);
  });
});
