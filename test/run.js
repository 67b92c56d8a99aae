import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { changedFiles, specsReachedBy } from './support/reached.js';

/**
 * Runs the suite, and says at the end what ran: `node test/run.js small` is `npm test`, `fast` is `npm run test:fast`, `whole`
 * is `npm run test:all`, and `one FILE [--postgres]` is `npm run spec`.
 */
const project = resolve(import.meta.dirname, '..');
const [how = 'small', ...given] = process.argv.slice(2);
const steps = [];

const suites = {
  small() {
    check();
    build();
    jest('the specs, what is heavy small', 'unit sqlite process browser postgres');
  },
  fast() {
    check();
    build();
    const reached = specsReachedBy(changedFiles(project), project);
    const name = `unit specs, and what the change most likely reaches: ${reached.join(' ') || 'nothing on its own'}`;
    jest(name, 'unit sqlite', { SUITE: 'one' }, process.execPath, ['test/unit', ...reached]);
  },
  whole() {
    check();
    build('--counters');
    const counted = { SUITE: 'whole', TESTED_CODE: 'dist-counted' };
    jest('the specs, whole, and what they cover', 'unit sqlite process --coverage', counted);
    build();
    jest('the specs on PostgreSQL and in a browser', 'postgres browser', { SUITE: 'whole' });
    jest('unit and SQLite specs on Node 24', 'unit sqlite', {}, nodeOf(24));
  },
  one() {
    build();
    const files = given.filter((word) => !word.startsWith('--'));
    const more = given.filter((word) => word.startsWith('--') && word !== '--postgres');
    const projects = given.includes('--postgres') ? ['postgres'] : ['unit', 'sqlite', 'process', 'browser'];
    jest(files.join(' '), [...projects, ...more].join(' '), { SUITE: 'one' }, process.execPath, files);
  },
};

if (!Object.hasOwn(suites, how)) throw new Error(`There is no suite ${how}: ${Object.keys(suites).join(', ')}.`);
suites[how]();
finish(0);

function check() {
  step('formatting, lint, types, directions of imports, unused code', 'npm', ['run', '--silent', 'check']);
}

function build(...options) {
  step('', process.execPath, [join(project, 'test/support/build.js'), ...options]);
}

function jest(name, options, environment = {}, node = process.execPath, files = []) {
  const program = ['--experimental-vm-modules', '--no-warnings', 'node_modules/jest/bin/jest.js'];
  const config = ['--config', 'test/jest.config.js', ...files, '--selectProjects', ...options.split(' ')];
  step(name, node, [...program, ...config], environment);
}

/** Another Node, from npm's package of that name, kept in `.cache`. */
function nodeOf(version) {
  const folder = join(project, `.cache/node-${version}`);
  const program = join(folder, 'node_modules/node/bin/node');
  if (!existsSync(program)) {
    const install = ['install', '--prefix', folder, '--no-save', '--no-audit', '--no-fund', `node@${version}`];
    step('', 'npm', install);
  }
  return program;
}

function step(name, program, options, environment = {}) {
  const begun = Date.now();
  const { status } = spawnSync(program, options, {
    cwd: project,
    stdio: 'inherit',
    env: { ...process.env, ...environment },
  });
  if (name)
    steps.push(`${status === 0 ? 'passed' : 'FAILED'} in ${Math.round((Date.now() - begun) / 1_000)} s: ${name}`);
  if (status !== 0) finish(status ?? 1);
}

function finish(status) {
  process.stderr.write(`\n${steps.join('\n')}\n`);
  process.exit(status);
}
