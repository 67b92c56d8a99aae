import { transformSync } from '@babel/core';
import { transform } from '@swc/core';
import istanbul from 'babel-plugin-istanbul';
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { swcOptions } from '../jest.config.js';

/**
 * Builds the product with counters, for `--coverage`: `node test/support/count.js` writes `dist-counted/`. Istanbul's
 * counters stand in the source as it was written, so that no branch is counted which only decorators become.
 */
const project = resolve(import.meta.dirname, '../..');
const [source, target] = [join(project, 'src'), join(project, 'dist-counted')];

await rm(target, { recursive: true, force: true });
for (const file of await readdir(source, { recursive: true })) {
  const [from, to] = [join(source, file), join(target, file)];
  await mkdir(dirname(to), { recursive: true });
  if (file.endsWith('.ts')) await writeFile(to.replace(/\.ts$/, '.js'), await build(from));
  else if (file.endsWith('.txt')) await cp(from, to);
}

async function build(file) {
  const { code } = transformSync(await readFile(file, 'utf8'), {
    filename: file,
    babelrc: false,
    configFile: false,
    retainLines: true,
    parserOpts: { plugins: ['typescript', 'decorators-legacy'] },
    plugins: [[istanbul, { cwd: project, excludeNodeModules: false }]],
  });
  return (await transform(code, { ...swcOptions, filename: file, sourceMaps: 'inline', swcrc: false })).code;
}
