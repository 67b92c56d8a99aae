import { beforeAll, describe, expect, it } from '@jest/globals';
import { adminOf, startWithAdmin } from '../support/admins.js';
import { aSite } from '../support/app.js';
import { rightCalls, type Somebody } from '../support/calls.js';
import { DescribedApi, type Call, type Operation } from '../support/described.js';
import { faultsOf } from '../support/faults.js';
import { Script } from '../support/people.js';
import { routesOf } from '../support/routes.js';
import { sized } from '../support/suite.js';

const site = aSite(() => startWithAdmin());
let api: DescribedApi;
let admin: Awaited<ReturnType<typeof adminOf>>;
beforeAll(async () => {
  api = await DescribedApi.of(site);
  admin = await adminOf(site);
});

/** What no field is made for, but any may be sent. */
const odd: unknown[] = [
  null,
  [],
  [null],
  [[]],
  ['x', {}],
  {},
  { a: null },
  { length: 1, toString: 'x' },
  -1,
  0.5,
  1e308,
  true,
  '',
  ' ',
  '\0',
  'a\0b',
  '\ud800',
  '\udfff.x@example.com',
  '\u202e',
  '9'.repeat(400),
  'x'.repeat(9_000),
  '2027-13-45T99:99Z',
  '+275760-09-13T00:00:00Z',
  '00000000-0000-0000-0000-000000000000',
];

const tried = sized(
  `${odd.length} odd values in each field of the API, half of them`,
  odd.filter((_, index) => index % 2 === 0),
  odd,
);

const jsonOperations = () => api.operations.filter((operation) => api.fieldsOf(operation).length > 0);

async function called(operation: Operation, one: Somebody, made: Call, json: unknown): Promise<number> {
  const by = operation.tags.includes('Administration') ? one.admin : one.script;
  let place = 0;
  const path = operation.path.replace(/\{\w+\}/g, () => [made.id, made.secondId][place++] ?? 'none');
  const answer = await by.ask(path, { method: operation.method, json, headers: made.headers ?? {} });
  const text = await answer.text();
  if (answer.status >= 500 && answer.status !== 503)
    throw new Error(`${operation.operationId} ${JSON.stringify(json).slice(0, 200)}: ${text}`);
  return answer.status;
}

/** Does something with each, so many at a time. */
async function atOnce<One>(count: number, all: readonly One[], work: (one: One) => Promise<void>): Promise<void> {
  const waiting = [...all];
  const worker = async () => {
    for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) await work(one);
  };
  await Promise.all(Array.from({ length: count }, worker));
}

describe('a field of the API', () => {
  it('may be sent as anything, alone or among what is right, and is a fault of the sender at most', async () => {
    const fields: string[] = [];
    await atOnce(6, jsonOperations(), async (operation) => {
      const script = new Script(site.url);
      const one: Somebody = { site, who: await script.register(), script, admin: admin.script };
      const made = (await rightCalls[operation.operationId]?.(one)) ?? {};
      for (const field of api.fieldsOf(operation)) {
        fields.push(`${operation.operationId}.${field}`);
        for (const value of tried)
          for (const json of [{ [field]: value }, { ...made.json, [field]: value }]) {
            const status = await called(operation, one, made, json);
            // somebody who deletes or changes what they knock with would be a stranger from then on
            if (status === 401 && one.script.token) await script.register();
          }
      }
    });
    expect(fields.length).toBeGreaterThan(30);
  });

  it('that may be left out is refused as null where null means nothing', async () => {
    const { items } = (await (await admin.script.ask('/api/v1/files')).json()) as { items: { id: string }[] };
    const path = `/api/v1/files/${items[0]?.id}`;
    const before = await (await admin.script.ask(path)).text();
    for (const field of ['name', 'note', 'availableAt', 'featured', 'deleted']) {
      const answer = await admin.script.ask(path, { method: 'PATCH', json: { [field]: null } });
      expect([field, answer.status, await answer.json()]).toEqual([
        field,
        422,
        expect.objectContaining({ errors: [expect.objectContaining({ field })] }),
      ]);
    }
    for (const field of ['expiresAt', 'memberLimit', 'totalLimit'])
      expect((await admin.script.ask(path, { method: 'PATCH', json: { [field]: null } })).status).toBe(200);
    expect(await (await admin.script.ask(path)).text()).toBe(before);
  });
});

it('a query may be asked in any way, also twice, and is a fault of the asker at most', async () => {
  const names = ['limit', 'cursor', 'q', 'state', 'sort', 'kind', 'outcome', 'audience', 'token', 'next', 'invite'];
  const queries = [
    names.map((name) => `${name}=x`).join('&'),
    names.map((name) => `${name}=`).join('&'),
    ...names.flatMap((name) => [`${name}=1&${name}=2`, `${name}=%00`, `${name}[a]=b`, `${name}=${'x'.repeat(3_000)}`]),
    '%',
    '__proto__=x&constructor=y',
  ];
  const cookie = [...admin.browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  const gets = routesOf(site).filter(
    ({ method, path }) => method === 'GET' && !path.includes(':') && path !== '/logout',
  );
  const wrong: string[] = [];
  await atOnce(6, gets, async ({ path }) => {
    for (const query of queries) {
      const headers = path.startsWith('/api/') ? { authorization: `Bearer ${admin.script.token ?? ''}` } : { cookie };
      const answer = await fetch(new URL(`${path}?${query}`, site.url), { redirect: 'manual', headers });
      await answer.arrayBuffer();
      if (answer.status >= 500) wrong.push(`${path}?${query.slice(0, 100)}: ${answer.status}`);
    }
  });
  expect(wrong).toEqual([]);
});

it('a form may repeat any field, and is a fault of the sender at most', async () => {
  const names = [
    'name',
    'email',
    'password',
    'currentPassword',
    'token',
    'code',
    'response',
    'next',
    'remember',
    'scope',
  ];
  const more = [
    'days',
    'files',
    'act',
    'members',
    'groups',
    'everyone',
    'role',
    'mode',
    'domains',
    'note',
    'availableAt',
  ];
  const twice = [...names, ...more].flatMap((name) => [`${name}=x`, `${name}=y`]).join('&');
  const once = [...names, ...more].map((name) => `${name}=%00`).join('&');
  const posts = routesOf(site).filter(
    ({ method, path }) => method === 'POST' && !path.startsWith('/api/') && path !== '/logout',
  );
  const wrong: string[] = [];
  for (const { path } of posts)
    for (const form of [twice, once]) {
      const sent = await fetch(new URL(path.replace(/:\w+/g, 'none'), site.url), {
        method: 'POST',
        redirect: 'manual',
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          origin: new URL(site.url).origin,
          cookie: [...admin.browser.cookies].map(([name, value]) => `${name}=${value}`).join('; '),
        },
        body: form,
      });
      await sent.arrayBuffer();
      if (sent.status >= 500) wrong.push(`${path}: ${sent.status}`);
    }
  expect(wrong).toEqual([]);
});

it('nothing of all that went wrong on the server’s side', () => {
  expect(faultsOf(site)).toEqual([]);
});
