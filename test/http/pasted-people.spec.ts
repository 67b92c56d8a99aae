import { beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { adminOf, startWithAdmin } from '../support/admins.js';
import { aSite } from '../support/app.js';
import { fieldOf } from '../support/html.js';
import { Script, type Person, type Visitor } from '../support/people.js';
import { shelve } from '../support/stored.js';

const site = aSite(() => startWithAdmin());
let admin: { browser: Visitor; script: Script };
let [ada, bob]: Person[] = [];
beforeAll(async () => {
  admin = await adminOf(site);
  [ada, bob] = [await new Script(site.url).register(), await new Script(site.url).register()];
});

/** Something that people are named for: its page, its API, and who is named for it now. */
interface Place {
  readonly page: string;
  readonly api: readonly [path: string, method: 'POST' | 'PUT'];
  readonly chosen: { readonly form: object; readonly json: object };
  named(): Promise<string[]>;
}

const read = async <Body>(path: string) => (await (await admin.script.ask(path)).json()) as Body;
const emailsOf = (people: { email: string }[]) => people.map(({ email }) => email).toSorted();

async function make(path: string): Promise<string> {
  const answer = await admin.script.ask(path, { json: { name: `Name ${randomUUID()}` } });
  return ((await answer.json()) as { id: string }).id;
}

async function group(): Promise<Place> {
  const id = await make('/api/v1/groups');
  const members = `/api/v1/groups/${id}/members`;
  const named = async () => emailsOf((await read<{ items: { email: string }[] }>(members)).items);
  return { page: `/admin/groups/${id}/members`, api: [members, 'POST'], chosen: { form: {}, json: {} }, named };
}

function audience(kind: 'files' | 'collections', id: string): Place {
  const path = `/api/v1/${kind}/${id}/audience`;
  const named = async () => emailsOf((await read<{ members: { email: string }[] }>(path)).members);
  const chosen = { form: { everyone: 'no' }, json: { everyone: false } };
  return { page: `/admin/${kind}/${id}/audience`, api: [path, 'PUT'], chosen, named };
}

const places: [string, () => Promise<Place>][] = [
  ['a group', group],
  ['the audience of a file', async () => audience('files', (await shelve(site, 10)).file.id)],
  ['the audience of a collection', async () => audience('collections', await make('/api/v1/collections'))],
];

const pasted = () => [
  `"Lovelace, Ada" <${ada?.email.toUpperCase()}>; Bob <${bob?.email}>`,
  `Ada\t${ada?.email}\r\nBob\t${bob?.email}\r\n`,
  `mailto:${ada?.email}, ${bob?.email};`,
];
const both = () => emailsOf([ada, bob].filter((one) => one !== undefined));
const mixed = () => `X <x@example.com>; Ada <${ada?.email}>, y@example.com\nnobody`;
const wrong = 'There are no members called x@example.com, y@example.com and nobody.';

describe.each(places)('people who are pasted for %s', (_, begin) => {
  it('are found on its page, in whatever form', async () => {
    for (const members of pasted()) {
      const place = await begin();
      const answer = await admin.browser.ask(place.page, { form: { ...place.chosen.form, members } });
      expect(answer.status).toBe(303);
      expect(await place.named()).toEqual(both());
    }
  });

  it('are found by its API, as text and as a list', async () => {
    for (const members of [...pasted(), ...pasted().map((text) => [text])]) {
      const place = await begin();
      const [path, method] = place.api;
      const answer = await admin.script.ask(path, { method, json: { ...place.chosen.json, members } });
      expect(answer.ok).toBe(true);
      expect(await place.named()).toEqual(both());
    }
  });

  it('are none of them taken if some are wrong, and all of those are named at once', async () => {
    const place = await begin();
    const answer = await admin.browser.ask(place.page, { form: { ...place.chosen.form, members: mixed() } });
    const html = await answer.text();
    expect(answer.status).toBe(422);
    expect(html).toContain(wrong);
    // what was pasted is kept
    expect(html).toMatch(/<textarea[^>]*>[^<]*X &lt;x@example\.com&gt;/);

    const [path, method] = place.api;
    const refused = await admin.script.ask(path, { method, json: { ...place.chosen.json, members: mixed() } });
    expect([refused.status, await refused.json()]).toEqual([
      422,
      expect.objectContaining({ errors: [{ field: 'members', message: wrong }] }),
    ]);
    expect(await place.named()).toEqual([]);
  });
});

describe('an address that is pasted for an invite', () => {
  it('is read from its name and brackets', async () => {
    const page = await admin.browser.ask('/admin/invites', { form: { email: 'Cleo <Cleo@example.com>', days: '3' } });
    expect(page.status).toBe(200);
    expect(await page.text()).toContain('cleo@example.com');
    const made = await admin.script.ask('/api/v1/invites', { json: { email: '"Day, Dora" <dora@example.com>' } });
    expect([made.status, await made.json()]).toEqual([201, expect.objectContaining({ email: 'dora@example.com' })]);
  });

  it('is one, and more are refused with what was pasted kept', async () => {
    const email = 'cleo@example.com; dora@example.com';
    const answer = await admin.browser.ask('/admin/invites', { form: { email, days: '3' } });
    expect(answer.status).toBe(422);
    const fault = 'Please give an email address, such as ada@example.com.';
    expect(fieldOf(await answer.text(), 'email')).toEqual({ value: email, fault });
    expect((await admin.script.ask('/api/v1/invites', { json: { email } })).status).toBe(422);
  });
});
