import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { RateLimits } from '../../src/limits/rate-limits.js';
import { DataSource } from 'typeorm';
import { adminOf, keeper, startWithAdmin } from '../support/admins.js';
import type { TestApp } from '../support/app.js';
import {
  announced,
  another,
  download,
  downloadZip,
  nothing,
  piece,
  rightCalls,
  theirId,
  withAuthenticator,
  withPasskey,
  withReadToken,
  withUpload,
  withVerificationMail,
  type Prepare,
  type Somebody,
} from '../support/calls.js';
import { DescribedApi, type Call, type Operation } from '../support/described.js';
import { duringAStorm } from '../support/gate.js';
import { person, Script } from '../support/people.js';
import { shelve } from '../support/stored.js';

/** Every answer that came, as `login 200`; in the end, those that are named. */
const seen = new Set<string>();

let site: TestApp;
let api: DescribedApi;
let admin: Script;

async function somebody(): Promise<Somebody> {
  const script = new Script(site.url);
  return { site, who: await script.register(), script, admin };
}

const isForAdmins = ({ tags }: Operation) => tags.includes('Administration');
const isForMembers = (operation: Operation) => operation.security !== undefined && !isForAdmins(operation);
const takesJson = ({ requestBody }: Operation) => requestBody?.content?.['application/json'] !== undefined;

/** Calls an operation as those do whom it is for, unless the call says who; the status of the answer. */
function call(operation: Operation, { script }: Somebody, made: Call): Promise<number> {
  const by = isForAdmins(operation) ? admin : isForMembers(operation) ? script : undefined;
  return api.call(operation.operationId, { by, ...made });
}

async function prepareAndCall(operationId: string, prepare: Prepare): Promise<number> {
  const one = await somebody();
  return call(api.find(operationId), one, await prepare(one));
}

/** Calls each of several operations, and expects the same status of all. */
async function expectOfEach(
  operations: readonly Operation[],
  status: number,
  make: (operation: Operation, one: Somebody) => Call | Promise<Call>,
): Promise<void> {
  const one = await somebody();
  const found: [string, number][] = [];
  for (const operation of operations)
    found.push([operation.operationId, await call(operation, one, await make(operation, one))]);
  expect(found.length).toBeGreaterThan(0);
  expect(found).toEqual(found.map(([operationId]) => [operationId, status]));
}

/** What stands in the path of an operation where it goes right: what is not there is 404, whatever is sent to it. */
async function idsOf({ operationId, path }: Operation, one: Somebody): Promise<Call> {
  const { id, secondId } = path.includes('{') ? ((await rightCalls[operationId]?.(one)) ?? {}) : {};
  return { ...(id !== undefined && { id }), ...(secondId !== undefined && { secondId }) };
}

const pieces = { 'content-type': 'application/offset+octet-stream' };

