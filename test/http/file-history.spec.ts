import { beforeAll, expect, it } from '@jest/globals';
import { Readable } from 'node:stream';
import { FilesService } from '../../src/files/files.service.js';
import { adminOf, idOf, startWithAdmin } from '../support/admins.js';
import { aSite } from '../support/app.js';
import { Script, Visitor } from '../support/people.js';
import { shelve, type Shelved } from '../support/stored.js';

const site = aSite(() => startWithAdmin());
let admin: Script;
let ada: Script;
let adaId: string;
beforeAll(async () => {
  admin = (await adminOf(site)).script;
  ada = new Script(site.url);
  adaId = await idOf(site, await ada.register());
});

const replace = ({ file }: Shelved) =>
  site.app.get(FilesService).addVersion(file, Readable.from([Buffer.from(`${Math.random()}`)]));

const send = async (method: string, path: string, json?: object) => {
  const answer = await admin.ask(path, { method, ...(json && { json }) });
  expect([path, answer.ok]).toEqual([path, true]);
  return answer.status === 204 ? {} : ((await answer.json()) as { id?: string });
};

const told = async (script: Script, { file }: Shelved) => {
  const { items } = (await (await script.ask(`/api/v1/files/${file.id}/versions`)).json()) as {
    items?: { version: number }[];
  };
  return items?.map(({ version }) => version);
};

const audience = ({ file }: Shelved, json: object) => send('PUT', `/api/v1/files/${file.id}/audience`, json);
const nobody = { everyone: false };

/** Each way by which a file comes to be a member's. */
const ways: [string, (shelved: Shelved) => Promise<unknown>][] = [
  ['being for everyone', (shelved) => audience(shelved, { everyone: true })],
  ['their name', (shelved) => audience(shelved, { everyone: false, members: [adaId] })],
  [
    'a group',
    async (shelved) => {
      const { id = '' } = await send('POST', '/api/v1/groups', { name: `Board ${shelved.file.id}` });
      await send('POST', `/api/v1/groups/${id}/members`, { members: [adaId] });
      await audience(shelved, { everyone: false, groups: [id] });
    },
  ],
  [
    'joining a group',
    async (shelved) => {
      const { id = '' } = await send('POST', '/api/v1/groups', { name: `Choir ${shelved.file.id}` });
      await audience(shelved, { everyone: false, groups: [id] });
      await replace(shelved);
      await send('POST', `/api/v1/groups/${id}/members`, { members: [adaId] });
    },
  ],
  [
    'a collection that they have',
    async (shelved) => {
      const { id = '' } = await send('POST', '/api/v1/collections', { name: 'Papers' });
      await send('PUT', `/api/v1/collections/${id}/audience`, { everyone: false, members: [adaId] });
      await replace(shelved);
      await send('PUT', `/api/v1/collections/${id}/files/${shelved.file.id}`);
    },
  ],
  [
    'a collection that they are given',
    async (shelved) => {
      const { id = '' } = await send('POST', '/api/v1/collections', { name: 'Papers' });
      await send('PUT', `/api/v1/collections/${id}/files/${shelved.file.id}`);
      await replace(shelved);
      await send('PATCH', `/api/v1/collections/${id}`, { isForEveryone: true });
    },
  ],
];

it.each(ways)('who has a file by %s is told of no version from before', async (_, share) => {
  const shelved = await shelve(site, 10);
  await audience(shelved, nobody);
  await replace(shelved);
  await share(shelved);
  const [newest = 0] = (await told(ada, shelved)) ?? [];
  expect(newest).toBeGreaterThan(1);
  expect(await told(ada, shelved)).toEqual([newest]);
  await replace(shelved);
  expect(await told(ada, shelved)).toEqual([newest + 1, newest]);
  expect(await told(admin, shelved)).toHaveLength(newest + 1);
});

it('who has had a version, or could have had it, is told of it, also once others are given the file', async () => {
  const shelved = await shelve(site, 10);
  await (await ada.ask(shelved.content)).arrayBuffer();
  await replace(shelved);
  expect(await told(ada, shelved)).toEqual([2, 1]);
  await audience(shelved, nobody);
  await audience(shelved, { everyone: false, members: [adaId] });
  expect(await told(ada, shelved)).toEqual([2, 1]);
  await replace(shelved);
  const grace = new Script(site.url);
  const graceId = await idOf(site, await grace.register());
  await audience(shelved, { everyone: false, members: [adaId, graceId] });
  expect(await told(grace, shelved)).toEqual([3]);
});

