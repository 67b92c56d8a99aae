import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { projectFolder } from '../../src/config/settings.js';
import { newDatabase } from '../support/app.js';
import { run } from '../support/command.js';
import { linksOf } from '../support/html.js';
import { Script, Visitor } from '../support/people.js';
import { sized } from '../support/suite.js';
import { newFolder, startInVain, startServer, type Server } from '../support/server.js';

const admin = { name: 'chief', email: 'chief@example.org', password: 'a password of an admin' };

/** A copy of this project, as a newcomer has it before their eyes. */
const copy = newFolder();
/** What was written, and the lines that came to what was there. */
let created: string[] = [];
let touched: string[] = [];
let server: Server;
/** The controller of the new room before something in it was forgotten. */
let whole: string;

beforeAll(async () => {
  layOut();
  const list = join(copy, 'src/app.module.ts');
  const known = new Set(readFileSync(list, 'utf8').split('\n'));
  const { code, output, remarks } = await npm('generate', '--', 'module', 'announcements');
  expect([code, remarks]).toEqual([0, '']);
  created = output.match(/^\S+\/\S+$/gm) ?? [];
  touched = readFileSync(list, 'utf8')
    .split('\n')
    .filter((line) => !known.has(line));
  // a newcomer forgets to say who may see the page
  forget('src/announcements/announcements.controller.ts', /@MembersOnly\(\)\n|, MembersOnly/g);
  await promisify(execFile)('npm', ['run', '--silent', 'build'], { cwd: copy });
  server = await startServer({ ADMIN_EMAIL: admin.email, ADMIN_PASSWORD: admin.password }, copy);
});

afterAll(() => server.stop());

function layOut(): void {
  for (const name of [
    'src',
    'views',
    'scripts',
    'test',
    'package.json',
    'tsconfig.json',
    'tsconfig.build.json',
    'nest-cli.json',
    'eslint.config.js',
    '.dependency-cruiser.cjs',
    '.prettierignore',
  ])
    cpSync(join(projectFolder, name), join(copy, name), { recursive: true });
  mkdirSync(join(copy, 'storage'));
  cpSync(join(projectFolder, 'storage/welcome.pdf'), join(copy, 'storage/welcome.pdf'));
  symlinkSync(join(projectFolder, 'node_modules'), join(copy, 'node_modules'));
}

function forget(file: string, what: RegExp): void {
  whole = readFileSync(join(copy, file), 'utf8');
  expect(whole.match(what)).toHaveLength(2);
  writeFileSync(join(copy, file), whole.replace(what, ''));
}

const npm = (...given: string[]) =>
  run('npm', ['run', '--silent', ...given], {
    folder: copy,
    environment: { PATH: process.env.PATH ?? '', HOME: copy },
  });

