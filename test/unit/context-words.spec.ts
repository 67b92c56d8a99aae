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

  it('is not measured by names that have no words', () => {
    expect(isMadeOf(memberWords({ name: '★', email: '"@"@example.com' }), 'abcdefgh')).toBe(false);
  });
});
