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
  /** Where there is nothing here that the clause speaks of; `reason` says so. */
  readonly applies?: false;
  /** `name` is a test's title after those of the `describe`s around it, with ` › ` between. */
  readonly tests?: readonly { readonly file: string; readonly name: string }[];
  readonly reason?: string;
}

const read = (path: string) => readFileSync(join(projectFolder, path), 'utf8');
const { clauses, notClaimed } = JSON.parse(read('test/asvs.json')) as {
  clauses: readonly Clause[];
  /** Those of level 3 that are not met, or not known to be. */
  notClaimed: readonly string[];
};

/** OWASP ASVS 5.0.0: of each section the levels of its clauses, in order. */
const published = {
  '1.1': '22',
  '1.2': '1111122223',
  '1.3': '112222222223',
  '1.4': '222',
  '1.5': '123',
  '2.1': '122',
  '2.2': '112',
  '2.3': '12223',
  '2.4': '23',
  '3.1': '3',
  '3.2': '113',
  '3.3': '12223',
  '3.4': '11222233',
  '3.5': '11122333',
  '3.6': '3',
  '3.7': '22333',
  '4.1': '12233',
  '4.2': '23333',
  '4.3': '22',
  '4.4': '1222',
  '5.1': '2',
  '5.2': '112333',
  '5.3': '113',
  '5.4': '222',
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
  '10.1': '22',
  '10.2': '223',
  '10.3': '22223',
  '10.4': '1111122222233333',
  '10.5': '22222',
  '10.6': '22',
  '10.7': '222',
  '11.1': '2233',
  '11.2': '22233',
  '11.3': '11233',
  '11.4': '1222',
  '11.5': '23',
  '11.6': '23',
  '11.7': '33',
  '12.1': '12233',
  '12.2': '11',
  '12.3': '22223',
  '13.1': '2333',
  '13.2': '222223',
  '13.3': '2233',
  '13.4': '1222233',
  '14.1': '22',
  '14.2': '12223333',
  '14.3': '122',
  '15.1': '12233',
  '15.2': '12233',
  '15.3': '1222222',
  '15.4': '3333',
  '16.1': '2',
  '16.2': '22222',
  '16.3': '2222',
  '16.4': '222',
  '16.5': '2223',
  '17.1': '23',
  '17.2': '22223333',
  '17.3': '22',
};

const all = Object.entries(published).flatMap(([section, levels]) =>
  Array.from(levels, (level, index) => ({ id: `${section}.${index + 1}`, level: Number(level) })),
);

describe('the map of ASVS 5.0.0', () => {
  it('knows how many clauses there are', () => {
    const chapters = all.map(({ id }) => Number(id.split('.', 1)[0]));
    const count = (chapter: number) => chapters.filter((one) => one === chapter).length;
    // as the standard counts them
    expect(Array.from({ length: 17 }, (_, index) => count(index + 1))).toEqual([
      30, 13, 31, 16, 13, 47, 19, 13, 7, 36, 24, 12, 21, 13, 21, 17, 12,
    ]);
    expect([1, 2, 3].map((one) => all.filter(({ level }) => level === one).length)).toEqual([70, 183, 92]);
  });

  it('has each clause once, in order, with its level; of level 3 it may say that it is not claimed', () => {
    const left = all.filter(({ id }) => !notClaimed.includes(id));
    expect(clauses.map(({ id, level }) => ({ id, level }))).toEqual(left);
    expect(all.filter(({ id }) => notClaimed.includes(id)).map(({ id, level }) => `${id} ${level}`)).toEqual(
      notClaimed.map((id) => `${id} 3`),
    );
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
function faultsOf({ id, asks, applies, tests = [], reason = '' }: Clause): string[] {
  const faults = tests.flatMap(({ file, name }) => {
    if (!/^test\/(unit|http|process|browser)\/[\w-]+\.spec\.ts$/.test(file)) return `${file} is no spec of the suite`;
    if (!existsSync(join(projectFolder, file))) return `${file} is not there, which should have “${name}”`;
    return titlesOf(file).includes(name) ? [] : `${file} has no test “${name}”`;
  });
  // a reason that sends its reader to a document sends them to a heading that is there
  for (const [, path = '', heading = ''] of reason.matchAll(/(README|docs\/[\w-]+\.md), “([^”]+)”/g)) {
    const file = path === 'README' ? 'README.md' : path;
    if (!existsSync(join(projectFolder, file))) faults.push(`${file} is not there`);
    else if (!read(file).split('\n').includes(`## ${heading}`)) faults.push(`${file} has no “${heading}”`);
  }
  if (applies === false && tests.length > 0) faults.push('it does not apply, and yet has a test');
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