/** What goes wrong with an operation for a reason of its own, and what else goes right. */
const particulars: [string, number, Prepare][] = [
  ['register', 409, ({ who }) => ({ json: who })],
  ['login', 401, ({ who: { email } }) => ({ json: { email, password: 'a wrong one' } })],
  ['beginAuthenticator', 409, withAuthenticator],
  ['removeAuthenticator', 404, nothing],
  ['makeRecoveryCodes', 409, nothing],
  ['resetPassword', 404, () => ({ json: { token: 'of no mail', password: another } })],
  ['confirmEmail', 404, () => ({ json: { token: 'of no mail' } })],
  ['deleteMe', 409, () => ({ by: admin, json: { password: keeper.password } })],
  ['requestEmailVerification', 409, (one) => whenVerified(one)],
  ['changeUser', 409, async () => ({ ...(await theirId({ site, who: keeper })), json: { role: 'member' } })],
  ['resetFactorsOfUser', 409, () => theirId({ site, who: keeper })],
  ['sendResetLinkToUser', 409, (one) => whenDisabled(one)],
  ['remindOfFile', 409, (one) => whenHidden(one)],
  ...['addFile', 'replaceFile'].flatMap((operationId): [string, number, Prepare][] => [
    [operationId, 400, async (one) => ({ ...(await somebodysFile(one)), ...formOf('bytes', '') })],
    [operationId, 413, async (one) => ({ ...(await somebodysFile(one)), ...formOf('x'.repeat(30_001)) })],
    [operationId, 415, async (one) => ({ ...(await somebodysFile(one)), body: '{}' })],
    [operationId, 422, async (one) => ({ ...(await somebodysFile(one)), ...formOf('bytes', '--x--', 'other') })],
  ]),
  ['uploadFile', 400, () => ({ id: 'a.txt', body: 'bytes', headers: { 'content-digest': 'sha-256=:AAAA:' } })],
  ['uploadFile', 413, () => ({ id: 'a.txt', body: 'x'.repeat(30_001) })],
  ['uploadFile', 422, () => ({ id: 'a.txt', body: 'bytes', query: 'audience=all' })],
  ['putFileContent', 400, async (one) => ({ ...(await somebodysFile(one)), headers: { 'content-digest': '?' } })],
  ['putFileContent', 413, async (one) => ({ ...(await somebodysFile(one)), body: 'x'.repeat(30_001) })],
  ['beginUpload', 400, () => ({ headers: announced({ 'upload-length': '-1' }) })],
  ['beginUpload', 404, () => ({ headers: announced({ 'upload-metadata': 'filename eA==,replaces eA==' }) })],
  ['beginUpload', 412, nothing],
  ['beginUpload', 413, () => ({ headers: announced({ 'upload-length': '30001' }) })],
  ['beginUpload', 415, () => ({ headers: announced(), json: {} })],
  ['beginUpload', 422, () => ({ headers: announced({ 'upload-metadata': 'filename ICA=' }) })],
  ['beginUpload', 501, () => ({ headers: { ...pieces, 'upload-defer-length': '1', 'tus-resumable': '1.0.0' } })],
  ['findUpload', 412, async (one) => ({ ...(await withUpload(one)), headers: {} })],
  ['cancelUpload', 412, async (one) => ({ ...(await withUpload(one)), headers: {} })],
  ['continueUpload', 400, async (one) => piece(await withUpload(one), 'bytes', { 'upload-offset': 'x' })],
  ['continueUpload', 409, async (one) => piece(await withUpload(one), 'bytes', { 'upload-offset': '3' })],
  ['continueUpload', 412, async (one) => ({ ...piece(await withUpload(one), 'bytes'), headers: pieces })],
  ['continueUpload', 413, async (one) => piece(await withUpload(one), 'more than ten bytes')],
  ['continueUpload', 415, async (one) => ({ ...(await withUpload(one)), json: {} })],
  ...[
    ...['getGroup', 'renameGroup', 'deleteGroup', 'getCollection', 'changeCollection', 'deleteCollection'],
    ...['getFile', 'changeFile', 'deleteFile', 'replaceFile', 'putFileContent'],
  ].map((operationId): [string, number, Prepare] => [
    operationId,
    412,
    under(operationId, { 'if-match': '"another"' }),
  ]),
  ...['getGroup', 'getCollection', 'getFile'].map((operationId): [string, number, Prepare] => [
    operationId,
    304,
    under(operationId, { 'if-none-match': '*' }),
  ]),
  ['getFileContent', 206, download(() => ({ range: 'bytes=0-9' }))],
  ['getFileContent', 304, download((etag) => ({ 'if-none-match': etag }))],
  ['getFileContent', 412, download(() => ({ 'if-match': '"another"' }))],
  ['getCollectionZip', 304, downloadZip((etag) => ({ 'if-none-match': etag }))],
  ['getCollectionZip', 412, downloadZip(() => ({ 'if-match': '"another"' }))],
  ['getFileContent', 416, download(() => ({ range: 'bytes=99999999-' }))],
];

/** The right call of an operation, under a condition. */
function under(operationId: string, headers: Record<string, string>): Prepare {
  return async (one) => {
    const { by, ...made } = (await rightCalls[operationId]?.(one)) ?? {};
    return { ...made, ...(by && { by }), headers: { ...made.headers, ...headers } };
  };
}

/** A form with a file, which may break off before its end. */
const formOf = (bytes: string, end = '--x--', field = 'file'): Call => ({
  body: `--x\r\ncontent-disposition: form-data; name="${field}"; filename="a.txt"\r\n\r\n${bytes}\r\n${end}`,
  headers: { 'content-type': 'multipart/form-data; boundary=x' },
});

