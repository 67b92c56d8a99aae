import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Readable } from 'node:stream';
import { FilesService } from '../../src/files/files.service.js';
import { adminOf, idOf, startWithAdmin } from '../support/admins.js';
import type { TestApp } from '../support/app.js';
import { Script, Visitor } from '../support/people.js';
import { shelve, type Shelved } from '../support/stored.js';

let site: TestApp;
let admin: Script;
let ada: Script;
let adaId: string;
beforeAll(async () => {
  site = await startWithAdmin();
  admin = (await adminOf(site)).script;
  ada = new Script(site.url);
  adaId = await idOf(site, await ada.register());
});
afterAll(() => site.close());

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
