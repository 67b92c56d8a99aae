import ipaddr from 'ipaddr.js';
import { isIPv6 } from 'node:net';
import { canonicalAddress } from './address.js';

/**
 * The network of one client. For IPv6 it is the first 64 bits of the address, because one household gets that many
 * addresses.
 */
export function networkOf(address: string): string {
  const canonical = canonicalAddress(address) ?? 'unknown';
  if (!isIPv6(canonical)) return canonical;
  return `${(ipaddr.parse(canonical) as ipaddr.IPv6).parts
    .slice(0, 4)
    .map((part) => part.toString(16))
    .join(':')}::/64`;
}