async function somebodysFile(one: Somebody) {
  return { id: (await shelve(one.site, 10)).file.id, body: 'bytes' };
}

async function whenVerified(one: Somebody): Promise<Call> {
  await api.call('confirmEmail', await withVerificationMail(one));
  return {};
}

/** A file that members cannot see, so that nobody is reminded of it. */
async function whenHidden({ admin: by }: Somebody): Promise<Call> {
  const { id } = (await shelve(site, 10)).file;
  await by.ask(`/api/v1/files/${id}`, { method: 'PATCH', json: { hidden: true } });
  return { id };
}

async function whenDisabled(one: Somebody): Promise<Call> {
  const { id } = await theirId(one);
  await admin.ask(`/api/v1/users/${id}`, { method: 'PATCH', json: { disabled: true } });
  return { id };
}

const busyAddress = '203.0.113.1';

/** What counts as a try where nobody may try too often. */
const tries: Record<string, Prepare> = {
  register: async () => {
    // as many as one address may have, without the work of their passwords
    for (let times = 0; times < 300; times++) await site.app.get(RateLimits).spendRegistration(busyAddress);
    return { json: person() };
  },
  login: ({ who: { email } }) => ({ json: { email, password: 'a wrong one' } }),
  prove: () => ({ json: { password: 'a wrong one' } }),
  deleteMe: () => ({ json: { password: 'a wrong one' } }),
  changePassword: () => ({ json: { currentPassword: 'a wrong one', password: another } }),
  requestPasswordReset: ({ who: { email } }) => ({ json: { email } }),
  requestEmailChange: ({ who: { email } }) => ({ json: { email: `new-${email}` } }),
  requestEmailVerification: nothing,
};

describe('an answer is one that the description has, and as it has it', () => {
  beforeAll(async () => {
    site = await startWithAdmin({ RATE_LIMITS: 'on', TRUST_PROXY: '127.0.0.1', UPLOAD_LIMIT: '30KB' });
    api = await DescribedApi.of(site, seen);
    admin = (await adminOf(site)).script;
  });
  afterAll(() => site.close());

  it('of exactly these operations', () => {
    expect(api.operations.map(({ operationId }) => operationId).sort()).toEqual(Object.keys(rightCalls).sort());
  });

  it.each(Object.entries(rightCalls))('when %s does what it is there for', async (operationId, prepare) => {
    const [first] = Object.keys(api.find(operationId).responses);
    expect(first).toMatch(/^2/);
    expect(await prepareAndCall(operationId, prepare)).toBe(Number(first));
  });

  it.each(particulars)('when %s answers %i', async (operationId, status, prepare) => {
    expect(await prepareAndCall(operationId, prepare)).toBe(status);
  });

  it('when an admin lets members in, or nobody does', async () => {
    const registerIn = async (mode: string) => {
      await admin.ask('/api/v1/registration', { method: 'PUT', json: { mode, domains: [] } });
      return api.call('register', { json: person() });
    };
    expect([await registerIn('approval'), await registerIn('closed')]).toEqual([202, 403]);
    expect(await registerIn('open')).toBe(201);
  });

  it('when there is no token', () =>
    expectOfEach(
      api.operations.filter(({ security }) => security),
      401,
      () => ({ by: undefined }),
    ));

  it('when a body breaks off', () =>
    expectOfEach(api.operations.filter(takesJson), 400, async (operation, one) => ({
      ...(await idsOf(operation, one)),
      body: '{',
    })));

  it('when a body is too large', () =>
    expectOfEach(api.operations.filter(takesJson), 413, async (operation, one) => ({
      ...(await idsOf(operation, one)),
      json: { name: 'x'.repeat(20_000) },
    })));

  it('when nothing in a body is right', () =>
    expectOfEach(api.operations.filter(takesJson), 422, async (operation, one) => ({
      ...(await idsOf(operation, one)),
      json: Object.fromEntries(api.fieldsOf(operation).map((field) => [field, 0])),
    })));

  it('when a part of a list is to hold nothing', () =>
    expectOfEach(
      api.operations.filter(({ parameters = [] }) => parameters.some(({ name }) => name === 'limit')),
      422,
      () => ({ query: 'limit=0' }),
    ));

  it('when nothing has the id', () =>
    expectOfEach(
      api.operations.filter(({ path }) => path.includes('{id}')),
      404,
      async ({ operationId }) => ({ ...(await rightCalls[operationId]?.(await somebody())), id: randomUUID() }),
    ));

  it('when a member does what is for admins', () =>
    expectOfEach(api.operations.filter(isForAdmins), 403, (_, { script }) => ({ by: script })));

  it('when a token that may only look does more', () =>
    expectOfEach(
      api.operations.filter((operation) => isForMembers(operation) && operation.method !== 'GET'),
      403,
      (_, one) => withReadToken(one),
    ));

  it.each(Object.entries(tries))('when %s is tried too often', async (operationId, prepare) => {
    const one = await somebody();
    const tried = { ...(await prepare(one)), headers: { 'x-forwarded-for': busyAddress } };
    let status = 0;
    for (let times = 0; times < 11 && status !== 429; times++) status = await call(api.find(operationId), one, tried);
    expect(status).toBe(429);
  });

  it('when too many passwords wait to be looked at', async () => {
    const operations = api.operations.filter((operation) => api.fieldsOf(operation).includes('password'));
    const calls: (() => Promise<[string, number]>)[] = [];
    for (const operation of operations) {
      const { operationId } = operation;
      const one = await somebody();
      const made = (await rightCalls[operationId]?.(one)) ?? {};
      calls.push(async () => [operationId, await call(operation, one, made)]);
    }
    const found = await duringAStorm(site, () => Promise.all(calls.map((make) => make())));
    expect(found).toEqual(operations.map(({ operationId }) => [operationId, 503]));
  });
});

