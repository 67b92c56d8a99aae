import { transformSync } from '@babel/core';
import { transform } from '@swc/core';
import istanbul from 'babel-plugin-istanbul';
import { cp, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { swcOptions } from '../jest.config.js';

/**
 * Builds the product for the specs, only what has changed, without looking at types: `node test/support/build.js` writes
 * `dist-tested/`. With `--counters` it writes `dist-counted/`, for `--coverage`: Istanbul's counters stand in the source as
 * it was written, so that no branch is counted which only decorators become.
 */
const hasCounters = process.argv.includes('--counters');
const project = resolve(import.meta.dirname, '../..');
const [source, target] = [join(project, 'src'), join(project, hasCounters ? 'dist-counted' : 'dist-tested')];

const files = (await readdir(source, { recursive: true })).filter((file) => /\.[a-z]+$/.test(file));
const built = new Set(files.map(builtName));
for (const file of await readdir(target, { recursive: true }).catch(() => []))
  if (/\.[a-z]+$/.test(file) && !built.has(file)) await rm(join(target, file));
for (const file of files) await build(join(source, file), join(target, builtName(file)));

function builtName(file) {
  return file.replace(/\.ts$/, '.js');
}

async function build(from, to) {
  if ((await timeOf(from)) < (await timeOf(to))) return;
  await mkdir(dirname(to), { recursive: true });
  if (!from.endsWith('.ts')) return cp(from, to);
  const text = await readFile(from, 'utf8');
  const counted = hasCounters ? withCounters(text, from) : text;
  const { code } = await transform(counted, { ...swcOptions, filename: from, sourceMaps: 'inline', swcrc: false });
  await writeFile(to, code);
}

function withCounters(text, filename) {
  const { code } = transformSync(text, {
    filename,
    babelrc: false,
    configFile: false,
    retainLines: true,
    parserOpts: { plugins: ['typescript', 'decorators-legacy'] },
    plugins: [[istanbul, { cwd: project, excludeNodeModules: false }]],
  });
  return code;
}

async function timeOf(file) {
  return stat(file).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  );
}