const change = ({ file }: Shelved, json: object) => send('PATCH', `/api/v1/files/${file.id}`, json);
const long = { ago: '2020-01-01T00:00Z', hence: '2099-01-01T00:00Z' };
/** Each way by which members cannot have a file for a while, and how it is theirs again. */
const absences: [string, (shelved: Shelved) => Promise<() => Promise<unknown>>][] = [
  [
    'hidden',
    async (shelved) => {
      await change(shelved, { hidden: true });
      return () => change(shelved, { hidden: false });
    },
  ],
  [
    'over',
    async (shelved) => {
      await change(shelved, { availableAt: long.ago, expiresAt: '2021-01-01T00:00Z' });
      return () => change(shelved, { expiresAt: null });
    },
  ],
  [
    'not out yet, and then out since long ago',
    async (shelved) => {
      await change(shelved, { availableAt: long.hence });
      return () => change(shelved, { availableAt: long.ago });
    },
  ],
  [
    'hidden and not out, shown and out one after the other',
    async (shelved) => {
      await change(shelved, { hidden: true, availableAt: long.hence });
      return async () => {
        await change(shelved, { hidden: false });
        await replace(shelved);
        await change(shelved, { availableAt: long.ago });
      };
    },
  ],
  [
    "nobody's",
    async (shelved) => {
      await audience(shelved, nobody);
      return () => audience(shelved, { everyone: false, members: [adaId] });
    },
  ],
  [
    'out of the collection by which it was theirs',
    async (shelved) => {
      const { id = '' } = await send('POST', '/api/v1/collections', { name: 'Papers' });
      await send('PUT', `/api/v1/collections/${id}/audience`, { everyone: false, members: [adaId] });
      await audience(shelved, nobody);
      const place = `/api/v1/collections/${id}/files/${shelved.file.id}`;
      await send('PUT', place);
      await send('DELETE', place);
      return () => send('PUT', place);
    },
  ],
];

it.each(absences)('what came and went while a file was %s is not told, what they have had is', async (_, leave) => {
  const shelved = await shelve(site, 10);
  await (await ada.ask(shelved.content)).arrayBuffer();
  await replace(shelved);
  const comeBack = await leave(shelved);
  await replace(shelved);
  await replace(shelved);
  expect(await told(ada, shelved)).toBeUndefined();
  await comeBack();
  const { version: newest } = (await (await admin.ask(`/api/v1/files/${shelved.file.id}`)).json()) as {
    version: number;
  };
  expect(await told(ada, shelved)).toEqual([newest, 1]);
  // nor are its bytes to be had by the name of their version
  const { items } = (await (await admin.ask(`/api/v1/files/${shelved.file.id}/versions`)).json()) as {
    items: { version: number; sha256: string }[];
  };
  for (const { version, sha256 } of items.filter((one) => one.version > 1 && one.version < newest)) {
    const headers = { range: 'bytes=3-', 'if-range': `"${sha256}"` };
    const answer = await ada.ask(shelved.content, { headers });
    expect([version, answer.status, answer.headers.get('etag')]).toEqual([version, 200, `"${items[0]?.sha256}"`]);
    await answer.arrayBuffer();
  }
  await replace(shelved);
  expect(await told(ada, shelved)).toEqual([newest + 1, newest, 1]);
});

it('what was replaced in the sight of members stays told once the file was hidden for a while', async () => {
  const shelved = await shelve(site, 10);
  await replace(shelved);
  await change(shelved, { hidden: true });
  await change(shelved, { hidden: false });
  expect(await told(ada, shelved)).toEqual([2, 1]);
});

it('what came and went before a file is out is not told, on the page either', async () => {
  const shelved = await shelve(site, 10);
  await send('PATCH', `/api/v1/files/${shelved.file.id}`, { availableAt: '2099-01-01T00:00Z' });
  await replace(shelved);
  await send('PATCH', `/api/v1/files/${shelved.file.id}`, { availableAt: new Date().toISOString() });
  const visitor = new Visitor(site.url);
  await visitor.register();
  expect((await visitor.visit(shelved.download.replace('/download', ''))).html).not.toContain(shelved.file.sha256);
  expect(await told(ada, shelved)).toEqual([2]);
});
