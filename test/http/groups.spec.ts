import { beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { adminOf, idOf, startWithAdmin } from '../support/admins.js';
import { aSite } from '../support/app.js';
import { messageOf } from '../support/html.js';
import { Script, Visitor, type Person } from '../support/people.js';
import { shelve, type Shelved } from '../support/stored.js';

const site = aSite(() => startWithAdmin());
let admin: { browser: Visitor; script: Script };
beforeAll(async () => {
  admin = await adminOf(site);
});

interface Member {
  readonly who: Person;
  readonly script: Script;
  readonly id: string;
}

async function join(): Promise<Member> {
  const script = new Script(site.url);
  const who = await script.register();
  return { who, script, id: await idOf(site, who) };
}

const groups = '/api/v1/groups';
const json = async <Body>(answer: Response | Promise<Response>) => (await (await answer).json()) as Body;
const newName = () => `Group ${randomUUID()}`;
const makeGroup = async (...members: Member[]) => {
  const { id } = await json<{ id: string }>(admin.script.ask(groups, { json: { name: newName() } }));
  if (members.length > 0)
    expect(
      (await admin.script.ask(`${groups}/${id}/members`, { json: { members: members.map((one) => one.id) } })).status,
    ).toBe(204);
  return id;
};
const share = (path: string, audience: object) =>
  admin.script.ask(`${path}/audience`, { method: 'PUT', json: { everyone: false, ...audience } });
const fileOf = ({ file }: Shelved) => `/api/v1/files/${file.id}`;

/** What one member finds of a file, in every way there is. */
async function findsOf(shelved: Shelved, { script, who }: Member): Promise<Record<string, number | boolean>> {
  const browser = new Visitor(site.url);
  await browser.visit('/login', { form: { email: who.email, password: who.password } });
  const path = fileOf(shelved);
  const list = async (query: string) =>
    (await json<{ items: { id: string }[] }>(script.ask(`/api/v1/files${query}`))).items.some(
      ({ id }) => id === shelved.file.id,
    );
  return {
    listed: await list('?limit=100'),
    found: await list(`?q=${shelved.file.name}&sort=name`),
    shown: (await script.ask(path)).status,
    versions: (await script.ask(`${path}/versions`)).status,
    content: (await script.ask(`${path}/content`)).status,
    head: (await script.ask(`${path}/content`, { method: 'HEAD' })).status,
    onShelf: (await browser.visit('/secrets?limit=100')).html.includes(shelved.file.id),
    page: (await browser.ask(`/files/${shelved.file.id}`)).status,
    download: (await browser.ask(shelved.download)).status,
  };
}

const everything = {
  listed: true,
  found: true,
  shown: 200,
  versions: 200,
  content: 200,
  head: 200,
  onShelf: true,
  page: 200,
  download: 200,
};
const nothing = {
  listed: false,
  found: false,
  shown: 404,
  versions: 404,
  content: 404,
  head: 404,
  onShelf: false,
  page: 404,
  download: 404,
};

describe('a group', () => {
  it('is made, renamed and deleted, and no two share a name', async () => {
    const name = newName();
    const made = await admin.script.ask(groups, { json: { name: ` ${name} ` } });
    expect(made.status).toBe(201);
    const { id } = await json<{ id: string }>(made);
    const taken = await admin.script.ask(groups, { json: { name: name.toUpperCase() } });
    expect([taken.status, await taken.json()]).toEqual([
      422,
      expect.objectContaining({ errors: [{ field: 'name', message: 'There is a group of that name.' }] }),
    ]);
    const racers = await Promise.all(
      Array.from({ length: 5 }, () => admin.script.ask(groups, { json: { name: `${name} again` } })),
    );
    expect(racers.map(({ status }) => status).sort()).toEqual([201, 422, 422, 422, 422]);
    const renamed = await admin.script.ask(`${groups}/${id}`, { method: 'PATCH', json: { name: `${name}!` } });
    expect(await json(renamed)).toMatchObject({ id, name: `${name}!` });
    expect(await json(admin.script.ask(`${groups}?q=${name}!`))).toMatchObject({ items: [{ id }] });
    expect((await admin.script.ask(`${groups}/${id}`, { method: 'DELETE' })).status).toBe(204);
    for (const gone of [id, 'nothing', randomUUID()])
      expect((await admin.script.ask(`${groups}/${gone}`)).status).toBe(404);
  });

  it('takes members in by email or id, all or none, and lets them out', async () => {
    const [ada, grace] = [await join(), await join()];
    const id = await makeGroup();
    const add = (...members: unknown[]) => admin.script.ask(`${groups}/${id}/members`, { json: { members } });
    const names = async () =>
      (await json<{ items: { id: string }[] }>(admin.script.ask(`${groups}/${id}/members`))).items.map((one) => one.id);
    expect((await add(ada.id, 'nobody@example.com')).status).toBe(422);
    expect(await names()).toEqual([]);
    expect((await add(ada.id, ada.id, grace.who.email.toUpperCase())).status).toBe(204);
    expect((await add(ada.who.email)).status).toBe(204);
    expect(await names()).toEqual([grace.id, ada.id]);
    expect(await json(admin.script.ask(`${groups}/${id}/members?q=${grace.who.email}`))).toMatchObject({
      items: [{ id: grace.id }],
    });
    for (const wrong of [[], ['a b'], [1], ['x'.repeat(300)], Array<string>(301).fill(ada.id)])
      expect([wrong.length, (await add(...wrong)).status]).toEqual([wrong.length, 422]);
    const out = (member: string) => admin.script.ask(`${groups}/${id}/members/${member}`, { method: 'DELETE' });
    expect([(await out(ada.id)).status, (await out(ada.id)).status, (await out('nothing')).status]).toEqual([
      204, 404, 404,
    ]);
    expect(await names()).toEqual([grace.id]);
  });

  it('is kept on pages too', async () => {
    const ada = await join();
    const name = newName();
    expect((await admin.browser.visit('/admin/groups', { form: { name: '' } })).status).toBe(422);
    const made = await admin.browser.visit('/admin/groups', { form: { name } });
    expect([made.status, messageOf(made.html, 'status')]).toEqual([200, 'The group is there; nobody is in it yet.']);
    const wrong = await admin.browser.visit(`${made.at}/members`, { form: { members: 'nobody@example.com' } });
    expect([wrong.status, wrong.html.includes('nobody@example.com</textarea>')]).toEqual([422, true]);
    const joined = await admin.browser.visit(`${made.at}/members`, { form: { members: `${ada.who.email}\r\n` } });
    expect(messageOf(joined.html, 'status')).toBe('1 member is in the group now.');
    expect((await admin.browser.visit(`/admin/members/${ada.id}`)).html).toContain(name);
    const out = await admin.browser.visit(`${made.at}/members/${ada.id}/removal`, { form: {} });
    expect(messageOf(out.html, 'status')).toBe(`${ada.who.name} is no longer in the group.`);
    const deleted = await admin.browser.visit(`${made.at}/deletion`, { form: {} });
    expect([deleted.at, deleted.html.includes(`“${name}” is deleted`)]).toEqual(['/admin/groups', true]);
  });
});

describe('a file', () => {
  it('that goes to a group and to a named member is theirs, and exists for nobody else', async () => {
    const [ada, grace, mary] = [await join(), await join(), await join()];
    const shelved = await shelve(site, Buffer.from('for some'), `for-some-${randomUUID()}.txt`);
    expect(await findsOf(shelved, mary)).toEqual(everything);
    const group = await makeGroup(ada);
    expect((await share(fileOf(shelved), { groups: [group], members: [grace.who.email] })).status).toBe(200);
    for (const one of [ada, grace]) expect(await findsOf(shelved, one)).toEqual(everything);
    expect(await findsOf(shelved, mary)).toEqual(nothing);
    const refused = await mary.script.ask(fileOf(shelved));
    const unknown = await mary.script.ask(`/api/v1/files/${randomUUID()}`);
    const withoutId = async (answer: Response) => ({ ...(await json<object>(answer)), requestId: '' });
    expect(await withoutId(refused)).toEqual(await withoutId(unknown));
    expect((await admin.script.ask(`${fileOf(shelved)}/content`)).status).toBe(200);

    await admin.script.ask(`${groups}/${group}/members/${ada.id}`, { method: 'DELETE' });
    expect(await findsOf(shelved, ada)).toEqual(nothing);
    await admin.script.ask(`${groups}/${group}/members`, { json: { members: [ada.id] } });
    expect((await ada.script.ask(fileOf(shelved))).status).toBe(200);
    await admin.script.ask(`${groups}/${group}`, { method: 'DELETE' });
    expect(await findsOf(shelved, ada)).toEqual(nothing);
    expect(await findsOf(shelved, grace)).toEqual(everything);
    await share(fileOf(shelved), { everyone: true });
    expect(await findsOf(shelved, mary)).toEqual(everything);
  });

  it('that is featured is what /download serves to those who may have it, and another to the rest', async () => {
    const [ada, mary] = [await join(), await join()];
    const shelved = await shelve(site, Buffer.from('featured for Ada'));
    await share(fileOf(shelved), { members: [ada.id] });
    await admin.script.ask(fileOf(shelved), { method: 'PATCH', json: { featured: true } });
    const featured = async ({ who }: Member) => {
      const browser = new Visitor(site.url);
      await browser.visit('/login', { form: { email: who.email, password: who.password } });
      return (await browser.ask('/download')).text();
    };
    expect(await featured(ada)).toBe('featured for Ada');
    expect(await featured(mary)).not.toBe('featured for Ada');
    await admin.script.ask(fileOf(shelved), { method: 'PATCH', json: { featured: false } });
  });

  it('has an audience that is told, and set by a form that keeps what was typed', async () => {
    const [ada, group] = [await join(), await makeGroup()];
    const shelved = await shelve(site, 10);
    const path = `/admin/files/${shelved.file.id}`;
    const set = (form: Record<string, string>) => admin.browser.visit(`${path}/audience`, { form });
    expect((await admin.browser.visit(path)).html).toContain('<dd>Everyone</dd>');
    const wrong = await set({ everyone: 'no', groups: group, members: 'nobody@example.com' });
    expect([
      wrong.status,
      wrong.html.includes(`value="${group}" checked`),
      wrong.html.includes('nobody@example.com</textarea>'),
    ]).toEqual([422, true, true]);
    expect((await set({ members: '' })).status).toBe(422);
    const right = await set({ everyone: 'no', groups: group, members: ada.who.email });
    expect([right.at, right.html.includes('and 1 member</dd>')]).toEqual([path, true]);
    expect(await json(admin.script.ask(`${fileOf(shelved)}/audience`))).toEqual({
      everyone: false,
      groups: [{ id: group, name: expect.any(String) }],
      members: [{ id: ada.id, name: ada.who.name, email: ada.who.email }],
    });
    for (const unknown of [
      { groups: [randomUUID()] },
      { groups: ['x'] },
      { members: ['nobody@example.com'] },
      { everyone: 1 },
    ])
      expect([unknown, (await share(fileOf(shelved), unknown)).status]).toEqual([unknown, 422]);
    expect((await share(`/api/v1/files/${randomUUID()}`, {})).status).toBe(404);
    await share(fileOf(shelved), {});
    expect((await admin.browser.visit(path)).html).toContain('Nobody but admins');
  });

  it('that two admins share at once has the audience that one of them meant', async () => {
    const [ada, mary] = [await join(), await join()];
    const shelved = await shelve(site, 10);
    for (let times = 0; times < 10; times++) {
      const meant = [[ada.id], [mary.id]];
      await Promise.all(meant.map((members) => share(fileOf(shelved), { members })));
      const { members } = await json<{ members: { id: string }[] }>(admin.script.ask(`${fileOf(shelved)}/audience`));
      expect(meant).toContainEqual(members.map(({ id }) => id));
    }
  });
});
