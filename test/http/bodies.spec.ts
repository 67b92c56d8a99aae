import { beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { adminOf, startWithAdmin } from '../support/admins.js';
import { aSite } from '../support/app.js';
import { eventually } from '../support/database.js';
import { faultsOf } from '../support/faults.js';
import { person, Script, type Visitor } from '../support/people.js';
import { routesOf } from '../support/routes.js';
import { makeThings } from '../support/things.js';
import type { Route } from '../../src/http/route-list.js';

const site = aSite(() => startWithAdmin({ UPLOAD_LIMIT: '1MB' }));
let admin: { browser: Visitor; script: Script };
let member: Script;
/** A path with what is there in its places. */
let withThings: (path: string) => string;
beforeAll(async () => {
  admin = await adminOf(site);
  member = new Script(site.url);
  await member.register();
  withThings = await makeThings(site, admin.script);
});

type Headers = Record<string, string>;
const json = { 'content-type': 'application/json' };
const form = { 'content-type': 'application/x-www-form-urlencoded' };

/** Every route that takes a body, but for those that end the session which knocks. */
const writes = () => routesOf(site).filter(({ method }) => !['GET', 'HEAD'].includes(method));
const takesRaw = ({ method, path }: Route) => method === 'PUT' && /\/(content|uploads\/:name)$/.test(path);

const withUnknown = (path: string) => path.replace(/:\w+/g, () => randomUUID());

function knock(
  { method, path }: Route,
  body: string | Buffer | undefined,
  headers: Headers,
  fill = withUnknown,
): Promise<Response> {
  const filled = fill(path);
  const sent = typeof body === 'string' || body === undefined ? body : new Uint8Array(body);
  return fetch(new URL(filled, site.url), {
    method,
    redirect: 'manual',
    headers: { origin: new URL(site.url).origin, ...headers },
    ...(sent !== undefined && { body: sent }),
  });
}

const asAdmin = ({ path }: Route): Headers =>
  path.startsWith('/api/')
    ? { authorization: `Bearer ${admin.script.token ?? ''}` }
    : { cookie: [...admin.browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ') };

/** What each route answers to somebody who sends that, as `POST /path: 400`, where it is not one of these. */
async function answersOtherThan(statuses: number[], routes: Route[], ask: (route: Route) => Promise<Response>) {
  const others: string[] = [];
  for (const route of routes) {
    const answer = await ask(route);
    await answer.arrayBuffer();
    const { status } = answer;
    if (!statuses.includes(status)) others.push(`${route.method} ${route.path}: ${status}`);
  }
  return others;
}

/** Bodies that no route reads, and why. */
const bad: [what: string, status: number, body: string | Buffer | undefined, headers: Headers][] = [
  ['is not JSON', 400, '{', json],
  ['is not in UTF-8', 400, Buffer.from([0x7b, 0x22, 0xe8, 0x22, 0x3a, 0x31, 0x7d]), json],
  ['is a form not in UTF-8', 400, Buffer.from([0x61, 0x3d, 0xe8]), form],
  ['is a form of bytes that are not UTF-8', 400, 'name=%E8', form],
  ['is a list', 400, '[]', json],
  ['is text in another charset', 415, '{}', { 'content-type': 'application/json; charset=iso-8859-1' }],
  ['is plain text', 415, 'x', { 'content-type': 'text/plain' }],
  ['is of no type', 415, 'x', { 'content-type': 'nonsense' }],
  ['is packed', 415, gzipSync('{}'), { ...json, 'content-encoding': 'gzip' }],
  ['is a part of something', 400, '{}', { ...json, 'content-range': 'bytes 6-9/10' }],
];

describe.each(bad)('a body that %s', (_, status, body, headers) => {
  it('is not looked at before a stranger is told that they may not', async () => {
    const closed = writes().filter(({ access }) => access?.to !== 'everyone');
    expect(closed.length).toBeGreaterThan(50);
    expect(await answersOtherThan([401, 303], closed, (route) => knock(route, body, headers))).toEqual([]);
    const forAdmins = closed.filter(({ access, path }) => access?.to === 'admins' && path.startsWith('/api/'));
    const asMember = { authorization: `Bearer ${member.token ?? ''}` };
    expect(
      await answersOtherThan([403], forAdmins, (route) => knock(route, body, { ...headers, ...asMember })),
    ).toEqual([]);
  });

  it('is refused by every route that somebody may call', async () => {
    const open = writes().filter(
      (route) => !takesRaw(route) || 'content-range' in headers || 'content-encoding' in headers,
    );
    const takesPieces = ({ path }: Route) => path.includes('/uploads');
    const takesForm = ({ path }: Route) => /upload$|replacement$|versions$|^\/api\/v1\/files$/.test(path);
    const other = open.filter((route) => takesPieces(route) || takesForm(route));
    const asked = (route: Route) => knock(route, body, { ...headers, ...asAdmin(route) }, withThings);
    // they take neither JSON nor a form of text, so what is wrong with it does not matter
    expect(await answersOtherThan([status, 415], other, asked)).toEqual([]);
    const text = open.filter((route) => !other.includes(route) && route.access?.membersGoTo === undefined);
    expect(await answersOtherThan([status], text, asked)).toEqual([]);
  });
});

describe('what a path names and is not there is 404', () => {
  // an upload gets its name by its path; who withdraws an invite that was used meanwhile is told so on the list
  const naming = () =>
    writes().filter(({ path }) => path.includes('/:') && !/uploads\/:name$|admin\/invites/.test(path));
  const ways: [what: string, fill: (path: string) => string][] = [
    ['an unknown id', withUnknown],
    ['no id', (path) => path.replace(/:\w+/g, 'none')],
    ['an unknown id in a thing that is there', (path) => withThings(path.replace(/:(?!id\b)\w+/g, randomUUID()))],
  ];
  const bodies: [string | undefined, Headers][] = [
    ...bad.map(([, , body, headers]): [string | undefined, Headers] => [body as string, headers]),
    ['{"name":7,"everyone":null,"role":[],"members":{},"featured":"?"}', json],
    ['name=&role=&members=', form],
    [undefined, {}],
  ];

  it.each(ways)('by %s, whatever is sent to it', async (what, fill) => {
    const routes = naming().filter(({ path }) => !what.includes('in a thing') || /:id\/.*:/.test(path));
    expect(routes.length).toBeGreaterThan(what.includes('in a thing') ? 4 : 45);
    for (const [body, headers] of bodies) {
      const found = await answersOtherThan([404], routes, (route) =>
        knock(route, body, { ...headers, ...asAdmin(route) }, fill),
      );
      expect(found).toEqual([]);
    }
  });

  it('for a member, too', async () => {
    const own = naming().filter(({ access, path }) => access?.to === 'members' && path.startsWith('/api/'));
    expect(own.length).toBeGreaterThan(2);
    const asMember = { ...json, authorization: `Bearer ${member.token ?? ''}` };
    for (const fill of [withUnknown, withThings])
      expect(await answersOtherThan([404], own, (route) => knock(route, '{', asMember, fill))).toEqual([]);
  });
});

describe('an empty body that says it is JSON', () => {
  it('is no fault where none is needed', async () => {
    const { id } = await added(await put('gone.txt', 'x'));
    expect((await admin.script.ask(`/api/v1/files/${id}`, { method: 'DELETE', headers: json })).status).toBe(204);
    const script = new Script(site.url);
    await script.register();
    expect((await script.ask('/api/v1/auth/logout', { method: 'POST', headers: json })).status).toBe(204);
    expect((await script.ask('/api/v1/users/me')).status).toBe(401);
  });

  it('lacks what is needed', async () => {
    const answer = await new Script(site.url).ask('/api/v1/auth/login', { method: 'POST', headers: json });
    expect([answer.status, await answer.json()]).toEqual([
      422,
      expect.objectContaining({ errors: [expect.objectContaining({ field: 'email' }), expect.anything()] }),
    ]);
  });
});

it('what is packed is told which coding is taken', async () => {
  const answer = await put('packed.txt', 'x', { 'content-encoding': 'br' });
  expect([answer.status, answer.headers.get('accept-encoding')]).toEqual([415, 'identity']);
  expect((await put('plain.txt', 'x', { 'content-encoding': 'identity' })).status).toBe(201);
});

it('a wrong byte in a password is not taken for another', async () => {
  const register = (byte: number) => {
    const who = JSON.stringify(person({ password: 'un mot tr#s secret' }));
    return new Uint8Array(
      Buffer.concat([Buffer.from(who.split('#')[0] ?? ''), Buffer.from([byte]), Buffer.from(who.split('#')[1] ?? '')]),
    );
  };
  for (const path of ['/api/v1/auth/register', '/api/v1/auth/login'])
    expect((await fetch(new URL(path, site.url), { method: 'POST', headers: json, body: register(0xe8) })).status).toBe(
      400,
    );
});

describe('a form with a file', () => {
  const file = (name: string, bytes = 'x', field = 'file', more = '') =>
    `--x\r\ncontent-disposition: form-data; name="${field}"; filename="${name}"\r\n${more}\r\n${bytes}\r\n`;
  const field = (value: string) => `--x\r\ncontent-disposition: form-data; name="note"\r\n\r\n${value}\r\n`;
  const latin1 = (text: string) => Buffer.from(text, 'latin1');

  const sendForm = (route: Route, body: string | Buffer) =>
    knock(route, body, { 'content-type': 'multipart/form-data; boundary=x', ...asAdmin(route) }, withThings);
  /** What is known of the file that some of the routes would replace. */
  const replaced = async () => (await admin.script.ask(withThings('/api/v1/files/:id'))).json();

  /** The routes that take a form with a file: all others say that they take no such thing. */
  let takers: Route[];
  beforeAll(async () => {
    const open = writes().filter((route) => !takesRaw(route) && route.access?.membersGoTo === undefined);
    const answers = await Promise.all(open.map((route) => sendForm(route, '--x--\r\n')));
    takers = open.filter((_, index) => answers[index]?.status !== 415);
    expect(takers.map(({ method, path }) => `${method} ${path}`).toSorted()).toEqual([
      'POST /admin/files/:id/replacement',
      'POST /admin/files/upload',
      'POST /api/v1/files',
      'POST /api/v1/files/:id/versions',
    ]);
  });

  it.each<[what: string, status: number, body: string | Buffer]>([
    ['two files', 422, `${file('1.txt')}${file('2.txt')}--x--\r\n`],
    ['a second file in another field', 422, `${file('1.txt')}${file('2.txt', 'x', 'other')}--x--\r\n`],
    ['a file in another field', 422, `${file('1.txt', 'x', 'other')}--x--\r\n`],
    ['no file', 422, `${field('x')}--x--\r\n`],
    ['nothing chosen', 422, `${file('', '')}--x--\r\n`],
    ['nothing after the file', 400, file('1.txt')],
    ['half of a file', 400, file('1.txt').slice(0, -3)],
    ['half of a file larger than what is buffered', 400, file('1.txt', 'x'.repeat(500_000)).slice(0, -3)],
    ['half of a header', 400, file('1.txt').slice(0, 40)],
    ['half of the last boundary', 400, `${file('1.txt')}--x-`],
    ['a field that breaks off after the file', 400, `${file('1.txt')}${field('x').slice(0, -3)}`],
    ['text', 400, 'this is no form'],
    ['a part of no form', 400, `${file('1.txt')}--x\r\ncontent-type: text/plain\r\n\r\nx\r\n--x--\r\n`],
    ['a name that is not in UTF-8', 400, latin1(`${file('\xfcber.txt')}--x--\r\n`)],
    ['a field that is not in UTF-8', 400, latin1(`${field('\xfc')}${file('1.txt')}--x--\r\n`)],
    ['a field that is not in UTF-8 after the file', 400, latin1(`${file('1.txt')}${field('\xfc')}--x--\r\n`)],
    ['too much beside the file', 400, `${field('x'.repeat(20_000))}${file('1.txt')}--x--\r\n`],
    ['a file in Base64', 415, `${file('1.txt', 'eA==', 'file', 'content-transfer-encoding: base64\r\n')}--x--\r\n`],
    ['a file that is too large', 413, `${file('1.txt', 'x'.repeat(1_000_001))}--x--\r\n`],
  ])('that holds %s is refused whole by every route that takes one', async (_, status, body) => {
    const before = stored();
    const there = await replaced();
    expect(await answersOtherThan([status], takers, (route) => sendForm(route, body))).toEqual([]);
    await eventually(() => stored() === before);
    expect(await replaced()).toEqual(there);
    const found = await admin.script.ask('/api/v1/files?q=1.txt');
    expect(await found.json()).toMatchObject({ items: [] });
  });

  it('is read whatever else it holds, before and after the file', async () => {
    const body = `preamble\r\n${field('é')}${file('\\"quoted\\".txt', 'bytes')}${field('x')}--x--\r\nepilogue`;
    const route = { method: 'POST', path: '/api/v1/files', access: undefined, view: undefined, config: undefined };
    const answer = await knock(route, body, { 'content-type': 'Multipart/Form-Data; boundary="x"', ...asAdmin(route) });
    expect([answer.status, await answer.json()]).toEqual([201, expect.objectContaining({ size: 5 })]);
  });
});

describe('a client that asks whether its body is wanted', () => {
  const ask = (token: string | undefined, line: string, length: number, more = '') =>
    statuses(
      `${line} HTTP/1.1\r\nhost: here\r\n${token ? `authorization: Bearer ${token}\r\n` : ''}${more}content-length: ${length}\r\nexpect: 100-continue\r\n\r\n`,
    );
  const put = 'PUT /api/v1/uploads/large.bin';
  const multipart = 'content-type: multipart/form-data; boundary=x\r\n';
  const tus = 'tus-resumable: 1.0.0\r\ncontent-type: application/offset+octet-stream\r\n';

  it('is told at once that it is not', async () => {
    const token = admin.script.token;
    expect(await ask(undefined, put, 1e9)).toEqual([401]);
    expect(await ask(member.token, put, 1e9)).toEqual([403]);
    expect(await ask(token, put, 1e9)).toEqual([413]);
    expect(await ask(token, put, 5, 'content-encoding: gzip\r\n')).toEqual([415]);
    expect(await ask(token, put, 5, 'content-range: bytes 0-4/9\r\n')).toEqual([400]);
    expect(await ask(token, `PUT /api/v1/files/${randomUUID()}/content`, 5)).toEqual([404]);
    expect(await ask(token, `POST /api/v1/files/${randomUUID()}/versions`, 1e9, multipart)).toEqual([404]);
    for (const line of ['POST /api/v1/files', withThings('POST /api/v1/files/:id/versions')]) {
      expect(await ask(undefined, line, 1e9, multipart)).toEqual([401]);
      expect(await ask(member.token, line, 1e9, multipart)).toEqual([403]);
      expect(await ask(token, line, 1e9, multipart)).toEqual([413]);
    }
    const patch = `PATCH /api/v1/uploads/${randomUUID()}`;
    expect(await ask(undefined, patch, 5, tus)).toEqual([401]);
    expect(await ask(member.token, patch, 5, tus)).toEqual([403]);
    expect(await ask(token, patch, 5, `${tus}upload-offset: 0\r\n`)).toEqual([404]);
    expect(await ask(undefined, 'POST /api/v1/groups', 10, 'content-type: application/json\r\n')).toEqual([401]);
    expect(await ask(token, 'POST /api/v1/groups', 1e6, 'content-type: application/json\r\n')).toEqual([413]);
  });

  it('is asked for it where it is', async () => {
    const token = admin.script.token;
    expect(await ask(token, put, 5)).toEqual([100]);
    expect(await ask(token, 'POST /api/v1/files', 500, multipart)).toEqual([100]);
    expect(await ask(token, 'POST /api/v1/groups', 10, 'content-type: application/json\r\n')).toEqual([100]);
  });

  /** The statuses that come in answer to a head alone. */
  function statuses(head: string): Promise<number[]> {
    const { hostname, port } = new URL(site.url);
    return new Promise((resolve) => {
      const socket = connect(Number(port), hostname);
      socket.on('error', () => undefined);
      let heard = '';
      socket.on('data', (piece) => {
        heard += piece.toString('latin1');
        // what follows a 100 would follow in the same turn
        setTimeout(() => socket.destroy(), 20);
      });
      socket.on('close', () => resolve([...heard.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(([, status]) => Number(status))));
      socket.write(head);
    });
  }
});

it('nothing of all that went wrong on the server’s side', () => {
  expect(faultsOf(site)).toEqual([]);
});

const put = (name: string, body: string, headers: Headers = {}) =>
  fetch(new URL(`/api/v1/uploads/${name}`, site.url), {
    method: 'PUT',
    body,
    headers: { authorization: `Bearer ${admin.script.token ?? ''}`, ...headers },
  });

const added = async (answer: Response) => (await answer.json()) as { id: string };

/** How many files lie in the store, drafts included. */
const stored = () =>
  readdirSync(join(site.settings.dataDir, 'files'), { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  ).length;
