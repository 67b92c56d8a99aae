import { describe, expect, it } from '@jest/globals';
import type { Command } from 'commander';
import { cpSync, existsSync, mkdirSync, readFileSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { commandLine } from '../../src/commands/command-line.js';
import type { Tools } from '../../src/commands/site.js';
import { projectFolder } from '../../src/config/settings.js';
import { gatehouse, run, type Environment } from '../support/command.js';
import { newFolder } from '../support/server.js';
import { sized } from '../support/suite.js';

describe('settings', () => {
  const secrets = {
    APP_SECRET: 'canary-of-the-app-secret-with-32-characters',
    ADMIN_PASSWORD: 'canary-of-the-admin',
    DATABASE_URL: 'postgres://gate:canary-of-the-database@127.0.0.1:1/gate?sslmode=disable',
    SMTP_URL: 'smtps://gate:canary-of-the-mail@mail.example.org',
    BREACH_LIST: 'https://canary-of-the-list@ranges.example.org/range',
  };
  const whole = { ...secrets, ADMIN_EMAIL: 'ada@example.com', TRUST_PROXY: '10.0.0.1, ::1', PORT: '' };

  it('are shown as they are in effect, with where they come from, though no database can be opened', async () => {
    const { code, output, remarks } = await gatehouse(whole, 'settings');
    expect([code, remarks]).toEqual([0, '']);
    const rows = output
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/ {2,}/));
    expect(rows).toEqual(
      expect.arrayContaining([
        ['PORT', '3000', 'default'],
        ['TRUST_PROXY', '10.0.0.1,::1', 'the environment'],
        ['APP_SECRET', '********', 'the environment'],
        ['REQUIRE_MFA', 'off', 'default'],
      ]),
    );
    expect(output).not.toContain('canary');
  });

  it('are shown to a script as JSON, secrets masked, null where they are not set', async () => {
    const { output } = await gatehouse(whole, 'settings --json');
    expect(JSON.parse(output)).toMatchObject({
      PORT: 3000,
      TRUST_PROXY: ['10.0.0.1', '::1'],
      APP_SECRET: '********',
      ADMIN_PASSWORD: '********',
      DATABASE_URL: 'postgres://gate:********@127.0.0.1:1/gate?sslmode=disable',
      SMTP_URL: 'smtps://gate:********@mail.example.org',
      BREACH_LIST: 'https://********@ranges.example.org/range',
    });
    const bare = JSON.parse((await gatehouse({}, 'settings --json')).output) as unknown;
    expect(bare).toMatchObject({ APP_SECRET: null, SMTP_URL: null });
  });

  it('that are wrong are told, every one, and no secret with them', async () => {
    const wrong = { ...secrets, PORT: 'eighty', LOG_LEVEL: 'loud', APP_SECRET: 'canary-too-short' };
    const { code, output, remarks } = await gatehouse(wrong, 'settings');
    expect([code, output]).toEqual([1, '']);
    const faults = ['ADMIN_EMAIL', 'APP_SECRET', 'LOG_LEVEL', 'PORT'];
    expect(remarks.match(/(?<=^ {2}- )[A-Z_]+/gm)?.toSorted()).toEqual(faults);
    expect(remarks).not.toContain('canary');
  });
});

describe('a command line that is none', () => {
  it.each([
    '',
    'members rename',
    'members add ada@example.com',
    'members add ada@example.com --name Ada --password secret',
    'members role ada@example.com chief',
    'registration set everybody now',
  ])('ends with 2, and says how it is written: %s', async (command) => {
    const DATA_DIR = join(newFolder(), 'data');
    const { code, output, remarks } = await gatehouse({ DATA_DIR }, command);
    expect([code, output]).toEqual([2, '']);
    expect(remarks).toContain('Usage: gatehouse');
    expect(existsSync(DATA_DIR)).toBe(false);
  });
});

