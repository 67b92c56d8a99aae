import { describe, expect, it } from '@jest/globals';
import { fold, wordsOf } from '../../src/http/search.js';

describe('folded text', () => {
  it('is the same for a letter in either case and in every encoding, for each letter of Unicode', () => {
    const wrong: string[] = [];
    for (let code = 0; code < 0x110000; code++) {
      const letter = String.fromCodePoint(code);
      // most of what there is room for stands for nothing
      if (!/[\p{L}\p{M}\p{N}\p{P}\p{S}\p{Z}]/u.test(letter)) continue;
      const folded = fold(letter);
      const spellings = [
        folded,
        letter.toUpperCase(),
        letter.toLowerCase(),
        letter.normalize('NFD'),
        letter.normalize('NFKC'),
        letter.toUpperCase().normalize('NFD'),
      ];
      if (spellings.some((spelling) => fold(spelling) !== folded)) wrong.push(code.toString(16));
    }
    expect(wrong).toEqual([]);
  });

  it.each([
    ['ΟΔΟΣ', 'οδος'],
    ['ΟΔΟΣ', 'οδοσ'],
    ['İSTANBUL', 'istanbul'],
    ['ISPARTA', 'ısparta'],
    ['Straße', 'STRASSE'],
    ['STRAẞE', 'straße'],
    ['ﬁnal', 'FINAL'],
    ['Ａｎｎｕａｌ　１', 'annual 1'],
    ['re\u00adport\u200b', 'REPORT'],
    ['Ödipa', 'O\u0308DIPA'],
    ['Ἅιδης', 'ἍΙΔΗΣ'],
  ])('of %s is that of %s', (one, other) => {
    expect(fold(one)).toBe(fold(other));
  });

  it('still tells apart what are other letters', () => {
    expect(fold('résumé')).not.toBe(fold('resume'));
    expect(fold('ø')).not.toBe(fold('o'));
  });
});

describe('what is searched', () => {
  it('are words, without the spaces around and between them, and nothing that a pattern would read', () => {
    expect(wordsOf(' a  b%\u3000c_ ').filter((pattern) => pattern !== '%')).toEqual(['%a%', '%b!%%', '%c!_%']);
    expect(wordsOf('').every((pattern) => pattern === '%')).toBe(true);
  });

  it('are always as many patterns, however many words there are', () => {
    const lengths = ['', 'a', 'a b c d e f g h', 'a b c d e f g h i j'].map((q) => wordsOf(q).length);
    expect(new Set(lengths).size).toBe(1);
    expect(wordsOf('a b c d e f g h i j').at(-1)).toBe('%h%i%j%');
  });
});
