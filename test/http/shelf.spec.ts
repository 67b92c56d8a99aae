import { beforeAll, describe, expect, it } from '@jest/globals';
import { createHash, randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { DataSource } from 'typeorm';
import { FilesService } from '../../src/files/files.service.js';
import { StoredFile } from '../../src/files/stored-file.entity.js';
import { User } from '../../src/users/user.entity.js';
import { aSite, welcomeBytes } from '../support/app.js';
import { linksOf } from '../support/html.js';
import { person, Visitor } from '../support/people.js';

const site = aSite();
let ada: Visitor;
beforeAll(async () => {
  ada = new Visitor(site.url);
  await ada.register(person({ name: 'Ada <b>Lovelace</b>' }));
});

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
    const path = `/files/${file?.id}`;
    expect(linksOf(html)).toEqual(expect.arrayContaining(['/download', path, `${path}/download`]));
    expect(html).toContain('welcome.txt');
    expect((await ada.visit(path)).html).toContain(createHash('sha256').update(welcomeBytes).digest('hex'));
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
    'finds nothing at /files/%s, nor a download there',
    async (id) => {
      for (const path of [`/files/${id}`, `/files/${id}/download`]) {
        const { status, html } = await ada.visit(path);
        expect(status).toBe(404);
        expect(html).toContain('There is no such file here for you.');
      }
    },
  );

  it('pages through a long shelf, each file once', async () => {
    for (let count = 1; count <= 60; count++) await add(`part ${count}.bin`, `${count}`);
    const seen: string[] = [];
    let pages = 0;
    for (let path: string | undefined = '/secrets'; path !== undefined; pages++) {
      const { html }: { html: string } = await ada.visit(path);
      const shelf = html.slice(html.indexOf('id="shelf"'));
      seen.push(...linksOf(shelf).filter((link) => /^\/files\/.*\/download$/.test(link)));
      path = nextOf(html);
    }
    expect(pages).toBe(2);
    expect(seen).toHaveLength(64);
    expect(new Set(seen).size).toBe(64);
  });

  it('searches it, and sorts it by name, size and age, page after page', async () => {
    const listed = async (query: string) => {
      const names: string[] = [];
      for (let path: string | undefined = `/secrets?${query}`; path !== undefined;) {
        const { html }: { html: string } = await ada.visit(path);
        expect(html).not.toContain('id="featured"');
        names.push(
          ...[...html.matchAll(/<a class="file-name"[^]*?<bdi>([^<]*)<\/bdi>/g)].map(([, name]) => name ?? ''),
        );
        path = nextOf(html);
      }
      return names;
    };
    const numbers = Array.from({ length: 60 }, (_, index) => `part ${index + 1}.bin`);
    expect(await listed('q=PART&limit=25&sort=oldest')).toEqual(numbers);
    expect(await listed('q=part&limit=25&sort=newest')).toEqual([...numbers].reverse());
    expect(await listed('q=part&limit=7&sort=name')).toEqual([...numbers].sort());
    const largest = await listed('limit=25&sort=largest');
    expect([largest.length, largest[0], largest[1]]).toEqual([64, 'welcome.txt', 'second.txt']);
    expect((await ada.visit('/secrets?q=no+such+thing')).html).toContain('No file that you may have is called that.');
    expect((await ada.visit('/secrets?sort=age')).status).toBe(422);
    expect((await ada.visit('/secrets?sort=name&cursor=WzEsMl0')).status).toBe(422);
  });

  it.each([
    ['in their first visit, nothing', undefined, 10, false],
    ['what came after their visit before', { seen: 31, since: 500 }, 10, true],
    ['not what was there before it', { seen: 31, since: 500 }, 40, false],
    ['for as long as a visit lasts, the same', { seen: 29, since: 120 }, 40, true],
  ])('is shown as new: %s', async (_, before, added, isNew) => {
    const ago = (minutes: number) => Date.now() - minutes * 60_000;
    const dataSource = site.app.get(DataSource);
    const grace = new Visitor(site.url);
    const { email, ...rest } = person();
    // to follow on to the shelf would be a visit
    await grace.ask('/register', { form: { email, ...rest } });
    const { id } = await dataSource.getRepository(User).findOneByOrFail({ email });
    if (before)
      await dataSource.query(`INSERT INTO "shelf_visits" VALUES ('${id}', ${ago(before.seen)}, ${ago(before.since)})`);
    const file = await add('news.txt', 'new');
    await dataSource.getRepository(StoredFile).update({ id: file.id }, { availableAt: new Date(ago(added)) });
    const { html } = await grace.visit('/secrets?q=news');
    expect(html.includes('<span class="tag news">New</span>')).toBe(isNew);
    await dataSource.getRepository(StoredFile).delete({ id: file.id });
  });

  it('has a page for each file: its note, its versions, and how to verify it', async () => {
    const files = site.app.get(FilesService);
    const file = await add('plan.txt', 'the first plan');
    await files.addVersion(file, Readable.from([Buffer.from('the second')]));
    await site.app.get(DataSource).getRepository(StoredFile).update({ id: file.id }, { note: 'Read <this>\nfirst' });
    const { html } = await ada.visit(`/files/${file.id}`);
    const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
    expect(html).toContain('Read &lt;this&gt;\nfirst');
    expect(html).toContain(`printf &#x27;%s\\n&#x27; &#x27;${sha256('the second')}  ./plan.txt&#x27; | sha256sum -c`);
    expect(html.slice(html.indexOf('Versions before'))).toContain(sha256('the first plan'));
    expect(linksOf(html)).toContain(`/files/${file.id}/download`);
  });
});

const nextOf = (html: string) =>
  /<a [^>]*href="([^"]*)"[^>]*rel="next"/.exec(html)?.[1]?.replaceAll('&#x3D;', '=').replaceAll('&amp;', '&');