describe('a command on a site that cannot be opened', () => {
  const notes = 'These are notes, and no database at all.\n'.repeat(100);
  const file = join(newFolder(), 'notes.txt');
  writeFileSync(file, notes);

  it.each<[RegExp, Environment]>([
    [/PORT must be a whole number/, { PORT: 'eighty' }],
    [/DATA_DIR cannot be used/, { DATA_DIR: file }],
    [/cannot be opened: SQLITE_NOTADB/, { DATA_DIR: newFolder(), DATABASE_URL: `sqlite:${file}` }],
    [/cannot be opened: connect ECONN/, { DATA_DIR: newFolder(), DATABASE_URL: 'postgres://a:sesame@127.0.0.1:1/b' }],
  ])('ends with 1, and says why in words: %s', async (words, given) => {
    const { code, output, remarks } = await gatehouse(given, 'members list');
    expect([code, output]).toEqual([1, '']);
    expect(remarks).toMatch(words);
    expect(remarks).not.toMatch(/^\s+at |sesame/m);
    expect(readFileSync(file, 'utf8')).toBe(notes);
  });
});

describe('help', () => {
  const all = (command: Command): Command[] => [command, ...command.commands.flatMap(all)];

  const tools: Tools = { environment: {}, withSite: () => Promise.reject(new Error('Help opens nothing.')) };

  it('explains every command, and everything that it takes', async () => {
    const { commands: named } = await commandLine([], tools);
    const whole = await commandLine(
      named.map((command) => command.name()),
      tools,
    );
    const commands = all(whole);
    expect(commands).toHaveLength(39);
    for (const command of commands) {
      expect(command.description()).toMatch(/.{10}/);
      for (const option of command.options) expect(option.description).toMatch(/.{3}/);
    }
  });

  it('is for asking, and tells what the exit codes mean', async () => {
    const { code, output, remarks } = await gatehouse({}, '--help');
    expect([code, remarks]).toEqual([0, '']);
    expect(output).toMatch(/^Usage: gatehouse .*\n {2}members .*who there is.*\n {2}doctor .*Exit code: 0 /s);
    const asked = await Promise.all(['members --help', 'help members', 'members'].map((line) => gatehouse({}, line)));
    for (const { output, remarks } of asked)
      expect(output + remarks).toMatch(/^Usage: gatehouse members .*reset-link/s);
  });
});

it('npm run gatehouse builds what is missing or has changed, and nothing else', async () => {
  if (!sized('npm run gatehouse in a project that is not built, not', false, true)) return;
  const copy = newFolder();
  const parts = [
    'src',
    'scripts',
    'views',
    'package.json',
    'package-lock.json',
    'tsconfig.json',
    'tsconfig.build.json',
    'nest-cli.json',
  ];
  for (const part of parts)
    cpSync(join(projectFolder, part), join(copy, part), { recursive: true, preserveTimestamps: true });
  mkdirSync(join(copy, 'storage'));
  symlinkSync(join(projectFolder, 'node_modules'), join(copy, 'node_modules'));
  const inCopy = { folder: copy, environment: { PATH: process.env.PATH ?? '', HOME: copy, DATA_DIR: newFolder() } };
  const npm = (...given: string[]) => run('npm', ['run', '-s', 'gatehouse', '--', ...given], inCopy);
  const built = () => statSync(join(copy, 'dist/.built')).mtimeMs;

  const fresh = await npm('settings', '--json');
  expect(fresh.remarks + fresh.output).toMatch(/^\{/);
  expect(JSON.parse(fresh.output)).toMatchObject({ DATA_DIR: inCopy.environment.DATA_DIR });
  const first = built();
  expect((await npm('members', 'nobody')).code).toBe(2);
  expect((await npm('members', 'enable', 'ada@example.com')).code).toBe(1);
  expect(built()).toBe(first);

  const file = join(copy, 'src/commands/command-line.ts');
  writeFileSync(file, readFileSync(file, 'utf8').replace('Runs one command', 'Does one thing'));
  const later = new Date(Date.now() + 1_000);
  utimesSync(file, later, later);
  expect((await npm('--help')).output).toContain('Does one thing');
});
