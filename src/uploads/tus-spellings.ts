import type { IncomingMessage, Server } from 'node:http';

const overridden = new Set(['PATCH', 'DELETE', 'HEAD']);
const withSlash = /^(\/(?:api\/v1|admin)\/uploads(?:\/[^/?]+)?)\/(?=\?|$)/;

/**
 * Takes requests of tus as all its clients spell them, before they are routed: the address with a slash at its end, and
 * the method in `X-HTTP-Method-Override` where a client, or what stands between, knows none but POST (tus 1.0).
 */
export function takeTusSpellings(server: Server): void {
  server.prependListener('request', (request: IncomingMessage) => {
    const { headers, method, url = '' } = request;
    if (method !== 'PUT' && url.includes('/uploads')) request.url = url.replace(withSlash, '$1');
    const override = String(headers['x-http-method-override'] ?? '').toUpperCase();
    if (method === 'POST' && headers['tus-resumable'] !== undefined && overridden.has(override))
      request.method = override;
  });
}
