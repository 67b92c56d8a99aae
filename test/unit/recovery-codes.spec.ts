import { describe, expect, it } from '@jest/globals';
import { newRecoveryCodes, recoveryCodeForm, recoveryCodeSet } from '../../src/factors/recovery-codes.js';

describe('a set of recovery codes', () => {
  it('has ten, each of ten characters that nobody takes for another', () => {
    const codes = newRecoveryCodes();
    expect(codes).toHaveLength(10);
    for (const code of codes) expect(code).toMatch(/^[0-9a-hjkmnp-tv-z]{5}-[0-9a-hjkmnp-tv-z]{5}$/);
  });

  it('has no code twice, in a thousand sets', () => {
    const codes = Array.from({ length: 1_000 }, newRecoveryCodes).flat();
    expect(new Set(codes).size).toBe(10_000);
  });

  it('uses every character at every place about equally', () => {
    const counts = new Map<string, number>();
    for (const code of Array.from({ length: 640 }, newRecoveryCodes).flat())
      for (const character of code.replace('-', '')) counts.set(character, (counts.get(character) ?? 0) + 1);
    expect(counts.size).toBe(32);
    // 2,000 of each are expected, with a deviation of 44
    for (const count of counts.values()) expect(Math.abs(count - 2_000)).toBeLessThan(300);
  });

  it('is known again in one line, and nothing else is', () => {
    const codes = newRecoveryCodes();
    expect(recoveryCodeSet.test(codes.join(' '))).toBe(true);
    expect(recoveryCodeSet.test(codes.slice(1).join(' '))).toBe(false);
    expect(recoveryCodeSet.test([...codes, codes[0]].join(' '))).toBe(false);
    expect(recoveryCodeSet.test(codes.join('\n'))).toBe(false);
    expect(recoveryCodeSet.test(`${codes.slice(1).join(' ')} <scri-pt>aa`)).toBe(false);
  });
});

describe('a code as somebody types it', () => {
  it.each([
    '7k2hd-q0w1x',
    '7K2HD-Q0W1X',
    '7k2hdq0w1x',
    ' 7k2hd q0w1x ',
    '7k2hd – q0w1x',
    '7k2hd-qow1x',
    '7k2hd-q0wIx',
    '7k2hd-q0wlx',
    '7 k 2 h d q 0 w 1 x',
  ])('is the same: %j', (typed) => {
    expect(recoveryCodeForm(typed)).toBe('7k2hdq0w1x');
  });

  it.each(['', '-', '7k2hd-q0w1', '7k2hd-q0w1xx', '7k2hd-q0w1u', '7k2hd_q0w1x', '123456', 'ｑ0w1x7k2hd'])(
    'is none: %j',
    (typed) => {
      expect(recoveryCodeForm(typed)).toBeUndefined();
    },
  );
});
