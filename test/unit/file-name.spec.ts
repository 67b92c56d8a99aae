import { describe, expect, it } from '@jest/globals';
import { parse } from 'content-disposition';
import fc from 'fast-check';
import { attachment, fileName, numbered } from '../../src/files/file-name.js';
import { isVisible, visibleText } from '../../src/http/visible-text.js';

describe('the one rule of names', () => {
  it.each([
    ['report.pdf', 'report.pdf'],
    ['Übersicht 2026 (2).tar.gz', 'Übersicht 2026 (2).tar.gz'],
    ['Größe.txt'.normalize('NFD'), 'Größe.txt'],
    ['dir/sub/x.txt', 'x.txt'],
    ['C:\\fakepath\\x.pdf', 'x.pdf'],
    ['../../etc/passwd', 'passwd'],
    ['C:x.txt', 'C_x.txt'],
    ['a "quoted" \'name\'?.txt', "a _quoted_ 'name'_.txt"],
    ['10:30 <b>*|~.txt', '10_30 _b____.txt'],
    ['a\tb\r\nc\u00a0d\u3000e.txt', 'a b c d e.txt'],
    ['a\0b\x1bc\ud800d\ufdd0.txt', 'a_b_c_d_.txt'],
    ['\u202Egpj.exe', 'gpj.exe'],
    ['a\u200bb\u2066c\ufeffd\u00ade\u3164.txt', 'abcde.txt'],
    ['\u2800a\u2800b', 'a b'],
    [' report.pdf. . ', 'report.pdf'],
    ['.env', '_env'],
    ['...x', '_..x'],
    ['CON', '_CON'],
    ['nul.txt', '_nul.txt'],
    ['com1 .tar.gz', '_com1 .tar.gz'],
    ['LPT².pdf', '_LPT².pdf'],
    ['console.log', 'console.log'],
    ['-rf', '-rf'],
    ['می\u200cخواهم.pdf', 'می\u200cخواهم.pdf'],
    ['👩\u200d🚀.png', '👩\u200d🚀.png'],
    ['Bo\u200card.txt', 'Board.txt'],
    ['???', '___'],
  ])('%j is called %j', (given, name) => {
    expect(fileName(given)).toBe(name);
  });

  it.each(['', ' ', '.', '..', '. .', 'dir/', 'a/..', '\u200b\u3164', '\u2800', '\u115f.', '\u202e', '\u0301'])(
    '%j is no name',
    (given) => expect(fileName(given)).toBeUndefined(),
  );

  it('leaves the ending of what is too long, and no half of a character', () => {
    for (const long of ['x'.repeat(300), 'ü'.repeat(200), '🔑'.repeat(80), 'x \u0301'.repeat(90)]) {
      const name = fileName(`${long}.pdf`) ?? '';
      expect(name).toMatch(/\.pdf$/);
      expect(name).not.toMatch(/\p{Cs}/u);
      expect(Buffer.byteLength(name)).toBeLessThanOrEqual(240);
      expect(Buffer.byteLength(name)).toBeGreaterThan(220);
    }
  });

  it('gives what every system holds, is seen, and is the same again, whatever comes in', () => {
    const odd = fc.constantFrom(...'./\\:~"%;\' \u200d\u200c\ufe0f\u202e\u3164\u2800\u{e0100}葛🚀👩می्क\u0301e\u180b᠊');
    const text = fc.array(fc.oneof(odd, fc.string({ unit: 'binary', maxLength: 3 })), { maxLength: 200 });
    fc.assert(
      fc.property(text, (parts) => {
        const name = fileName(parts.join(''));
        if (name === undefined) return;
        expect(fileName(name)).toBe(name);
        expect(name).not.toMatch(/[<>:"/\\|?*~\p{Cc}\p{Bidi_Control}\p{Noncharacter_Code_Point}]|^[ .]|[ .]$/u);
        expect(name).not.toMatch(/\p{Cs}/u);
        expect(Buffer.byteLength(name)).toBeLessThanOrEqual(241);
        expect(isVisible(name)).toBe(true);
        const header = attachment(name);
        expect(header).toMatch(/^[\x20-\x7e\x80-\xff]*$/);
        // as curl reads it, and as browsers do
        const [, simple = ''] = /^attachment; filename="([^"]*)"(?:;|$)/.exec(header) ?? [];
        expect(Buffer.from(simple, 'latin1').toString()).toBe(name);
        expect(parse(header.replace(/"[^"]*"; filename\*/, '"x"; filename*')).parameters.filename).toBe(name);
      }),
      { numRuns: 2_000 },
    );
  });

  it('numbers names before their ending', () => {
    expect([numbered('a.tar.gz', 2), numbered('a', 3), numbered('a.b', 1)]).toEqual(['a (2).tar.gz', 'a (3)', 'a.b']);
  });
});

describe('text that is seen', () => {
  it('is the same again, and the same to the eye where only what is unseen differs', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const once = visibleText(text);
        expect(visibleText(once)).toBe(once);
        expect(once).not.toMatch(/\p{Bidi_Control}|[\u200b\ufeff\u2060\u00ad\u3164\uffa0\u115f\u2800]/u);
      }),
      { numRuns: 2_000 },
    );
    expect(visibleText('B\u034fo\u200da\u200brd\ufe0f')).toBe('Board');
  });

  it('keeps names of every script, emoji of several people, and variants of ideographs', () => {
    for (const name of [
      'الخوارزمی',
      'Ѓорги',
      '李',
      'नमस्ते',
      'क्\u200dष',
      '👩‍🚀',
      '👩🏽‍🚀',
      '❤️',
      '1️⃣',
      '葛\u{e0100}城',
      'می\u200cخواهم',
    ])
      expect(visibleText(name)).toBe(name.normalize('NFC'));
  });
});
