import { beforeAll, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { ActivityEvent } from '../../src/activity/event.entity.js';
import { adminOf, keeper, startWithAdmin } from '../support/admins.js';
import { aSite } from '../support/app.js';
import { parseCsv } from '../support/csv.js';
import { eventually } from '../support/database.js';
import { faultsOf } from '../support/faults.js';
import { linksOf } from '../support/html.js';
import { person, Script, type Visitor } from '../support/people.js';
import { shelve } from '../support/stored.js';

interface Happening {
  readonly id: string;
  readonly at: string;
  readonly kind: string;
  readonly outcome: string;
  readonly actor: string | null;
  readonly target: string | null;
  readonly address: string | null;
  readonly requestId: string;
}

interface Part {
  readonly items: Happening[];
  readonly nextCursor: string | null;
}

const formula = '=HYPERLINK("http://evil.example","Click")';
const fileName = '@SUM(1+1), Öl.csv';

const site = aSite(() => startWithAdmin({ TRUST_PROXY: '127.0.0.1' }));
let admin: { browser: Visitor; script: Script };
const ada = person({ email: 'ärgerlich@example.com' });
const grace = person({ email: '=1+1@example.com' });

beforeAll(async () => {
  admin = await adminOf(site);
  const script = new Script(site.url);
  await script.register(ada);
  await script.ask('/api/v1/users/me/tokens', { json: { name: formula, scope: 'read' } });
  const { content } = await shelve(site, Buffer.from('some bytes'), fileName);
  await (await script.ask(content)).arrayBuffer();
  await new Script(site.url).register(grace);
  for (const who of [ada, grace])
    await new Script(site.url).ask('/api/v1/auth/login', { json: { ...who, password: 'a wrong password' } });
  await eventually(async () => (await list('?kind=file.downloaded')).items.length === 1);
});

const list = async (query = '') => (await (await admin.script.ask(`/api/v1/activity${query}`)).json()) as Part;
const kindsOf = ({ items }: Part) => items.map(({ kind }) => kind);
const csv = async (query = '') => admin.browser.ask(`/admin/activity.csv${query}`);

describe('the activity log', () => {
  it('has what happened, the newest first, with who, what, where and in which request', async () => {
    const { items } = await list();
    expect(items.map(({ id }) => id)).toEqual(
      items
        .map(({ id }) => id)
        .toSorted()
        .toReversed(),
    );
    expect(items.find(({ kind }) => kind === 'token.made')).toEqual({
      id: expect.any(String),
      at: expect.stringMatching(/^\d{4}-.*Z$/),
      kind: 'token.made',
      outcome: 'success',
      actor: ada.email,
      target: formula,
      address: '127.0.0.1',
      requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
  });

  it('can be asked for one kind, one outcome, both', async () => {
    expect(new Set(kindsOf(await list('?kind=account.registered')))).toEqual(new Set(['account.registered']));
    const refused = await list('?outcome=refused');
    expect(refused.items.map(({ kind, target }) => [kind, target])).toEqual([
      ['session.began', grace.email],
      ['session.began', ada.email],
    ]);
    expect((await list('?kind=session.began&outcome=success')).items.map(({ actor }) => actor)).toEqual([
      keeper.email,
      keeper.email,
    ]);
    expect((await list('?kind=token.made&outcome=refused')).items).toEqual([]);
  });

  it.each([
    ['ÄRGERLICH', 4],
    ['ärgerlich@EXAMPLE', 4],
    ['HYPERLINK', 1],
    ['ÖL', 1],
    ['127.0.0.1', 8],
    ['%', 0],
    ['nobody of that name', 0],
  ])('can be searched by actor, target and address, in any case: %s', async (q, count) => {
    const found = (await list(`?q=${encodeURIComponent(q)}`)).items;
    expect(found).toHaveLength(count);
    expect((await list(`?q=${encodeURIComponent(q.normalize('NFD'))}`)).items).toEqual(found);
  });

  it('comes in parts, each line once, and the page keeps the filter on the next', async () => {
    const all = await list();
    const seen: string[] = [];
    let cursor: string | null = '';
    for (let parts = 0; cursor !== null && parts < 10; parts++) {
      const part: Part = await list(`?limit=3${cursor && `&cursor=${cursor}`}`);
      seen.push(...part.items.map(({ id }) => id));
      cursor = part.nextCursor;
    }
    expect(seen).toEqual(all.items.map(({ id }) => id));

    const { html } = await admin.browser.visit('/admin/activity?kind=session.began&outcome=&q=EXAMPLE&limit=1');
    expect(html).toMatch(/<option value="session\.began" selected>Logged in</);
    const links = linksOf(html).map((href) => href.replaceAll('&amp;', '&').replaceAll('&#x3D;', '='));
    expect(links).toContain('/admin/activity.csv?kind=session.began&q=EXAMPLE');
    const next = links.find((href) => href.includes('cursor')) ?? '';
    expect(next).toMatch(/&limit=1&q=EXAMPLE&kind=session\.began$/);
    const second = await admin.browser.visit(next);
    expect(second.html.match(/<td role="cell" class="what">/g)).toHaveLength(1);
    expect((await admin.browser.visit('/admin/activity?q=nobody+of+that+name')).html).toContain('Nothing fits that');
  });

  it.each(['kind=session', 'outcome=maybe', 'limit=0', 'cursor=first', 'q=a%00b'])(
    'refuses to look for %s',
    async (query) => {
      const answer = await admin.script.ask(`/api/v1/activity?${query}`);
      expect(answer.status).toBe(422);
      for (const path of ['/admin/activity', '/admin/activity.csv'])
        expect((await admin.browser.ask(`${path}?${query}`)).status).toBe(422);
    },
  );

  it('is added to and read, and by nobody changed', async () => {
    const [newest] = (await list()).items;
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE'])
      expect((await admin.script.ask('/api/v1/activity', { method })).status).toBe(405);
    expect((await admin.script.ask(`/api/v1/activity/${newest?.id ?? ''}`, { method: 'DELETE' })).status).toBe(404);
    expect((await list()).items[0]).toEqual(newest);
  });
});

describe('the log as a table', () => {
  it('is a file that a spreadsheet reads, and holds the same as the list', async () => {
    const answer = await csv();
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('text/csv; charset=utf-8; header=present');
    expect(answer.headers.get('content-disposition')).toBe('attachment; filename="activity.csv"');
    expect(answer.headers.get('cache-control')).toContain('no-store');
    const bytes = Buffer.from(await answer.arrayBuffer());
    expect([...bytes.subarray(0, 3)]).toEqual([0xef, 0xbb, 0xbf]);
    const [head, ...rows] = parseCsv(bytes.toString('utf8').slice(1));
    expect(head).toEqual(['at', 'kind', 'outcome', 'actor', 'target', 'address', 'requestId']);
    const { items } = await list();
    expect(rows.map((row) => row.at(-1))).toEqual(items.map(({ requestId }) => requestId));
    expect(rows.map(([at, kind, outcome]) => ({ at, kind, outcome }))).toEqual(
      items.map(({ at, kind, outcome }) => ({ at, kind, outcome })),
    );
    expect(rows.find(([, kind]) => kind === 'account.registered')).toHaveLength(7);
  });

  it('defuses what a spreadsheet would take for a formula', async () => {
    const rows = parseCsv(await (await csv()).text());
    const cells = rows.flat();
    expect(cells).toContain(`'${formula}`);
    expect(cells).toContain(`'${fileName}`);
    expect(cells).toContain(`'${grace.email}`);
    expect(cells.filter((cell) => /^[=+\-@\t\r]/.test(cell))).toEqual([]);
  });

  it('takes the same filter, and has its head where nothing fits', async () => {
    const refused = parseCsv(await (await csv('?outcome=refused&kind=session.began')).text()).slice(1);
    expect(refused.map(([, kind, outcome]) => [kind, outcome])).toEqual([
      ['session.began', 'refused'],
      ['session.began', 'refused'],
    ]);
    expect(parseCsv(await (await csv(`?q=${encodeURIComponent('ÄRGERLICH')}`)).text())).toHaveLength(5);
    expect(await (await csv('?q=nobody+of+that+name')).text()).toBe(
      'at,kind,outcome,actor,target,address,requestId\r\n',
    );
  });

  it('is whole however long it is, each line once', async () => {
    const events = site.app.get(DataSource).getRepository(ActivityEvent);
    const rows = Array.from({ length: 1_234 }, (_, index) => {
      const target = `file ${index}`;
      return {
        id: uuid(),
        at: new Date(),
        kind: 'file.downloaded',
        outcome: 'broken',
        requestId: uuid(),
        target,
        searchText: target,
      } as const;
    });
    for (let at = 0; at < rows.length; at += 100) await events.insert(rows.slice(at, at + 100));
    const [, ...found] = parseCsv(await (await csv('?outcome=broken')).text());
    expect(found.map((row) => row[4])).toEqual(rows.map(({ target }) => target).toReversed());
  });

  it('is the same for a script, with the same filter', async () => {
    for (const query of [
      '',
      '?outcome=refused&kind=session.began',
      `?q=${encodeURIComponent('ÄRGERLICH')}`,
      '?limit=1',
    ]) {
      const [page, call] = [await csv(query), await admin.script.ask(`/api/v1/activity/export${query}`)];
      expect(call.status).toBe(200);
      for (const name of ['content-type', 'content-disposition', 'cache-control'])
        expect([name, call.headers.get(name)]).toEqual([name, page.headers.get(name)]);
      const bytes = Buffer.from(await page.arrayBuffer());
      expect(bytes.length).toBeGreaterThan(200);
      expect(Buffer.from(await call.arrayBuffer()).equals(bytes)).toBe(true);
    }
    expect((await admin.script.ask('/api/v1/activity/export?outcome=maybe')).status).toBe(422);
  });

  it('is only announced to a HEAD', async () => {
    const answer = await admin.browser.ask('/admin/activity.csv', { method: 'HEAD' });
    expect([answer.status, await answer.text()]).toEqual([200, '']);
  });
});

it.each([
  [
    '2001:db8::7',
    ['2001:DB8::7', '[2001:db8::7]', '[2001:db8::7]:443', '2001:0db8:0:0:0:0:0:0007', '2001:db8::7%eth0'],
  ],
  [
    '203.0.113.9',
    ['203.0.113.9', '203.0.113.9:50001', '::ffff:203.0.113.9', '[::FFFF:203.0.113.9]', '203.000.113.009'],
  ],
])('an address is found however it is typed: %s', async (address, spellings) => {
  const { email } = ada;
  const json = { email, password: 'a wrong password' };
  await new Script(site.url).ask('/api/v1/auth/login', { json, headers: { 'x-forwarded-for': address } });
  for (const typed of [...spellings, ...spellings.map((one) => ` ${email.toUpperCase()}  ${one}`)]) {
    const { items } = await list(`?q=${encodeURIComponent(typed)}`);
    expect([typed, items.map((one) => [one.target, one.address])]).toEqual([typed, [[email, address]]]);
    expect(await (await csv(`?q=${encodeURIComponent(typed)}`)).text()).toContain(email);
  }
});

it('nothing of all that went wrong on the server’s side', () => {
  expect(faultsOf(site)).toEqual([]);
});
