import { beforeAll, describe, expect, it } from '@jest/globals';
import { createHash, randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { FilesService } from '../../src/files/files.service.js';
import { aSite, welcomeBytes } from '../support/app.js';
import { Script, Visitor } from '../support/people.js';

interface FileAnswer {
  readonly id: string;
  readonly name: string;
}

interface ListAnswer {
  readonly items: readonly FileAnswer[];
  readonly nextCursor: string | null;
}

const names = [
  'report.pdf',
  'Ünïcödé Привет.TXT',
  '100%.txt',
  'under_score.txt',
  'underXscore.txt',
  'wow!.zip',
  'no-extension',
];

const site = aSite();
let script: Script;
beforeAll(async () => {
  script = new Script(site.url);
  await script.register();
  for (const name of names) await site.app.get(FilesService).add(Readable.from([Buffer.from(name)]), { name });
});

/** Every file of this site, the newest first. */
const all = ['welcome.txt', ...names].reverse();

const list = async (query = '') => {
  const answer = await script.ask(`/api/v1/files${query}`);
  expect(answer.status).toBe(200);
  return (await answer.json()) as ListAnswer;
};
const namesOf = ({ items }: ListAnswer) => items.map(({ name }) => name);
const search = async (q: string) => namesOf(await list(`?q=${encodeURIComponent(q)}`));

describe('the list of files', () => {
  it('gives a member all they may have, the newest first', async () => {
    const listing = await list();
    expect(namesOf(listing)).toEqual(all);
    expect(listing.nextCursor).toBeNull();
  });

  it('tells of a file what the contract names, what came to it later, and nothing else', async () => {
    const instant = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    const { items } = await list('?q=welcome');
    expect(items).toEqual([
      {
        id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        name: 'welcome.txt',
        contentType: 'text/plain',
        size: welcomeBytes.length,
        sha256: createHash('sha256').update(welcomeBytes).digest('hex'),
        createdAt: instant,
        note: '',
        version: 1,
        versionedAt: instant,
        availableAt: instant,
        expiresAt: null,
        hidden: false,
        memberLimit: null,
        totalLimit: null,
        downloaded: 'none',
        downloadedBytes: 0,
      },
    ]);
  });

  it.each([1, 3, 4, 8])('comes in parts of %i, each file once and in order', async (limit) => {
    const seen: string[] = [];
    let parts = 0;
    for (let cursor: string | null = ''; cursor !== null; parts++) {
      const part: ListAnswer = await list(`?limit=${limit}${cursor && `&cursor=${cursor}`}`);
      expect(part.items.length).toBeLessThanOrEqual(limit);
      seen.push(...namesOf(part));
      cursor = part.nextCursor;
    }
    expect(seen).toEqual(all);
    expect(parts).toBe(Math.ceil(all.length / limit));
  });

  it('goes on where it was, though a newer file came in between', async () => {
    const first = await list('?limit=3&q=.');
    await site.app.get(FilesService).add(Readable.from(['late']), { name: 'late.bin' });
    all.unshift('late.bin');
    const second = await list(`?limit=100&q=.&cursor=${first.nextCursor}`);
    expect([...namesOf(first), ...namesOf(second)]).toEqual(
      all.filter((name) => name.includes('.') && name !== 'late.bin'),
    );
  });

  it.each([
    ['report', ['report.pdf']],
    ['REPORT', ['report.pdf']],
    ['ÜNÏ', ['Ünïcödé Привет.TXT']],
    ['u\u0308ni', []],
    ['u\u0308nï', ['Ünïcödé Привет.TXT']],
    ['пРИвет', ['Ünïcödé Привет.TXT']],
    ['%', ['100%.txt']],
    ['_', ['under_score.txt']],
    ['r_s', ['under_score.txt']],
    ['!', ['wow!.zip']],
    ['\\', []],
    ["'", []],
    ['nowhere', []],
  ])('finds %j anywhere in a name, whatever its case, and takes no sign for a wildcard', async (q, found) => {
    expect(await search(q)).toEqual(found);
  });

  it.each([
    'limit=0',
    'limit=101',
    'limit=-1',
    'limit=1.5',
    'limit=many',
    'limit=',
    'limit=1&limit=2',
    'cursor=first',
    'cursor=%00',
    `q=${'x'.repeat(201)}`,
  ])('refuses %s and names the field', async (query) => {
    const answer = await script.ask(`/api/v1/files?${query}`);
    expect(answer.status).toBe(422);
    expect(await answer.json()).toMatchObject({ errors: [{ field: query.split('=', 1)[0] }] });
  });
});

describe('one file', () => {
  it('is shown as in the list', async () => {
    const [file] = (await list('?limit=1')).items;
    const answer = await script.ask(`/api/v1/files/${file?.id}`);
    expect([answer.status, await answer.json()]).toEqual([200, file]);
  });

  it.each([randomUUID(), '1', 'x'.repeat(200), '%27%20OR%201%3D1', '%00'])(
    'that is not there is 404: %s',
    async (id) => {
      for (const path of [`/api/v1/files/${id}`, `/api/v1/files/${id}/content`]) {
        const answer = await script.ask(path);
        expect([answer.status, await answer.json()]).toEqual([
          404,
          expect.objectContaining({ status: 404, title: 'Not Found' }),
        ]);
      }
    },
  );

  it('is closed to a stranger, there or not', async () => {
    const [file] = (await list('?limit=1')).items;
    for (const path of ['', `/${file?.id}`, `/${file?.id}/content`, `/${randomUUID()}`])
      expect((await new Script(site.url).ask(`/api/v1/files${path}`)).status).toBe(401);
  });

  it('comes with the same bytes and the same headers as the page’s download', async () => {
    const [file] = (await list('?q=welcome')).items;
    const ada = new Visitor(site.url);
    await ada.register();
    const [fromPage, fromApi] = [
      await ada.ask(`/files/${file?.id}/download`),
      await script.ask(`/api/v1/files/${file?.id}/content`),
    ];
    expect(headersOf(fromApi)).toEqual(headersOf(fromPage));
    expect(headersOf(fromApi)).toMatchObject({
      'content-disposition': expect.stringMatching(/^attachment; filename="?welcome\.txt"?$/),
      'cache-control': 'private, no-cache',
      'content-length': `${welcomeBytes.length}`,
    });
    expect(Buffer.from(await fromApi.arrayBuffer()).equals(welcomeBytes)).toBe(true);
    expect(Buffer.from(await fromPage.arrayBuffer()).equals(welcomeBytes)).toBe(true);
  });
});

/** All headers but those that differ from one answer to the next. */
const headersOf = (answer: Response) =>
  Object.fromEntries(
    [...answer.headers].filter(([name]) => !['date', 'x-request-id', 'connection', 'keep-alive'].includes(name)),
  );
