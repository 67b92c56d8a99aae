import type { FastifyRequest } from 'fastify';
import ipaddr from 'ipaddr.js';
import { BlockList, isIPv6 } from 'node:net';

/** An IPv4 address as people and proxies write it: a part padded with zeros is a decimal number all the same. */
const fourParts = /^0*(\d{1,3})\.0*(\d{1,3})\.0*(\d{1,3})\.0*(\d{1,3})$/;

/**
 * The one spelling of an IP address (RFC 5952): without a port, brackets, quotes or a zone, in lower case, without
 * padding; IPv4 inside IPv6 is IPv4. Undefined where the text is no address, such as the `unknown` of RFC 7239.
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
  // the last 32 bits may be written as IPv4 is
  const [, start = '', end = ''] = /^(.*:)([\d.]+\.[\d.]+)$/.exec(address) ?? [];
  const plain = end ? `${start}${ofIPv4(end) ?? end}` : address;
  return isIPv6(plain) ? ipaddr.process(plain).toString() : undefined;
}

/**
 * Whose `X-Forwarded-*` and `X-Request-Id` are believed, however the address of a proxy is spelled.
 *
 * @param proxies addresses or CIDR blocks, as `TRUST_PROXY` has them.
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
 * Where a request comes from, in its one spelling: the right-most address that is not a trusted proxy's. Where a proxy
 * forwards something that is no address, it is the nearest one that is known: the proxy's.
 */
export function addressOf({ ip, ips = [ip] }: Pick<FastifyRequest, 'ip' | 'ips'>): string {
  // whatever the types say: a connection that is gone does not tell its address any more
  const hops = ips as (string | undefined)[];
  return hops.flatMap((hop) => canonicalAddress(hop ?? '') ?? []).at(-1) ?? 'unknown';
}
