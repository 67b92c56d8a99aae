import type { FastifyRequest } from 'fastify';
import ipaddr from 'ipaddr.js';
import { BlockList, isIPv6 } from 'node:net';

/** An IPv4 address as people and proxies write it. A part with leading zeros is still a decimal number. */
const fourParts = /^0*(\d{1,3})\.0*(\d{1,3})\.0*(\d{1,3})\.0*(\d{1,3})$/;

/**
 * The one standard spelling of an IP address (RFC 5952): lower case, no port, brackets, quotes, zone or leading zeros.
 * IPv4 inside IPv6 becomes IPv4. Undefined if the text is not an address, such as the `unknown` of RFC 7239.
 */
export function canonicalAddress(text: string): string | undefined {
  const plain = text.trim().replace(/^"(.*)"$/, '$1');
  const [, bracketed] = /^\[([^\]]+)\](?::\d+)?$/.exec(plain) ?? [];
  return bracketed === undefined ? (ofIPv4(plain.replace(/^([\d.]+):\d+$/, '$1')) ?? ofIPv6(plain)) : ofIPv6(bracketed);
}

function ofIPv4(text: string): string | undefined {
  const parts = fourParts.exec(text)?.slice(1).map(Number);
  return parts?.every((part) => part <= 255) ? parts.join('.') : undefined;
}

function ofIPv6(text: string): string | undefined {
  const [address = ''] = text.split('%', 1);
  // the last 32 bits may be written like an IPv4 address
  const [, start = '', end = ''] = /^(.*:)([\d.]+\.[\d.]+)$/.exec(address) ?? [];
  const plain = end ? `${start}${ofIPv4(end) ?? end}` : address;
  return isIPv6(plain) ? ipaddr.process(plain).toString() : undefined;
}

/**
 * Makes the function that says if an address is a trusted proxy's, in any spelling. The `X-Forwarded-*` and
 * `X-Request-Id` headers of a trusted proxy are believed.
 *
 * @param proxies addresses or CIDR blocks, as in `TRUST_PROXY`.
 */
export function trustedProxies(proxies: readonly string[]): (address: string | undefined) => boolean {
  const trusted = new BlockList();
  for (const proxy of proxies) {
    const [address = '', bits] = proxy.split('/');
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    if (bits === undefined) trusted.addAddress(address, family);
    else trusted.addSubnet(address, Number(bits), family);
  }
  return (address) => {
    const canonical = address === undefined ? undefined : canonicalAddress(address);
    return canonical !== undefined && trusted.check(canonical, isIPv6(canonical) ? 'ipv6' : 'ipv4');
  };
}

/**
 * The address that a request comes from, in its standard spelling. It is the right-most address that is not a trusted
 * proxy's. If a proxy forwards something that is not an address, it is the nearest known address, which is the proxy's.
 * It is `unknown` if the connection is gone.
 */
export function addressOf({ ip, ips = [ip] }: Pick<FastifyRequest, 'ip' | 'ips'>): string {
  // despite the types, the address is undefined if the connection is gone
  const hops = ips as (string | undefined)[];
  return hops.flatMap((hop) => canonicalAddress(hop ?? '') ?? []).at(-1) ?? 'unknown';
}
