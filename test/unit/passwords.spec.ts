import { describe, expect, it } from '@jest/globals';
import { hash } from '@node-rs/argon2';
import { Busy } from '../../src/http/errors.js';
import { Passwords } from '../../src/users/passwords.js';
import { passwordFault } from '../../src/users/registration.input.js';

const passwords = new Passwords();

describe('a password that a member chooses', () => {
  it.each(['correct horse battery staple', '        x', 'пароль-длинный', '🔑🗝️🚪🏰🔒🕯️🧱🛡️', 'é'.repeat(512)])('will do: %s', (password) => {
    expect(passwordFault(password)).toBeUndefined();
  });

  it.each([
    ['', 'Please choose a password.'],
    [undefined, 'Please choose a password.'],
    [12345678, 'Please choose a password.'],
    ['1234567', 'at least 8 characters'],
    ['🔑🔑🔑🔑', 'at least 8 characters'],
    ['é'.repeat(513), '1,024 bytes'],
    ['password', 'commonest'],
    ['PassWord', 'commonest'],
    ['iloveyou1', 'commonest'],
  ])('will not do: %j', (password, why) => {
    expect(passwordFault(password)).toContain(why);
  });
});

describe('a password in the database', () => {
  it('is a hash at OWASP’s cost, another one each time', async () => {
    const [one, other] = await Promise.all([passwords.hash('a good password'), passwords.hash('a good password')]);
    expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect(one).not.toBe(other);
  });

  it('is known again, and no other is', async () => {
    const kept = await passwords.hash('a good password');
    expect(await passwords.verify(kept, 'a good password')).toBe(true);
    expect(await passwords.verify(kept, 'a good passworD')).toBe(false);
    expect(await passwords.verify(kept, '')).toBe(false);
  });

  it('that is not there matches nothing, not even what it is compared with', async () => {
    expect(await passwords.verify(undefined, 'nobody has this password')).toBe(false);
  });

  it.each([
    ['today’s', { algorithm: 2, memoryCost: 19_456, timeCost: 2, parallelism: 1 }, false],
    ['a stronger one', { algorithm: 2, memoryCost: 32_768, timeCost: 3, parallelism: 1 }, false],
    ['one of less memory', { algorithm: 2, memoryCost: 8_192, timeCost: 2, parallelism: 1 }, true],
    ['one of fewer passes', { algorithm: 2, memoryCost: 19_456, timeCost: 1, parallelism: 1 }, true],
    ['one of another kind', { algorithm: 1, memoryCost: 19_456, timeCost: 2, parallelism: 1 }, true],
  ])('is out of date or not: %s', async (_which, cost, isOutdated) => {
    expect(passwords.isOutdated(await hash('a good password', cost))).toBe(isOutdated);
  });
});

it('of very many passwords at once, those that cannot wait are told to come back', async () => {
  const crowded = new Passwords();
  const results = await Promise.allSettled(Array.from({ length: 160 }, () => crowded.hash('a good password')));
  const refused = results.filter((result) => result.status === 'rejected');
  expect(refused.length).toBeGreaterThan(0);
  expect(results.length - refused.length).toBeGreaterThanOrEqual(128);
  for (const { reason } of refused) expect(reason).toBeInstanceOf(Busy);
  expect(await crowded.hash('a good password')).toContain('argon2id');
});
