import { beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { DataSource } from 'typeorm';
import { adminOf, startWithAdmin } from '../support/admins.js';
import { aSite } from '../support/app.js';
import { makeLasting } from '../support/database.js';
import { waitForMail } from '../support/mail.js';
import { person, Script, Visitor } from '../support/people.js';
import { shelve } from '../support/stored.js';

const site = aSite(() => startWithAdmin());
let admin: { browser: Visitor; script: Script };
beforeAll(async () => {
  admin = await adminOf(site);
});

/** One mailbox in each way that people and programs spell it. */
const spellings = (local: string) => [
  `${local}@bücher.example`,
  `${local}@xn--bcher-kva.example`,
  `${local}@XN--BCHER-KVA.EXAMPLE`,
  `${local.toUpperCase()}@BÜCHER.example.`,
  `${local}@bu\u0308cher.example`,
  `${local}@ｂücher．ｅｘａｍｐｌｅ`,
  `${local}＠bücher。example`,
];

describe('one mailbox', () => {
  it('is one account, wherever its email is typed', async () => {
    const local = `ada-${randomUUID()}`;
    const [first = '', ...others] = spellings(local);
    const who = person({ email: first });
    const script = new Script(site.url);
    await script.register(who);
    const { id } = (await (await script.ask('/api/v1/users/me')).json()) as { id: string };
    const group = (await (await admin.script.ask('/api/v1/groups', { json: { name: randomUUID() } })).json()) as {
      id: string;
    };
    for (const email of others) {
      const ask = (path: string, json: object, by = new Script(site.url)) => by.ask(path, { json });
      const statuses = {
        register: (await ask('/api/v1/auth/register', { ...who, email })).status,
        login: (await ask('/api/v1/auth/login', { ...who, email })).status,
        page: (await new Visitor(site.url).ask('/login', { form: { email, password: who.password } })).headers.get(
          'location',
        ),
        invite: (await ask('/api/v1/invites', { email }, admin.script)).status,
        move: (await ask('/api/v1/users/me/email-changes', { email }, script)).status,
        group: (await ask(`/api/v1/groups/${group.id}/members`, { members: [email] }, admin.script)).status,
      };
      expect([email, statuses]).toEqual([
        email,
        { register: 409, login: 200, page: '/secrets', invite: 422, move: 422, group: 204 },
      ]);
      await ask('/api/v1/password-resets', { email });
      await waitForMail(site, `${local}@xn--bcher-kva.example`, /new password/);
    }
    for (const q of [first, others[0] ?? '']) {
      const { items } = (await (await admin.script.ask(`/api/v1/users?q=${encodeURIComponent(q)}`)).json()) as {
        items: { id: string }[];
      };
      expect(items.map((member) => member.id)).toEqual([id]);
    }
  });

  it('is of a domain that the rules of registration name in any spelling', async () => {
    const set = (domains: string[]) =>
      admin.script.ask('/api/v1/registration', { method: 'PUT', json: { mode: 'open', domains } });
    for (const [n, domain] of ['xn--bcher-kva.example', 'BÜCHER.example.', '@ｂücher.example'].entries()) {
      expect([domain, (await set([domain])).status]).toEqual([domain, 200]);
      const email = spellings(`grace-${randomUUID()}`)[n] ?? '';
      const answer = await new Script(site.url).ask('/api/v1/auth/register', { json: person({ email }) });
      expect([domain, email, answer.status]).toEqual([domain, email, 201]);
      expect((await new Script(site.url).ask('/api/v1/auth/register', { json: person() })).status).toBe(422);
    }
    await set([]);
  });
});

describe('a site from before', () => {
  it('keeps every account, of which one has the mailbox, and every file that was hidden', async () => {
    const lasting = await makeLasting();
    let old = await startWithAdmin(lasting.environment);
    try {
      const data = old.app.get(DataSource);
      const scripts = await Promise.all(
        [1, 2, 3].map(async () => {
          const script = new Script(old.url);
          return script.register();
        }),
      );
      const [first, second, other] = scripts.map(({ email, password }) => ({ email, password }));
      if (!first || !second || !other) throw new Error('Nobody is there.');
      const run = (sql: string, ...values: unknown[]) => data.query(`\n${sql}`, values);
      const [hidden, over] = await Promise.all(['hidden.txt', 'over.txt'].map((name) => shelve(old, 10, name)));
      // as the version before would have left it
      const isPostgres = data.options.type === 'postgres';
      await run(`DROP TRIGGER "files_replaced"${isPostgres ? ' ON "files"' : ''}`);
      if (isPostgres) await run('DROP FUNCTION "note_replaced"()');
      await run(
        `CREATE TRIGGER "files_back" AFTER UPDATE OF "expiresAt" ON "files" ${
          isPostgres ? 'FOR EACH ROW EXECUTE FUNCTION "note_shared"()' : 'BEGIN SELECT 1; END'
        }`,
      );
      await run(`ALTER TABLE "file_versions" DROP COLUMN "wasOut"`);
      await run(`DELETE FROM "migrations" WHERE "name" = 'VersionsOutOfSight1795564800009'`);
      await run(`ALTER TABLE "files" DROP COLUMN "isHidden"`);
      await run(`ALTER TABLE "reminders" DROP COLUMN "takenAt"`);
      await run(`DELETE FROM "migrations" WHERE "name" = 'HiddenFiles1795564800006'`);
      for (const [who, email] of [
        [first, 'ada@xn--bcher-kva.example'],
        [second, 'ada@bücher.example'],
        [other, 'joan@xn--bcher-kva.example'],
      ] as const)
        await run(`UPDATE "users" SET "email" = $1 WHERE "email" = $2`, email, who.email);
      const ended = Math.floor(Date.now() / 60_000) * 60_000 - 60_000;
      await run(`UPDATE "files" SET "expiresAt" = $1 WHERE "id" = $2`, ended + 123, hidden?.file.id);
      await run(`UPDATE "files" SET "expiresAt" = $1 WHERE "id" = $2`, ended, over?.file.id);
      await old.close();

      old = await startWithAdmin(lasting.environment);
      expect(old.log()).toContain('have one mailbox in several spellings');
      const logsIn = async (email: string, { password }: { password: string }) =>
        (await new Script(old.url).ask('/api/v1/auth/login', { json: { email, password } })).status;
      expect(await logsIn('ada@bücher.example', first)).toBe(200);
      expect(await logsIn('joan@bücher.example', other)).toBe(200);
      const keeper = (await adminOf(old)).script;
      const read = async (path: string) => (await (await keeper.ask(path)).json()) as Record<string, unknown>;
      const { items } = (await read('/api/v1/users?limit=100')) as { items: { email: string }[] };
      const emails = items.map(({ email }) => email).filter((email) => email.includes('cher'));
      expect(emails.toSorted()).toEqual(['ada@bücher.example', 'ada@xn--bcher-kva.example', 'joan@bücher.example']);
      expect(await read(`/api/v1/files/${hidden?.file.id}`)).toMatchObject({ hidden: true, expiresAt: null });
      expect(await read(`/api/v1/files/${over?.file.id}`)).toMatchObject({
        hidden: false,
        expiresAt: new Date(ended).toISOString(),
      });
    } finally {
      await old.close();
      await lasting.drop();
    }
  });
});
