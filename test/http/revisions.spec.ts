import { beforeAll, describe, expect, it } from '@jest/globals';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { adminOf, startWithAdmin } from '../support/admins.js';
import { aSite } from '../support/app.js';
import { rightCalls } from '../support/calls.js';
import type { Call } from '../support/described.js';
import { keeper } from '../support/admins.js';
import type { Script } from '../support/people.js';
import { routesOf } from '../support/routes.js';
import { shelve } from '../support/stored.js';
import { makeThings } from '../support/things.js';

const site = aSite(() => startWithAdmin());
let admin: Script;
let withThings: (path: string) => string;
beforeAll(async () => {
  admin = (await adminOf(site)).script;
  withThings = await makeThings(site, admin);
});

type Headers = Record<string, string>;

async function send(method: string, path: string, { json, body, headers = {} }: Call) {
  const sent = body ?? (json && JSON.stringify(json));
  const answer = await fetch(new URL(path, site.url), {
    method,
    headers: {
      authorization: `Bearer ${admin.token ?? ''}`,
      ...(json && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(sent !== undefined && { body: sent }),
  });
  await answer.arrayBuffer();
  return { status: answer.status, etag: answer.headers.get('etag') ?? '' };
}

/** Each write on something that has tags, with the path that tells them. */
const writes: [operationId: string, method: string, path: string, told: string, isGone: boolean][] = [
  ['changeFile', 'PATCH', '/api/v1/files/:id', '/api/v1/files/:id', false],
  ['putFileContent', 'PUT', '/api/v1/files/:id/content', '/api/v1/files/:id', false],
  ['replaceFile', 'POST', '/api/v1/files/:id/versions', '/api/v1/files/:id', false],
  ['deleteFile', 'DELETE', '/api/v1/files/:id', '/api/v1/files/:id', true],
  ['renameGroup', 'PATCH', '/api/v1/groups/:id', '/api/v1/groups/:id', false],
  ['deleteGroup', 'DELETE', '/api/v1/groups/:id', '/api/v1/groups/:id', true],
  ['changeCollection', 'PATCH', '/api/v1/collections/:id', '/api/v1/collections/:id', false],
  ['deleteCollection', 'DELETE', '/api/v1/collections/:id', '/api/v1/collections/:id', true],
];

describe.each(writes)('%s', (operationId, method, path, told, isGone) => {
  const make = async () => {
    const call = (await rightCalls[operationId]?.({ site, who: keeper, script: admin, admin })) ?? {};
    const at = (where: string) => where.replace(':id', call.id ?? 'none');
    const write = (headers: Headers) => send(method, at(path), { ...call, headers });
    return { write, look: (headers: Headers = {}) => send('GET', at(told), { headers }) };
  };

  it('is done only under a condition that holds', async () => {
    const { write, look } = await make();
    const { etag } = await look();
    expect(etag).toMatch(/^"\d+.*"$/);
    expect(await look({ 'if-none-match': `"x", W/${etag}` })).toEqual({ status: 304, etag });
    const wrong: Headers[] = [
      { 'if-match': '"another"' },
      { 'if-match': `W/${etag}` },
      { 'if-match': 'nonsense' },
      { 'if-match': '' },
      { 'if-match': '"a", "b"', 'if-unmodified-since': new Date(Date.now() + 9e6).toUTCString() },
      { 'if-unmodified-since': 'Mon, 02 Nov 2020 08:00:00 GMT' },
      { 'if-none-match': '*' },
      { 'if-none-match': etag },
    ];
    for (const headers of wrong) expect([headers, (await write(headers)).status]).toEqual([headers, 412]);
    expect(await look()).toEqual({ status: 200, etag });
    const right: Headers[] = [
      { 'if-match': '*', 'if-unmodified-since': 'Mon, 02 Nov 2020 08:00:00 GMT' },
      { 'if-unmodified-since': new Date(Date.now() + 9e6).toUTCString() },
      { 'if-unmodified-since': 'some day' },
      {},
    ];
    if (!isGone)
      for (const headers of right) expect([headers, (await write(headers)).status < 300]).toEqual([headers, true]);
    const now = (await look()).etag;
    expect(now === etag).toBe(isGone);
    const done = await write({ 'if-match': `"x", ${now}` });
    expect(done.status).toBeLessThan(300);
    if (!isGone) expect((await write({ 'if-match': done.etag })).status).toBeLessThan(300);
    expect((await write({ 'if-match': now })).status).toBe(isGone ? 404 : 412);
  });

  it('is done once of several at the same moment', async () => {
    const { write, look } = await make();
    const { etag } = await look();
    const found = await Promise.all(Array.from({ length: 4 }, () => write({ 'if-match': etag })));
    const statuses = found.map(({ status }) => status).sort();
    expect(statuses.filter((status) => status < 300)).toHaveLength(1);
    expect(statuses.filter((status) => status === 412 || (isGone && status === 404))).toHaveLength(3);
  });
});

it('a file’s condition may name its bytes; those of a refused upload are not kept', async () => {
  const { file } = await shelve(site, 10);
  const put = (body: string, ifMatch: string) =>
    send('PUT', `/api/v1/files/${file.id}/content`, { body, headers: { 'if-match': ifMatch } });
  expect((await put('one', `"${file.sha256}"`)).status).toBe(200);
  const stored = () => readdirSync(join(site.settings.dataDir, 'files'), { recursive: true }).length;
  const before = stored();
  expect((await put('two', `"${file.sha256}"`)).status).toBe(412);
  expect(stored()).toBe(before);
});

it('on what tells no tag, a condition that names one does not hold', async () => {
  const tagged = new Set(writes.map(([, method, path]) => `${method} ${path}`));
  const routes = routesOf(site).filter(
    ({ method, path }) =>
      path.startsWith('/api/') && !['GET', 'HEAD', 'OPTIONS'].includes(method) && !tagged.has(`${method} ${path}`),
  );
  expect(routes.length).toBeGreaterThan(30);
  for (const { method, path } of routes) {
    const { status } = await send(method, withThings(path), { headers: { 'if-match': '"one"' } });
    expect([method, path, status]).toEqual([method, path, 412]);
  }
});
