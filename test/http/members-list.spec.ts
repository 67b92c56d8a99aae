import { beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { adminOf, idOf, keeper, startWithAdmin } from '../support/admins.js';
import { aSite } from '../support/app.js';
import { addAuthenticator } from '../support/factors.js';
import { faultsOf } from '../support/faults.js';
import { linksOf } from '../support/html.js';
import { person, Script, Visitor, type Person } from '../support/people.js';

interface Member {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly role: string;
  readonly state: string;
  readonly emailVerified: boolean;
  readonly hasFactor: boolean;
}

interface Part {
  readonly items: Member[];
  readonly nextCursor: string | null;
}

const ada = person({ name: 'Ada Lovelace', email: 'ada@example.com' });
const grace = person({ name: 'Grace Hopper', email: 'grace@example.org' });
const oedipa = person({ name: 'Ödipa Äußerst', email: 'ärger@example.net' });
const percent = person({ name: '100 % Öl_Farbe!', email: 'percent@example.com' });

const site = aSite(() => startWithAdmin());
let admin: { browser: Visitor; script: Script };
beforeAll(async () => {
  admin = await adminOf(site);
  for (const who of [ada, grace, oedipa, percent]) {
    const script = new Script(site.url);
    await script.register(who);
    if (who === grace) await addAuthenticator(site, script);
  }
});

const list = async (query = '') => (await (await admin.script.ask(`/api/v1/users${query}`)).json()) as Part;
const search = async (q: string) => (await list(`?q=${encodeURIComponent(q)}`)).items.map(({ name }) => name);

describe('the list of members', () => {
  it('has everybody, the newest first, with what an admin should know', async () => {
    const { items, nextCursor } = await list();
    expect(nextCursor).toBeNull();
    expect(items.map(({ email }) => email)).toEqual([percent, oedipa, grace, ada, keeper].map(({ email }) => email));
    expect(items.find(({ email }) => email === grace.email)).toEqual({
      id: await idOf(site, grace),
      name: grace.name,
      email: grace.email,
      role: 'member',
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      state: 'active',
      emailVerified: false,
      hasFactor: true,
    });
    expect(items.filter(({ hasFactor }) => hasFactor)).toHaveLength(1);
    expect(items.at(-1)).toMatchObject({ role: 'admin', emailVerified: true, hasFactor: false });
  });

  it('comes in parts, each person once', async () => {
    const seen: string[] = [];
    let cursor: string | null = '';
    for (let parts = 0; cursor !== null && parts < 10; parts++) {
      const part: Part = await list(`?limit=2${cursor && `&cursor=${cursor}`}`);
      expect(part.items.length).toBeLessThanOrEqual(2);
      seen.push(...part.items.map(({ email }) => email));
      cursor = part.nextCursor;
    }
    expect(seen).toEqual([percent, oedipa, grace, ada, keeper].map(({ email }) => email));
  });

  it.each([
    ['LOVELACE', [ada.name]],
    ['hopper', [grace.name]],
    ['EXAMPLE.ORG', [grace.name]],
    ['ödipa', [oedipa.name]],
    ['ÄUSSERST', [oedipa.name]],
    ['ÄUßERST', [oedipa.name]],
    ['ÄRGER@', [oedipa.name]],
    ['öL_fARBE', [percent.name]],
    ['100 %', [percent.name]],
    ['%', [percent.name]],
    ['_', [percent.name]],
    ['!', [percent.name]],
    ['nobody of that name', []],
  ])('finds by name and email, in any case: %s', async (q, found) => {
    expect(await search(q)).toEqual(found);
    // typed on a keyboard that does not compose letters
    expect(await search(q.normalize('NFD'))).toEqual(found);
  });

  it('can be asked for those in one state', async () => {
    const turnedAway = person({ name: 'Turned Away' });
    await new Script(site.url).register(turnedAway);
    const id = await idOf(site, turnedAway);
    await admin.script.ask(`/api/v1/users/${id}`, { method: 'PATCH', json: { disabled: true } });
    expect((await list('?state=disabled')).items.map(({ name }) => name)).toEqual(['Turned Away']);
    expect((await list('?state=active')).items).toHaveLength(5);
    expect((await list('?state=awaiting')).items).toEqual([]);
    expect((await list('?state=active&q=lovelace')).items.map(({ name }) => name)).toEqual([ada.name]);
    const wrong = await admin.script.ask('/api/v1/users?state=asleep');
    expect([wrong.status, await wrong.json()]).toEqual([
      422,
      expect.objectContaining({ errors: [{ field: 'state', message: expect.stringContaining('awaiting') }] }),
    ]);
  });

  it('stands on a page, which keeps what was searched for on the next', async () => {
    const { status, html } = await admin.browser.visit('/admin/members?q=EXAMPLE.&state=&limit=2');
    expect(status).toBe(200);
    expect(html).toContain('value="EXAMPLE."');
    const next = linksOf(html)
      .find((href) => href.includes('cursor'))
      ?.replaceAll('&amp;', '&')
      .replaceAll('&#x3D;', '=');
    expect(next).toMatch(/^\/admin\/members\?cursor=.*&limit=2&q=EXAMPLE\.$/);
    const { html: second } = await admin.browser.visit(next ?? '');
    expect(linksOf(second)).toContain(`/admin/members/${await idOf(site, grace)}`);
    expect((await admin.browser.visit('/admin/members?q=nobody+of+that+name')).html).toContain('Nobody fits that');
  });
});

describe('one member', () => {
  it('stands on a page with sessions, second factor and what happened', async () => {
    const browser = new Visitor(site.url);
    await browser.visit('/login', {
      form: { email: ada.email, password: ada.password },
      headers: { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0' },
    });
    const { status, html } = await admin.browser.visit(`/admin/members/${await idOf(site, ada)}`);
    expect(status).toBe(200);
    for (const words of [
      ada.name,
      ada.email,
      'not confirmed',
      'Firefox on Linux',
      '127.0.0.1',
      'Registered',
      'Logged in',
    ])
      expect(html).toContain(words);
    expect((await admin.browser.visit(`/admin/members/${await idOf(site, grace)}`)).html).toContain(
      'App, 10 recovery codes',
    );
  });

  it('is the same in the API, with sessions and activity beside it', async () => {
    const id = await idOf(site, ada);
    const about = await (await admin.script.ask(`/api/v1/users/${id}`)).json();
    expect(about).toMatchObject({ id, email: ada.email, state: 'active', hasFactor: false });
    const sessions = (await (await admin.script.ask(`/api/v1/users/${id}/sessions`)).json()) as { items: object[] };
    expect(sessions.items).toHaveLength(2);
    expect(sessions.items[0]).toMatchObject({ kind: 'browser', device: 'Firefox on Linux', isCurrent: false });
    const first = (await (await admin.script.ask(`/api/v1/users/${id}/activity?limit=1`)).json()) as Part;
    expect(first.items).toMatchObject([{ kind: 'session.began', actor: ada.email }]);
    const second = await admin.script.ask(`/api/v1/users/${id}/activity?cursor=${first.nextCursor ?? ''}`);
    expect(await second.json()).toMatchObject({ items: [{ kind: 'account.registered' }], nextCursor: null });
  });

  it('has activity in parts on the page too', async () => {
    const path = `/admin/members/${await idOf(site, ada)}`;
    const { html } = await admin.browser.visit(`${path}?limit=1`);
    const next = linksOf(html)
      .find((href) => href.includes('cursor'))
      ?.replaceAll('&#x3D;', '=')
      .replaceAll('&amp;', '&');
    expect(html).not.toContain('>Registered<');
    expect((await admin.browser.visit(next ?? '')).html).toContain('>Registered<');
  });

  it.each(['not-a-uuid', '%00', '%27%20OR%201', randomUUID()])('does not exist under %s', async (id) => {
    expect((await admin.browser.ask(`/admin/members/${id}`)).status).toBe(404);
    for (const path of ['', '/sessions', '/activity'])
      expect((await admin.script.ask(`/api/v1/users/${id}${path}`)).status).toBe(404);
    for (const act of ['approval', 'disabling', 'enabling', 'sessions/end', 'factors/reset', 'reset-link'])
      expect((await admin.browser.ask(`/admin/members/${id}/${act}`, { form: {} })).status).toBe(404);
    const change = await admin.script.ask(`/api/v1/users/${id}`, { method: 'PATCH', json: { role: 'admin' } });
    expect(change.status).toBe(404);
  });
});

describe('whoever is no admin', () => {
  const paths = (id: string) => [
    '/admin',
    '/admin/members',
    `/admin/members/${id}`,
    '/admin/invites',
    '/admin/registration',
    '/admin/activity',
    '/admin/activity.csv',
  ];
  const calls = (id: string) => [
    '/api/v1/users',
    `/api/v1/users/${id}`,
    `/api/v1/users/${id}/sessions`,
    '/api/v1/registration',
    '/api/v1/invites',
    '/api/v1/activity',
  ];

  it('sees nothing of it as a member, not even of themselves', async () => {
    const [browser, script] = [new Visitor(site.url), new Script(site.url)];
    const who: Person = await browser.register();
    await script.logIn(who);
    const id = await idOf(site, who);
    for (const path of paths(id)) expect([path, (await browser.ask(path)).status]).toEqual([path, 403]);
    for (const path of calls(id)) expect([path, (await script.ask(path)).status]).toEqual([path, 403]);
    expect((await browser.visit('/secrets')).html).not.toContain('/admin');
  });

  it('is asked to log in as a stranger', async () => {
    for (const path of paths(randomUUID())) {
      const { status, headers } = await new Visitor(site.url).ask(path);
      expect([status, headers.get('location')]).toEqual([303, `/login?next=${encodeURIComponent(path)}`]);
    }
    for (const path of calls(randomUUID())) expect((await new Script(site.url).ask(path)).status).toBe(401);
  });
});

it('the admin begins on a page that says how things are', async () => {
  const { status, html } = await admin.browser.visit('/admin');
  expect(status).toBe(200);
  expect(linksOf(html)).toEqual(
    expect.arrayContaining(['/admin/members', '/admin/invites', '/admin/registration', '/admin/activity']),
  );
  for (const words of ['6 members, and 1 disabled', 'Anyone may register and is in at once.', 'Logged in'])
    expect(html).toContain(words);
  expect(linksOf((await admin.browser.visit('/secrets')).html)).toContain('/admin');
});

it('somebody is found whose name grows when it is made small, as long as name and email may be', async () => {
  const domain = `${'d'.repeat(63)}.${'e'.repeat(63)}.${'f'.repeat(54)}.org`;
  const emails = ['a', 'b'].map((letter) => `${letter.repeat(64)}@${domain}`);
  expect(emails.map(({ length }) => length)).toEqual([251, 251]);
  const name = 'İ'.repeat(100);
  const [first, second] = emails.map((email) => person({ name, email }));
  await new Script(site.url).register(first);
  // one by the API, one on the page; and one who takes the name later
  expect((await new Visitor(site.url).visit('/register', { form: { ...second } })).at).toBe('/secrets');
  const script = new Script(site.url);
  await script.register(person({ email: `${'c'.repeat(64)}@${domain}` }));
  const renamed = await script.ask('/api/v1/users/me', { method: 'PATCH', json: { name } });
  expect([renamed.status, await renamed.json()]).toEqual([200, expect.objectContaining({ name })]);
  expect(await search(name)).toEqual([name, name, name]);
  for (const letter of ['A', 'b', 'C']) expect(await search(`${letter.repeat(64)}@${'d'.repeat(63)}`)).toEqual([name]);
});

it('nothing of all that went wrong on the server’s side', () => {
  expect(faultsOf(site)).toEqual([]);
});
