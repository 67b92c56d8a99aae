import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Writes a working module to build on: `npm run generate -- module board-minutes`. It has an entity, a migration, a
 * service, a page with a form, an API, views and specs, and is added to the list of modules. `--one
 * minute-of-the-board` gives the singular name, if the usual rule (board-minutes, board-minute) does not fit.
 */
const project = fileURLToPath(new URL('..', import.meta.url));
const templates = join(project, 'scripts/templates/module');
const [what, names = '', option, one = singular(names)] = process.argv.slice(2);

if (what !== 'module' || ![names, one].every(isName) || one === names || (option !== undefined && option !== '--one'))
  fail(
    'Use: npm run generate -- module NAMES [--one NAME]. Names are in small letters, with hyphens, such as board-minutes.',
  );
if (existsSync(join(project, 'src', names))) fail(`There is a folder src/${names} already.`);

const words = {
  __names__: names,
  __Names__: inPascalCase(names),
  __camelNames__: inPascalCase(names).replace(/^./, (letter) => letter.toLowerCase()),
  __one__: one,
  __One__: inPascalCase(one),
  __table__: names.replaceAll('-', '_'),
  __words__: names.replaceAll('-', ' '),
  __Words__: names.replaceAll('-', ' ').replace(/^./, (letter) => letter.toUpperCase()),
  __order__: String(Date.now()),
};
const written = readdirSync(templates, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name))
  .map(write);
written.push(join(project, 'src/app.module.ts'));
addToModules(written.at(-1));
const formatted = written.filter((path) => path.endsWith('.ts'));
spawnSync('npx', ['prettier', '--log-level', 'warn', '--write', ...formatted], { cwd: project, stdio: 'inherit' });
for (const path of written) console.log(path.slice(project.length));
console.log(`\nNow try it: npm run spec -- test/http/${names}.spec.ts, and npm run dev.`);

function write(template) {
  const path = join(project, inWords(template.slice(templates.length)));
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, inWords(readFileSync(template, 'utf8')));
  return path;
}

function addToModules(path) {
  const line = `import { ${words.__Names__}Module } from './${names}/${names}.module.js';\n`;
  const source = readFileSync(path, 'utf8');
  const next = source.match(/^import .* from '\.\/.*\n/gm).find((known) => addressOf(known) > addressOf(line));
  const imported = next ? source.replace(next, line + next) : line + source;
  writeFileSync(path, imported.replace(/\n\];/, `\n  ${words.__Names__}Module,\n];`));
}

function addressOf(line) {
  return line.split("'")[1];
}

function inWords(text) {
  return text.replace(/__[a-zA-Z]+?__/g, (token) => words[token] ?? token);
}

function inPascalCase(name) {
  return name.replace(/(?:^|-)(\w)/g, (_, letter) => letter.toUpperCase());
}

function singular(name) {
  return name.replace(/ies$/, 'y').replace(/(?<!s)s$/, '');
}

function isName(name) {
  return /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name) && name.length <= 40;
}

function fail(sentence) {
  console.error(sentence);
  process.exit(2);
}
