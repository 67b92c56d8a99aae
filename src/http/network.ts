import ipaddr from 'ipaddr.js';

/** An address as one client has it: of IPv6 the first 64 bits, since a single household gets that many addresses. */
export function networkOf(address: string): string {
  // a proxy may forward a port, or something that is no address at all
  const plain = /^\[(.+)\](?::\d+)?$/.exec(address)?.[1] ?? address.replace(/^([\d.]+):\d+$/, '$1');
  if (!ipaddr.isValid(plain)) return 'unknown';
  const parsed = ipaddr.process(plain);
  if (parsed.kind() === 'ipv4') return parsed.toString();
  return `${(parsed as ipaddr.IPv6).parts
    .slice(0, 4)
    .map((part) => part.toString(16))
    .join(':')}::/64`;
}
