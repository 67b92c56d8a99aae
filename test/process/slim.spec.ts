import { beforeAll, describe, expect, it } from '@jest/globals';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { examine } from '../../src/commands/examination.js';
import { keeper } from '../support/admins.js';
import { gatehouse } from '../support/command.js';
import { eventually } from '../support/database.js';
import { need } from '../support/programs.js';
import { begin, freePort, newFolder, startInVain, startServer } from '../support/server.js';
import { sized } from '../support/suite.js';

const projectFolder = resolve(import.meta.dirname, '../..');

interface Lock {
  readonly packages: Readonly<Record<string, { readonly dev?: true; readonly devOptional?: true }>>;
}

/** Lays out the product as `npm ci --omit=dev` does beside a build: what the lock file keeps for development is not there. */
function slimInstall(): string {
  const folder = newFolder();
  chmodSync(folder, 0o755);
  for (const part of ['dist', 'views', 'scripts', 'storage/welcome.pdf', 'package.json', 'package-lock.json'])
    cpSync(join(projectFolder, part), join(folder, part), { recursive: true });
  const { packages } = JSON.parse(readFileSync(join(projectFolder, 'package-lock.json'), 'utf8')) as Lock;
  for (const [path, { dev, devOptional }] of Object.entries(packages)) {
    const from = join(projectFolder, path);
    if (path === '' || dev === true || devOptional === true || !existsSync(from)) continue;
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    // without what lies in it for others: packages of its own stand in the lock file by themselves
    cpSync(from, join(folder, path), {
      recursive: true,
      filter: (entry) => !entry.slice(from.length).includes('/node_modules') && !entry.endsWith('.o'),
    });
  }
  writeFileSync(join(folder, 'node_modules/.package-lock.json'), '{}');
  return folder;
}

const asRoot = process.platform === 'linux' && process.getuid?.() === 0 ? describe : describe.skip;

