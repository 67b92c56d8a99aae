import { describe, expect, it } from '@jest/globals';
import { secondMs } from '../../src/config/durations.js';
import { newSecret, otpauthUrl, stepOf } from '../../src/factors/totp.js';

/** The secret of RFC 6238's table, `12345678901234567890`, in base32. */
const secret = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';

describe('the table of RFC 6238 (SHA-1), by the six digits that apps show', () => {
  it.each([
    [59, '287082', 0x1],
    [1_111_111_109, '081804', 0x23523ec],
    [1_111_111_111, '050471', 0x23523ed],
    [1_234_567_890, '005924', 0x273ef07],
    [2_000_000_000, '279037', 0x3f940aa],
    [20_000_000_000, '353130', 0x27bc86aa],
  ])('at %d seconds the code is %s', (seconds, code, step) => {
    expect(stepOf(secret, code, seconds * secondMs)).toBe(step);
  });
});

describe('a code', () => {
  // the code of the step from 1,111,111,080 to 1,111,111,110 seconds
  const code = '081804';
  const end = 1_111_111_110 * secondMs;
  const step = end / (30 * secondMs) - 1;

  it('is good during its own step', () => {
    expect([stepOf(secret, code, end - 30 * secondMs), stepOf(secret, code, end - 1)]).toEqual([step, step]);
  });

  it('is good in the first five seconds of the step after it, as the code of its own step', () => {
    expect([stepOf(secret, code, end), stepOf(secret, code, end + 4 * secondMs)]).toEqual([step, step]);
  });

  it('is good no longer than that', () => {
    expect([stepOf(secret, code, end + 5 * secondMs), stepOf(secret, code, end + 6 * secondMs)]).toEqual([
      undefined,
      undefined,
    ]);
  });

  it('is not good before its step, nor two steps after it', () => {
    expect(stepOf(secret, code, end - 30 * secondMs - 1)).toBeUndefined();
    expect(stepOf(secret, code, end + 30 * secondMs)).toBeUndefined();
  });

  it('is that of one secret', () => {
    expect(stepOf(newSecret(), code, end - 1)).toBeUndefined();
  });
});

it.each(['', '81804', '0818040', '08180a', '٠٨١٨٠٤', '０８１８０４', ' 081804', '081804\n', '0x0818'])(
  'what is no six digits is no code: %j',
  (typed) => {
    expect(stepOf(secret, typed, 1_111_111_109 * secondMs)).toBeUndefined();
  },
);

describe('a new secret', () => {
  it('has 160 bits, and is another each time', () => {
    expect(newSecret()).toMatch(/^[A-Z2-7]{32}$/);
    expect(newSecret()).not.toBe(newSecret());
  });

  it('goes to an app with whose it is, and with what apps take for granted', () => {
    const url = new URL(otpauthUrl(secret, 'Gatehouse files.example.org', 'ada@example.com'));
    expect(decodeURIComponent(url.href)).toContain('otpauth://totp/Gatehouse files.example.org:ada@example.com?');
    expect(Object.fromEntries(url.searchParams)).toEqual({
      issuer: 'Gatehouse files.example.org',
      secret,
      algorithm: 'SHA1',
      digits: '6',
      period: '30',
    });
  });
});
