import { describe, expect, it } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { projectFolder } from '../../src/config/settings.js';

/** A clause of the standard in our own words, and the tests that show it, or why none does; or both. */
interface Clause {
  readonly id: string;
  readonly level: number;
  readonly asks: string;
  /** `name` is a test's title after those of the `describe`s around it, with ` › ` between. */
  readonly tests?: readonly { readonly file: string; readonly name: string }[];
  readonly reason?: string;
}

const read = (path: string) => readFileSync(join(projectFolder, path), 'utf8');
const { clauses } = JSON.parse(read('test/asvs.json')) as { clauses: readonly Clause[] };

/** OWASP ASVS 5.0.0, V6 to V9: of each section the levels of its clauses, in order. */
const published = {
  '6.1': '122',
  '6.2': '111111112222',
  '6.3': '11223333',
  '6.4': '112233',
  '6.5': '22222333',
  '6.6': '2223',
  '6.7': '33',
  '6.8': '2222',
  '7.1': '222',
  '7.2': '1111',
  '7.3': '22',
  '7.4': '11222',
  '7.5': '223',
  '7.6': '22',
  '8.1': '1233',
  '8.2': '1123',
  '8.3': '133',
  '8.4': '23',
  '9.1': '111',
  '9.2': '1222',
};

/** Those of levels 1 and 2, such as `6.2.1 (level 1)`. */
const expected = Object.entries(published).flatMap(([section, levels]) =>
  Array.from(levels).flatMap((level, index) => (level === '3' ? [] : `${section}.${index + 1} (level ${level})`)),
);

describe('the map of ASVS 5.0.0', () => {
  it('knows how many clauses there are', () => {
    const count = (chapter: string) => expected.filter((clause) => clause.startsWith(chapter)).length;
    expect(['6.', '7.', '8.', '9.'].map(count)).toEqual([35, 18, 7, 7]);
  });

  it('has each clause of levels 1 and 2 once, in order, and no other', () => {
    expect(clauses.map(({ id, level }) => `${id} (level ${level})`)).toEqual(expected);
  });

  it('names for each clause a test that is there, or a reason', () => {
    expect(clauses.flatMap(faultsOf)).toEqual([]);
  });
});

describe('a test', () => {
  const titles = titlesIn(`
    describe.each([1])('a member', () => {
      it('logs in', () => {});
      describe('who left', () => void it.concurrent.each(['a'])(\`is out by %s\`, () => {}));
      it.skip('is skipped', () => {});
      // it('is a remark', () => {});
    });
    describe.skip('nobody', () => it('is seen', () => {}));
    it.todo('comes later');
    test('stands alone', () => {});
  `);

  it('is known by its title and those around it, and only where it runs', () => {
    expect(titles).toEqual(['a member › logs in', 'a member › who left › is out by %s', 'stands alone']);
  });
});

/** What is wrong with a clause, a line each. */
function faultsOf({ id, asks, tests = [], reason = '' }: Clause): string[] {
  const faults = tests.flatMap(({ file, name }) => {
    if (!/^test\/(unit|http|process|browser)\/[\w-]+\.spec\.ts$/.test(file)) return `${file} is no spec of the suite`;
    if (!existsSync(join(projectFolder, file))) return `${file} is not there, which should have “${name}”`;
    return titlesOf(file).includes(name) ? [] : `${file} has no test “${name}”`;
  });
  // a reason that sends its reader to the README sends them to a heading that is there
  for (const [, heading = ''] of reason.matchAll(/README, “([^”]+)”/g))
    if (!read('README.md').split('\n').includes(`## ${heading}`)) faults.push(`the README has no “${heading}”`);
  if (tests.length === 0 && reason.trim() === '') faults.push('it has neither a test nor a reason');
  if (asks.trim() === '') faults.push('it does not say what it asks');
  return faults.map((fault) => `${id}: ${fault}`);
}

const known = new Map<string, string[]>();

/** The tests of a spec file. */
function titlesOf(file: string): string[] {
  const titles = known.get(file) ?? titlesIn(read(file));
  known.set(file, titles);
  return titles;
}

/** The tests that a source runs, each as its title after those of the `describe`s around it. */
function titlesIn(text: string): string[] {
  const source = ts.createSourceFile('a.spec.ts', text, ts.ScriptTarget.Latest);
  const titles: string[] = [];
  const look = (node: ts.Node, around: readonly string[]): void => {
    if (ts.isCallExpression(node)) {
      const [title, body] = node.arguments;
      // `it.each(rows)(title, …)` is a call of what a call gave
      const callee = ts.isCallExpression(node.expression) ? node.expression.expression : node.expression;
      const called = /^(?:(describe|it|test)(?:\.concurrent|\.each|\.skip|\.todo)*)$/.exec(callee.getText(source))?.[0];
      if (called && title && body && ts.isStringLiteralLike(title)) {
        if (/\.(skip|todo)/.test(called)) return;
        const names = [...around, title.text];
        if (called.startsWith('describe')) return look(body, names);
        titles.push(names.join(' › '));
        return;
      }
    }
    ts.forEachChild(node, (child) => look(child, around));
  };
  look(source, []);
  return titles;
}
