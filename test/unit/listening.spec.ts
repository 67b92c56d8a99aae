import { describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { networkInterfaces } from 'node:os';
import { connectionsWithin, networkAddresses, openFilesLimit } from '../../src/http/listening.js';

const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
const isLoopback = (address: string) => /^127\.|^::1$/.test(address);
const outer = (family: 'IPv4' | 'IPv6') =>
  all.filter((one) => one.family === family && !isLoopback(one.address)).map(({ address }) => address);

describe('the addresses by which others reach a site', () => {
  it.each(['127.0.0.1', 'localhost', '::1', '[::1]', '127.0.0.2', 'gate.example', ...outer('IPv4')])(
    'are none if it listens on one: %s',
    (host) => {
      expect(networkAddresses(host, 3_000)).toEqual([]);
    },
  );

  it('are each outer IPv4 of this machine at 0.0.0.0, with the port', () => {
    expect(networkAddresses('0.0.0.0', 8_080)).toEqual(outer('IPv4').map((address) => `http://${address}:8080`));
  });

  it.each(['::', '[::]'])('are IPv6 too at %s, in brackets, but none that is of one cable alone', (host) => {
    const six = outer('IPv6').filter((address) => !address.toLowerCase().startsWith('fe80:'));
    const expected = [...outer('IPv4').map((one) => `http://${one}:80`), ...six.map((one) => `http://[${one}]:80`)];
    const told = networkAddresses(host, 80);
    expect(told.toSorted()).toEqual(expected.toSorted());
    for (const address of told) expect(() => new URL(address)).not.toThrow();
  });
});

it('connections are half of the files that may be open beside a hundred for the rest', () => {
  expect([40, 100, 200, 1_024, 4_096].map(connectionsWithin)).toEqual([-30, 0, 50, 462, 1_998]);
  expect(connectionsWithin(Infinity)).toBe(Infinity);
  const limit = execFileSync('sh', ['-c', 'ulimit -n'], { encoding: 'utf8' }).trim();
  expect(openFilesLimit()).toBe(limit === 'unlimited' ? Infinity : Number(limit));
});
