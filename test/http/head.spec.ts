import { beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { adminOf, idOf, keeper, startWithAdmin } from '../support/admins.js';
import { aSite } from '../support/app.js';
import { collect } from '../support/collections.js';
import { askRaw } from '../support/raw.js';
import { routesOf } from '../support/routes.js';
import { shelve } from '../support/stored.js';

const site = aSite(() => startWithAdmin());
let cookie: string;
let authorization: string;
/** What stands in the places of a path, by what is before it. */
let ids: Record<string, string>;
beforeAll(async () => {
  const { browser, script } = await adminOf(site);
  const shelved = await shelve(site, 10);
  const collection = await collect(site, [shelved], { isForEveryone: true });
  const made = await script.ask('/api/v1/groups', { json: { name: `Group ${randomUUID()}` } });
  const { id: group } = (await made.json()) as { id: string };
  cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  authorization = `Bearer ${script.token ?? ''}`;
  const member = await idOf(site, keeper);
  ids = { files: shelved.file.id, collections: collection.id, groups: group, users: member, members: member };
});

const gets = () =>
  routesOf(site)
    .filter(({ method, path }) => method === 'GET' && path !== '/logout')
    .map(({ path }) => path.replace(/(\w+)\/:\w+/g, (_, before: string) => `${before}/${ids[before] ?? randomUUID()}`));

/** Headers that differ with the moment, or belong to the connection. */
const ofTheMoment = ['date', 'x-request-id', 'set-cookie', 'connection', 'keep-alive', 'transfer-encoding'];

describe('HEAD answers as GET does, without the body', () => {
  it.each([
    ['a stranger', () => ({})],
    ['an admin', () => ({ cookie, authorization })],
  ])('to %s, at every address', async (_, headers) => {
    const paths = gets();
    expect(paths.length).toBeGreaterThan(60);
    const answered: string[] = [];
    for (const path of [...paths, '/nothing/here', '/api/v1/nothing']) {
      const got = await askRaw(site.url, path, { headers: headers() });
      const head = await askRaw(site.url, path, { method: 'HEAD', headers: headers() });
      const told = ({ status, headers: all }: typeof got) => ({
        path,
        status,
        ...Object.fromEntries(Object.entries(all).filter(([name]) => !ofTheMoment.includes(name))),
      });
      expect(told(head)).toEqual(told(got));
      expect(head.body).toBe('');
      if (got.status === 200) answered.push(path);
    }
    // most are there for an admin, so that more than errors was compared
    expect(answered.length).toBeGreaterThan('cookie' in headers() ? 50 : 8);
  });
});

describe('what is somebody’s, or holds a secret', () => {
  it('is kept by no cache: every answer but downloads, assets and what all strangers see alike', async () => {
    const kept: string[] = [];
    for (const headers of [{}, { cookie, authorization }])
      for (const path of [...gets(), '/password-resets?token=x', '/register?invite=x', '/nothing']) {
        const { headers: told } = await askRaw(site.url, path, { headers });
        if (told['cache-control'] !== 'no-store')
          kept.push(`${path.replace(/[0-9a-f-]{36}/g, ':id')}: ${told['cache-control']}`);
      }
    const allowed =
      /^\/(|register|api\/docs|.*(SHA256SUMS|\/zip|\/content|download|\.csv|export)): (private, no-(cache|store)|no-store)$/;
    expect(kept.filter((one) => !allowed.test(one))).toEqual([]);
  });
});

it('a logout tells the browser to forget what it has kept of this origin, and no other site’s cookies', async () => {
  const { browser } = await adminOf(site);
  const answer = await browser.ask('/logout', { method: 'POST', form: {} });
  expect([answer.status, answer.headers.get('clear-site-data')]).toEqual([303, '"cache", "storage"']);
});
