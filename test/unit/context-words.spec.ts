import { describe, expect, it } from '@jest/globals';
import { isMadeOf, memberWords, siteWords } from '../../src/users/context-words.js';

describe('the words that a site is known by', () => {
  it.each([
    ['https://files.example.org', ['gatehouse', 'files', 'example']],
    ['https://Gate.Example.co.uk:8443', ['gatehouse', 'gate', 'example', 'co']],
    ['http://localhost:3000', ['gatehouse', 'localhost']],
    ['https://xn--bcher-kva.example', ['gatehouse', 'bücher']],
    ['http://127.0.0.1:3000', ['gatehouse']],
    ['http://[::1]:3000', ['gatehouse']],
  ])('at %s are %j', (publicUrl, words) => {
    expect(siteWords(publicUrl)).toEqual(words);
  });
});

it('a member is known by the words of the name, and by those of the email before the @', () => {
  expect(memberWords({ name: 'Ada Lovelace', email: 'a.king+gate@example.com' })).toEqual(
    expect.arrayContaining(['Ada', 'Lovelace', 'king', 'gate']),
  );
  expect(memberWords({ name: 'Éa Nó', email: 'x@example.com' })).not.toContain('example');
});

describe('a password', () => {
  const words = ['gatehouse', 'files', 'example', 'co', 'Ada', 'Lovelace'];

  it.each([
    'gatehouse',
    'GateHouse1',
    'gatehouse2024',
    '!gatehouse!!!',
    'example-files',
    'filesgatehouse',
    'gatehousegatehouse',
    'ada.lovelace1',
    'LOVELACE1815',
    '😀😀gatehouse😀😀',
  ])('is little more than such words: %s', (password) => {
    expect(isMadeOf(words, password)).toBe(true);
  });

  it.each([
    'correct horse battery staple',
    'gatehouse keeper',
    'the keeper of all the keys',
    'files of example 27',
    // a word of two letters does not count
    'cocococo',
    'gatehuose',
    '😀😀gatehouse😀😀😀',
  ])('is more than that: %s', (password) => {
    expect(isMadeOf(words, password)).toBe(false);
  });

  it.each([
    ['ada.b.c.d@example.com', 'ada.b.c.d@example.com'],
    ['ada.b.c.d@example.com', '  ADA.B.C.D@EXAMPLE.COM '],
    ['ada.b.c.d@example.com', 'ada.b.c.d@example.com!123'],
    ['ada.b.c.d@example.com', 'Ada.b.c.d'],
    ['a.d.a+gate@example.com', 'a.d.a@example.com'],
    ['a.d.a+gate@example.com', 'a.d.a+gate'],
    ['a.d.a@xn--bcher-kva.example', 'a.d.a@bücher.example'],
    ['a.d.a@bücher.example', 'a.d.a@xn--bcher-kva.example'],
  ])('of the member %s is the own email: %s', (email, password) => {
    expect(isMadeOf(memberWords({ name: 'Grace', email }), password)).toBe(true);
  });

  it('is not one’s own email where it is somebody else’s', () => {
    expect(isMadeOf(memberWords({ name: 'Grace', email: 'ada@example.com' }), 'grace.hopper@navy.example')).toBe(false);
  });

  it('is not measured by names that have no words', () => {
    expect(isMadeOf(memberWords({ name: '★', email: '"@"@example.com' }), 'abcdefgh')).toBe(false);
  });
});
