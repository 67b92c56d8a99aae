import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { adminOf, startWithAdmin } from '../support/admins.js';
import type { TestApp } from '../support/app.js';
import { waitForMail } from '../support/mail.js';
import { person, Script, Visitor } from '../support/people.js';

let site: TestApp;
let admin: { browser: Visitor; script: Script };
beforeAll(async () => {
  site = await startWithAdmin();
  admin = await adminOf(site);
});
afterAll(() => site.close());

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