// only root may run something as another user, who must not be able to write to the code
asRoot('an install without what is for development, of which the site owns nothing', () => {
  const nobody = 65_534;
  let project: string;
  beforeAll(() => void (project = slimInstall()));

  it('serves its pages from a data folder as the unit in the README makes it, and warns of nothing', async () => {
    const [made, inDocs] = ['README.md', 'docs/deploy.md'].map((text) => unitIn(text));
    expect(inDocs).toMatchObject({
      StateDirectory: made?.StateDirectory,
      StateDirectoryMode: made?.StateDirectoryMode,
    });
    const lib = newFolder();
    chmodSync(lib, 0o755);
    const DATA_DIR = join(lib, made?.StateDirectory ?? '');
    mkdirSync(DATA_DIR);
    chmodSync(DATA_DIR, parseInt(made?.StateDirectoryMode ?? '', 8));
    chownSync(DATA_DIR, nobody, nobody);
    const before = listed(project);
    const port = await freePort();
    const environment: Record<string, string> = {
      ...Object.fromEntries((made?.Environment ?? '').split(' ').map((one) => one.split('=') as [string, string])),
      ...{ DATA_DIR, PORT: port, PUBLIC_URL: `http://127.0.0.1:${port}`, RATE_LIMITS: 'on' },
      ...{ ADMIN_EMAIL: keeper.email, ADMIN_PASSWORD: keeper.password },
    };
    // the mode of files that systemd gives if the unit names none
    const through: [string, ...string[]] = ['/bin/sh', '-c', `umask ${made?.UMask ?? '0022'}; exec "$@"`, 'sh'];
    for (const start of ['the first', 'the next']) {
      const site = await startServer(environment, project, { uid: nobody, gid: nobody, through });
      const page = await (await fetch(`${site.url}/login`)).text();
      const assets = [...page.matchAll(/\/assets\/[\w.-]+/g)].map(([address]) => address);
      expect(assets.length).toBeGreaterThan(1);
      for (const address of assets) expect((await begin(site.url + address)).statusCode).toBe(200);
      const [program, ...words] = [...through, process.execPath, 'dist/gatehouse.js', 'doctor', '--json'];
      const doctor = spawnSync(program, words, {
        ...{ uid: nobody, gid: nobody, cwd: project, env: environment, encoding: 'utf8' },
      });
      const found = JSON.parse(doctor.stdout) as { check: string; state: string }[];
      // nobody has told it of a mail server
      const wrong = found.filter(({ check, state }) => state !== 'ok' && check !== 'mail');
      expect([start, doctor.status, wrong]).toEqual([start, 0, []]);
      expect(found.length).toBeGreaterThan(10);
      expect(await site.stop()).toBe(0);
      expect(site.log().match(/^.*"level":"(?:warn|error|fatal)".*$/gm)).toBeNull();
      expect(site.log()).toContain('"level":"info"');
    }
    expect(listed(project)).toEqual(before);
  });

  it('names what is not its user’s, and lets nobody else write there', async () => {
    const data = newFolder();
    const environment = { DATA_DIR: join(data, 'data'), PUBLIC_URL: 'http://127.0.0.1' };
    const asNobody = { uid: nobody, gid: nobody };
    chownSync(data, nobody, nobody);
    const command = (...given: string[]) =>
      spawnSync(process.execPath, ['dist/gatehouse.js', ...given], {
        ...asNobody,
        cwd: project,
        env: environment,
        encoding: 'utf8',
      });
    expect(command('files', 'add', 'package.json').status).toBe(0);

    // root's commands
    const before = listed(environment.DATA_DIR);
    const target = join(newFolder(), 'backup');
    for (const given of ['members list', `backup ${target}`, 'key accept', `restore ${target}`]) {
      const { code, output, remarks } = await gatehouse(environment, given);
      expect([given, code, output, remarks]).toEqual([
        given,
        1,
        '',
        expect.stringMatching(/is user 65534's, and this is user 0.*sudo -u '#65534'.*\n$/),
      ]);
    }
    expect(listed(environment.DATA_DIR)).toEqual(before);

    // what root has left behind
    const owners = async () =>
      (await examine(environment)).filter(({ check }) => check === 'owner').map(({ words }) => words);
    const names = sized(
      'four things that are another user’s, two of them',
      ['gatehouse.db', 'files'],
      ['gatehouse.db', 'app-secret', 'site.lock', 'files'],
    );
    const closed = names.map((name) => join(environment.DATA_DIR, name));
    for (const path of closed) {
      const { mode } = statSync(path);
      chownSync(path, 0, 0);
      chmodSync(path, mode & 0o750);
      const { code, errors } = await startInVain(environment, project, asNobody);
      expect([code, errors]).toEqual([
        1,
        expect.stringMatching(new RegExp(`${path} .mode 0\\d+. is user 0's.*this is user 65534.*chown -R 65534`)),
      ]);
      expect(errors).not.toMatch(/^\s+at /m);
      expect(command('members', 'list')).toMatchObject({ status: 1, stdout: '' });
      expect(await owners()).toContainEqual(expect.stringMatching(`^${path} .* is user 0's, and the data folder`));
      chownSync(path, nobody, nobody);
      chmodSync(path, mode);
    }
    const [bytes = '', ...others] = readdirSync(join(environment.DATA_DIR, 'files'), {
      recursive: true,
      encoding: 'utf8',
    })
      .filter((path) => /^[0-9a-f]{2}.[0-9a-f]{30}$/.test(path))
      .map((path) => join(environment.DATA_DIR, 'files', path));
    chownSync(dirname(bytes), 0, 0);
    const half = await startServer({ ...environment, PORT: await freePort() }, project, asNobody);
    await eventually(() => half.log().includes('The bytes of 1 of 2 versions of files cannot be read by this user'));
    expect(half.log()).toContain(`The site runs as user 65534, and ${dirname(bytes)} (user 0's) is not`);
    expect(await half.stop()).toBe(0);
    expect(command('doctor').stdout).toMatch(/^problem {2}bytes {2,}This user may not read those of 1 of 2/m);
    for (const path of others) chownSync(path, 0, 0);
    expect((await startInVain(environment, project, asNobody)).errors).toMatch(/^None of the files .* can be read in/);
    expect(await owners()).toContainEqual(expect.stringMatching(/^The bytes of 1 of 2 .* are not user 65534's/));

    // the site itself as root, who may read all
    const site = await startServer(environment);
    expect(site.log()).toMatch(/The site runs as user 0, and .* .user 65534's. and \d+ more .*chown -R 0/);
    expect(await site.stop()).toBe(0);
  });

  it('is found ready by what npm start does first, which writes nothing', () => {
    const before = listed(project);
    const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/setup.js', '--build'], {
      cwd: project,
      uid: nobody,
      gid: nobody,
      encoding: 'utf8',
    });
    expect([status, stdout, stderr]).toEqual([0, '', '']);
    expect(listed(project)).toEqual(before);
  });

  it('says in a sentence what is missing, where something is', () => {
    rmSync(join(project, 'node_modules/tus-js-client'), { recursive: true });
    const { status, stderr } = spawnSync(process.execPath, ['dist/main.js'], {
      cwd: project,
      env: { DATA_DIR: join(newFolder(), 'data'), PORT: '0' },
      encoding: 'utf8',
    });
    expect([status, stderr.trim().split('\n')]).toEqual([
      1,
      [expect.stringMatching(/is not installed.*tus-js-client.*npm ci\.$/)],
    ]);
  });
});

describe('what npm start does first', () => {
  const npm = need('npm');

  /** A project with one package, which is compiled when it is installed: that is, a script of its own writes a file. */
  function project(script = `require('fs').writeFileSync('built.js', '')`): string {
    const folder = newFolder();
    mkdirSync(join(folder, 'compiled'));
    mkdirSync(join(folder, 'scripts'));
    mkdirSync(join(folder, 'dist'));
    cpSync(join(projectFolder, 'scripts/setup.js'), join(folder, 'scripts/setup.js'));
    writeFileSync(join(folder, 'dist/main.js'), '');
    writeFileSync(join(folder, 'compiled/index.js'), `require('./built.js')`);
    const made = { name: 'compiled', version: '1.0.0', main: 'index.js', scripts: { install: 'node make.cjs' } };
    writeFileSync(join(folder, 'compiled/make.cjs'), script);
    writeFileSync(join(folder, 'compiled/package.json'), JSON.stringify(made));
    execFileSync(npm, ['pack', '--silent'], { cwd: join(folder, 'compiled') });
    const whole = {
      name: 'whole',
      type: 'module',
      engines: { node: '>=20.19' },
      dependencies: { compiled: 'file:compiled/compiled-1.0.0.tgz' },
      allowScripts: { compiled: true },
    };
    writeFileSync(join(folder, 'package.json'), JSON.stringify(whole));
    execFileSync(npm, ['install', '--package-lock-only', '--offline', '--silent'], { cwd: folder });
    return folder;
  }

  const setUp = (folder: string) =>
    spawnSync(process.execPath, ['scripts/setup.js', '--build'], {
      cwd: folder,
      encoding: 'utf8',
      env: { ...process.env, npm_config_offline: 'true' },
    });

  it('installs, says so, and mends an install that was cut off', () => {
    const folder = project();
    const built = join(folder, 'node_modules/compiled/built.js');
    const first = setUp(folder);
    expect([first.status, first.stderr]).toEqual([0, '']);
    expect(first.stdout).toMatch(/^Installing what Gatehouse needs\. .*takes minutes\.\n$/);
    expect(existsSync(built)).toBe(true);
    expect(setUp(folder).stdout).toBe('');

    // killed while it compiled: no list of what is installed, and npm says "up to date" of what is there
    rmSync(built);
    rmSync(join(folder, 'node_modules/.package-lock.json'));
    expect(setUp(folder).status).toBe(0);
    expect(existsSync(built)).toBe(true);

    // cut off, and taken for whole by an `npm install` since
    rmSync(built);
    expect(setUp(folder).status).toBe(0);
    expect(existsSync(built)).toBe(true);

    rmSync(join(folder, 'node_modules/compiled'), { recursive: true });
    expect(setUp(folder).status).toBe(0);
    expect(existsSync(built)).toBe(true);
  });

  it.each([
    [
      'there is no compiler',
      `console.error('gyp ERR! stack Error: not found: make'); process.exit(1)`,
      /needs Python, make and a C\+\+ compiler/,
    ],
    [
      'there is no Python',
      `console.error('gyp ERR! find Python'); process.exit(1)`,
      /needs Python, make and a C\+\+ compiler/,
    ],
    ['the disk is full', `console.error('npm error code ENOSPC'); process.exit(1)`, /^The disk is full/],
  ])('says in a sentence that %s', (_what, script, words) => {
    const { status, stderr } = setUp(project(script));
    expect(status).toBe(1);
    expect(stderr).toMatch(words);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});

/** What a systemd unit in a text of the project says, by its names. */
function unitIn(text: string): Record<string, string> {
  const [, unit = ''] =
    /```ini\n([^`]*StateDirectory[^`]*)```/.exec(readFileSync(join(projectFolder, text), 'utf8')) ?? [];
  const said: Record<string, string> = {};
  for (const [, name = '', value = ''] of unit.matchAll(/^(\w+)=(.*)$/gm))
    said[name] = name in said ? `${said[name]} ${value}` : value;
  return said;
}

/** Every file with its time and mode: what was written shows. */
const listed = (folder: string) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((entry) => `${entry} ${lstatSync(join(folder, entry)).mtimeMs}`)
    .toSorted();
