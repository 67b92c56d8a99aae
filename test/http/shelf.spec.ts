import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createHash, randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { DataSource } from 'typeorm';
import { FilesService } from '../../src/files/files.service.js';
import { StoredFile } from '../../src/files/stored-file.entity.js';
import { startApp, welcomeBytes, type TestApp } from '../support/app.js';
import { linksOf } from '../support/html.js';
import { person, Visitor } from '../support/people.js';

let site: TestApp;
let ada: Visitor;
beforeAll(async () => {
  site = await startApp();
  ada = new Visitor(site.url);
  await ada.register(person({ name: 'Ada <b>Lovelace</b>' }));
});
afterAll(() => site.close());

const add = async (name: string, text: string) => {
  const file = await site.app.get(FilesService).add(Readable.from([Buffer.from(text)]), { name });
  if (!file) throw new Error(`${name} was not added.`);
  return file;
};

describe('a stranger', () => {
  const id = randomUUID();
  it.each([
    ['/secrets', '/login?next=%2Fsecrets'],
    ['/download', '/login?next=%2Fdownload'],
    [`/files/${id}/download`, `/login?next=%2Ffiles%2F${id}%2Fdownload`],
  ])('who asks for %s is sent to log in', async (path, location) => {
    const answer = await new Visitor(site.url).ask(path);
    expect([answer.status, answer.headers.get('location')]).toEqual([303, location]);
    expect(await answer.text()).not.toContain('line 1 of');
  });
});

describe('a member', () => {
  it('is greeted by name, shown as text', async () => {
    const { status, html } = await ada.visit('/secrets');
    expect(status).toBe(200);
    expect(html).toMatch(/<h1>[^]*Ada &lt;b&gt;Lovelace&lt;\/b&gt;[^]*<\/h1>/);
  });

  it('finds the welcome file of a fresh install, as the featured one and in the list', async () => {
    const { html } = await ada.visit('/secrets');
    const [file] = await site.app.get(DataSource).getRepository(StoredFile).find();
    expect(linksOf(html)).toEqual(expect.arrayContaining(['/download', `/files/${file?.id}/download`]));
    expect(html).toContain('welcome.txt');
    expect(html).toContain(createHash('sha256').update(welcomeBytes).digest('hex'));
    const download = await ada.ask('/download');
    expect(download.status).toBe(200);
    expect(Buffer.from(await download.arrayBuffer()).equals(welcomeBytes)).toBe(true);
  });

  it('gets the newest file as the featured one', async () => {
    await add('second.txt', 'the second');
    await add('third.txt', 'the third');
    expect(await (await ada.ask('/download')).text()).toBe('the third');
  });

  it('gets the one that was featured last, where one was', async () => {
    const files = site.app.get(DataSource).getRepository(StoredFile);
    await files.update({ name: 'welcome.txt' }, { featuredAt: new Date(1_000) });
    await files.update({ name: 'second.txt' }, { featuredAt: new Date(2_000) });
    expect(await (await ada.ask('/download')).text()).toBe('the second');
    expect((await ada.visit('/secrets')).html).toMatch(/<h2 id="featured"><bdi>second\.txt<\/bdi><\/h2>/);
  });

  it('gets each file by its own address', async () => {
    const file = await add('ведомость «май».csv', 'a;b');
    const answer = await ada.ask(`/files/${file.id}/download`);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('text/csv');
    expect(await answer.text()).toBe('a;b');
  });

  it.each([randomUUID(), 'nothing', '1', '%00', '..%2f..%2fgatehouse.db'])(
    'finds nothing at /files/%s/download',
    async (id) => {
      const { status, html } = await ada.visit(`/files/${id}/download`);
      expect(status).toBe(404);
      expect(html).toContain('There is no such file here for you.');
    },
  );

  it('pages through a long shelf, each file once', async () => {
    for (let count = 1; count <= 60; count++) await add(`part ${count}.bin`, `${count}`);
    const seen: string[] = [];
    let pages = 0;
    for (let path: string | undefined = '/secrets'; path !== undefined; pages++) {
      const { html }: { html: string } = await ada.visit(path);
      const shelf = html.slice(html.indexOf('id="shelf"'));
      seen.push(...linksOf(shelf).filter((link) => link.startsWith('/files/')));
      path = /<a [^>]*href="([^"]*)"[^>]*rel="next"/.exec(html)?.[1]?.replaceAll('&#x3D;', '=');
    }
    expect(pages).toBe(2);
    expect(seen).toHaveLength(64);
    expect(new Set(seen).size).toBe(64);
  });
});
