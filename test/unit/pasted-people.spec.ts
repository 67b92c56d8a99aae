import { describe, expect, it } from '@jest/globals';
import { oneIn, peopleIn } from '../../src/users/pasted-people.js';

const both = ['ada@example.com', 'bob@example.org'];

describe('people, as programs give them to be pasted', () => {
  it.each([
    'Ada Lovelace <ada@example.com>; Bob <bob@example.org>',
    '<ada@example.com>, <bob@example.org>',
    '"Lovelace, Ada" <ada@example.com>\r\n"Builder, Bob" <bob@example.org>',
    'Lovelace, Ada <ada@example.com>; Builder, Bob <bob@example.org>',
    'Lovelace, Ada <ada@example.com>, Builder, Bob <bob@example.org>',
    'mailto:ada@example.com mailto:bob@example.org',
    'ADA@example.com bob@example.org',
    'Ada Lovelace\tada@example.com\nBob\tbob@example.org\n',
    '"ada@example.com","bob@example.org"',
    `'ada@example.com', 'bob@example.org',`,
    '"Ada <ada@example.com>", "Bob <bob@example.org>"',
    `'Ada' <ada@example.com>;'bob@example.org' <bob@example.org>;`,
    'ada@example.com;;\n\n , bob@example.org.',
    'Ada (ada@example.com), Bob (bob@example.org)',
    'ada@example.com, Bob <bob@example.org>',
  ])('are found: %j', (text) => {
    expect(peopleIn(text)).toEqual(both);
  });

  it('stay what they are, if they are ids or no addresses', () => {
    const id = '01a22208-c57a-725c-959d-dacf70662615';
    expect(peopleIn(`${id}, nobody; ada@example.com`)).toEqual([id, 'nobody', 'ada@example.com']);
    expect(peopleIn(' \n,;<> "" ')).toEqual([]);
  });

  it('are one, where one is asked for', () => {
    expect(oneIn('Ada Lovelace <Ada@example.com>')).toBe('ada@example.com');
    expect(oneIn('ada@example.com, bob@example.org')).toBe('ada@example.com, bob@example.org');
  });
});