describe('and where the library is full', () => {
  beforeAll(async () => {
    site = await startWithAdmin({ LIBRARY_QUOTA: '50', WELCOME_FILE: 'no/such/file' });
    api = await DescribedApi.of(site, seen);
    admin = (await adminOf(site)).script;
  });
  afterAll(() => site.close());

  it('when there is no room for a file', async () => {
    const { id } = await somebodysFile(await somebody());
    const form = new FormData();
    form.append('file', new Blob(['x'.repeat(100)]), 'some.txt');
    const body = 'x'.repeat(100);
    for (const operationId of ['addFile', 'replaceFile'])
      expect(await api.call(operationId, { by: admin, id, body: form })).toBe(507);
    for (const operationId of ['uploadFile', 'putFileContent'])
      expect(await api.call(operationId, { by: admin, id, body })).toBe(507);
    const headers = announced({ 'upload-length': '100' });
    expect(await api.call('beginUpload', { by: admin, headers })).toBe(507);
    const begun = await withUpload({ admin });
    // as where the quota is less after a restart
    await site.app.get(DataSource).query('UPDATE "uploads" SET "size" = 100');
    expect(await api.call('continueUpload', { by: admin, ...piece(begun, 'some bytes') })).toBe(507);
  });
});

describe('and where everybody must have a second factor', () => {
  beforeAll(async () => {
    site = await startWithAdmin({ REQUIRE_MFA: 'all' });
    api = await DescribedApi.of(site, seen);
  });
  afterAll(() => site.close());

  it('when one who has none looks at what waits for it', () =>
    expectOfEach(
      api.operations.filter((one) => isForMembers(one) && one.method === 'GET' && '403' in one.responses),
      403,
      nothing,
    ));

  it.each([
    ['removeAuthenticator', withAuthenticator],
    ['removePasskey', withPasskey],
  ])('when %s would take the last one', async (operationId, prepare) => {
    expect(await prepareAndCall(operationId, prepare)).toBe(409);
  });
});

it('each answer that the description names was seen here', () => {
  const named = api.operations.map(({ operationId, responses }) => [operationId, ...Object.keys(responses)]);
  const shown = named.map(([id, ...statuses]) => [id, ...statuses.filter((status) => seen.has(`${id} ${status}`))]);
  expect(shown).toEqual(named);
});
