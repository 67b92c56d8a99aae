import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { withoutFormula } from '../../src/http/csv.js';

/** What begins a formula in some spreadsheet. */
const signs = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];
const separators = [';', ',', '|', ':', '\t', '\r', '\n'];

describe('a cell of a table', () => {
  it.each([
    ['=1+1', "'=1+1"],
    ['＝1+1', "'＝1+1"],
    ['x;=1+1', 'x;=1+1'],
    ['x; "=1+1', 'x; "\'=1+1'],
    ['\tplain', "'\tplain"],
    ['\nplain', "'\nplain"],
    ['2026-11-28T10:00:00.000Z', '2026-11-28T10:00:00.000Z'],
    ['ada+files@example.com', 'ada+files@example.com'],
    ['King-Noel; Ada', 'King-Noel; Ada'],
  ])('that is %j stands there as %j', (text, shown) => {
    expect(withoutFormula(text)).toBe(shown);
  });

  it('begins no formula, in quotes or where its own quotes are not read as such, and can be read as it was', () => {
    const text = fc.array(fc.oneof(fc.constantFrom(...signs, ...separators, '"', ' ', 'a'), fc.string()), {
      maxLength: 30,
    });
    fc.assert(
      fc.property(text, (parts) => {
        const given = parts.join('');
        const shown = withoutFormula(given);
        const begins = (cell: string) => signs.includes(cell.replace(/^[\s"]+/, '').charAt(0));
        expect(begins(shown)).toBe(false);
        if (given.includes('"'))
          for (const separator of separators) expect(shown.split(separator).filter(begins)).toEqual([]);
        expect(shown.replaceAll("'", '')).toBe(given.replaceAll("'", ''));
      }),
    );
  });
});
