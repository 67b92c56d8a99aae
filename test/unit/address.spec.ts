import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isIP } from 'node:net';
import { addressOf, canonicalAddress, trustedProxies } from '../../src/http/address.js';
import { networkOf } from '../../src/http/network.js';

describe('an address has one spelling', () => {
  it.each([
    ['203.0.113.7', ['203.0.113.7', '203.0.113.7:50001', '203.000.113.007', ' 203.0.113.7 ', '"203.0.113.7:1"']],
    ['203.0.113.7', ['::ffff:203.0.113.7', '::FFFF:cb00:7107', '[::ffff:203.0.113.7]:443', '::ffff:203.000.113.007']],
    ['8.8.8.8', ['008.008.008.008', '08.8.8.08:80']],
    ['2001:db8::1', ['2001:DB8::1', '2001:0db8:0000:0:0:0:0:0001', '[2001:db8::1]', '"[2001:db8:0::1]:4711"']],
    ['fe80::1', ['fe80::1%eth0', '[fe80::1%25eth0]:80', 'FE80:0::1']],
    ['::1', ['::1', '0:0:0:0:0:0:0:1', '[::1]:3000']],
  ])('%s', (one, spellings) => {
    expect(spellings.map(canonicalAddress)).toEqual(spellings.map(() => one));
  });

  it.each([
    '',
    'unknown',
    '_hidden',
    '127.1',
    '0x7f.0.0.1',
    '2130706433',
    '256.1.1.1',
    '1.2.3',
    '1.2.3.4.5',
    '[1.2.3.4]',
  ])('"%s" is none', (text) => {
    expect(canonicalAddress(text)).toBeUndefined();
  });

  it.each(['203.0.113.7, 10.0.0.1', '1.2.3.4:80:90', '2001:db8::1:443:::', '[::1', '1.2.3.4\n'])(
    'what only begins as one is none, or is that one: %s',
    (text) => {
      expect([undefined, text.trim()]).toContain(canonicalAddress(text));
    },
  );

  it('which is an address, and its own spelling, whatever it was made of', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), fc.string()), (text) => {
        const one = canonicalAddress(text);
        if (isIP(text) !== 0) expect(one).toBeDefined();
        if (one === undefined) return;
        expect(isIP(one)).not.toBe(0);
        expect(canonicalAddress(one)).toBe(one);
        expect(networkOf(text)).toBe(networkOf(one));
      }),
    );
  });
});

it('a network is an IPv4 address, or the first half of an IPv6 address', () => {
  expect(networkOf('::ffff:203.0.113.7')).toBe('203.0.113.7');
  expect(networkOf('2001:db8:1:2:3:4:5:6')).toBe('2001:db8:1:2::/64');
  expect(networkOf('[2001:DB8:1:2::9]:443')).toBe('2001:db8:1:2::/64');
  expect(networkOf('unknown')).toBe('unknown');
});

describe('a proxy is believed', () => {
  const isTrusted = trustedProxies(['127.0.0.1', '10.0.0.0/8', '2001:db8::/32', '::ffff:192.0.2.1']);

  it.each([
    '127.0.0.1',
    '::ffff:127.0.0.1',
    '127.0.0.1:4711',
    '10.200.3.4',
    '2001:DB8:1::1',
    '[2001:db8::1]:80',
    '192.0.2.1',
  ])('that is in the list, however its address is spelled: %s', (address) => {
    expect(isTrusted(address)).toBe(true);
  });

  it.each([undefined, '', 'unknown', '127.0.0.2', '11.0.0.1', '2001:db9::1', '::1'])('and no other: %s', (address) => {
    expect(isTrusted(address)).toBe(false);
  });

  it('or all, if the list says so', () => {
    expect(['203.0.113.1', '2001:db8::1'].map(trustedProxies(['0.0.0.0/0', '::/0']))).toEqual([true, true]);
  });
});

it('of a chain, the nearest address that is known counts', () => {
  const chain = (...ips: string[]) => addressOf({ ip: ips.at(-1) ?? '', ips });
  expect(chain('127.0.0.1', '203.0.113.7:80')).toBe('203.0.113.7');
  expect(chain('127.0.0.1', 'unknown')).toBe('127.0.0.1');
  expect(chain('127.0.0.1', '10.0.0.1', '_hidden')).toBe('10.0.0.1');
  expect(addressOf({ ip: '::ffff:203.0.113.7' })).toBe('203.0.113.7');
  expect(addressOf({ ip: undefined as never })).toBe('unknown');
});