describe('a newcomer who adds a room', () => {
  it('gets all that it takes, and two lines of what was there', () => {
    expect(touched).toHaveLength(2);
    expect(created).toEqual(
      expect.arrayContaining([
        'src/announcements/announcement.entity.ts',
        expect.stringMatching(/^src\/announcements\/\d{13}-announcements\.migration\.ts$/),
        'views/announcements/new.hbs',
        'test/http/announcements.spec.ts',
      ]),
    );
    expect(created.filter((path) => path !== 'src/app.module.ts' && !path.includes('announcement'))).toEqual([]);
  });

  it('is told if a name cannot be one', async () => {
    for (const given of [
      ['module', 'announcements'],
      ['module', 'Bad Name'],
      ['module', 'fish'],
      ['thing', 'things'],
      [],
    ]) {
      const { code, output, remarks } = await npm('generate', '--', ...given);
      expect([given, code, output, remarks]).toEqual([given, 2, '', expect.stringMatching(/^[A-Z].*\.\n$/)]);
    }
  });

  it('has its page closed to strangers, though nothing says so', async () => {
    const stranger = new Visitor(server.url);
    const answer = await stranger.ask('/announcements');
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/login?next=%2Fannouncements']);
    expect(linksOf((await stranger.visit('/')).html)).not.toContain('/announcements');
  });

  it('shows its page to a member, in the layout, with its link in the menu', async () => {
    const ada = new Visitor(server.url);
    const who = await ada.register();
    expect(linksOf((await ada.visit('/secrets')).html)).toContain('/announcements');
    const { status, html } = await ada.visit('/announcements');
    expect(status).toBe(200);
    expect(html).toContain('<title>Announcements &middot; Gatehouse</title>');
    expect(html).toMatch(/<header[^]*<a href="\/announcements" aria-current="page">[^]*<\/header>/);
    expect(html).toContain(who.name);
    expect(html).toContain('There is nothing here yet.');
    expect(html).toContain('<footer');
  });

  it('answers scripts with a token, and no others', async () => {
    const script = new Script(server.url);
    const turnedAway = await script.ask('/api/v1/announcements');
    expect([turnedAway.status, turnedAway.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
    await script.register();
    const answer = await script.ask('/api/v1/announcements');
    expect([answer.status, await answer.json()]).toEqual([200, { items: [] }]);
  });

  it('lets only an admin announce, and says what is wrong', async () => {
    const [member, chief] = [new Script(server.url), new Script(server.url)];
    await member.register();
    await chief.logIn(admin);
    const json = { title: 'Markup <b>stays</b> text', text: 'The autumn issue is here.' };
    expect((await new Script(server.url).ask('/api/v1/announcements', { json })).status).toBe(401);
    expect((await member.ask('/api/v1/announcements', { json })).status).toBe(403);
    const wrong = await chief.ask('/api/v1/announcements', { json: { title: '' } });
    expect([wrong.status, await wrong.json()]).toEqual([
      422,
      expect.objectContaining({
        errors: [
          { field: 'title', message: 'Please give a title.' },
          { field: 'text', message: 'Please give a text.' },
        ],
      }),
    ]);

    const made = await chief.ask('/api/v1/announcements', { json });
    const announcement: unknown = await made.json();
    expect([made.status, announcement]).toEqual([201, expect.objectContaining(json)]);
    expect(await (await member.ask('/api/v1/announcements')).json()).toEqual({ items: [announcement] });
    const ada = new Visitor(server.url);
    await ada.register();
    expect((await ada.visit('/announcements')).html).toContain(
      '<h2 dir="auto">Markup &lt;b&gt;stays&lt;/b&gt; text</h2>',
    );
  });

  it('finds it described with the rest of the API', async () => {
    const description = (await (await new Script(server.url).ask('/api/v1/openapi.json')).json()) as {
      paths: Record<string, object>;
    };
    expect(Object.keys(description.paths['/api/v1/announcements'] ?? {})).toEqual(['get', 'post']);
    const { html } = await new Visitor(server.url).visit('/api/docs');
    expect(linksOf(html)).toEqual(expect.arrayContaining(['#listAnnouncements', '#addAnnouncement']));
  });

  it('has it on PostgreSQL as well', async () => {
    if (!sized('an added room on PostgreSQL, not', false, true)) return;
    const database = await newDatabase('postgres');
    const other = await startServer({ DATABASE_URL: database?.url ?? '' }, copy);
    const script = new Script(other.url);
    await script.register();
    expect(await (await script.ask('/api/v1/announcements')).json()).toEqual({ items: [] });
    expect(await other.stop()).toBe(0);
    await database?.drop();
  });
});

describe('the suite, in the project with the new room', () => {
  it('is green about it: its spec, who may do what, and what the API promises', async () => {
    const controller = join(copy, 'src/announcements/announcements.controller.ts');
    writeFileSync(controller, whole);
    const specs = ['announcements', 'matrix', 'openapi-answers'].map((name) => `test/http/${name}.spec.ts`);
    const only = sized(
      'the whole matrix of a project with a room more, its own part',
      ['-t', 'nnounce|declared|exactly'],
      [],
    );
    const { code, output, remarks } = await npm('spec', '--', ...specs, ...only);
    expect([code, code === 0 ? '' : output + remarks]).toEqual([0, '']);
    expect(Number(/^Tests:.* (\d+) passed/m.exec(remarks)?.[1])).toBeGreaterThan(8);
  });

  it('passes the check', async () => {
    if (!sized('the check of a project with a room more, not', false, true)) return;
    const { output, remarks } = await npm('check');
    expect((output + remarks).replace(/✔ no dependency violations.*/, '').trim()).toBe('');
  });
});

describe('a newcomer’s mistake in a view', () => {
  const view = join(copy, 'views/announcements/index.hbs');

  it.each([
    ['a tag that is not closed', '{{#each announcements}}', /Parse error/],
    ['a partial that is not there', '{{> nowhere}}', /it uses a partial that is not there: nowhere/],
    ['a helper that is not there', '{{shout title}}', /shout/],
  ])('ends the build with a sentence that names it: %s', async (_what, source, words) => {
    const before = readFileSync(view, 'utf8');
    writeFileSync(view, source);
    const { code, output, remarks } = await run('npm', ['run', '--silent', 'postbuild'], {
      folder: copy,
      environment: { PATH: process.env.PATH ?? '', HOME: copy },
    });
    writeFileSync(view, before);
    expect([code, output]).toEqual([1, '']);
    expect(remarks).toMatch(/^views\/announcements\/index\.hbs: /);
    expect(remarks).toMatch(words);
  });

  it('stops the start if the view is not there', async () => {
    rmSync(view);
    const { code, errors } = await startInVain({}, copy);
    expect(code).toBe(1);
    expect(errors).toContain('GET /announcements renders views/announcements/index.hbs, which is not there.');
  });
});
