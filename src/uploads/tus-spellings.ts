import type { IncomingMessage, Server } from 'node:http';

const overridden = new Set(['PATCH', 'DELETE', 'HEAD']);
const withSlash = /^(\/(?:api\/v1|admin)\/uploads(?:\/[^/?]+)?)\/(?=\?|$)/;

/**
 * Accepts the variants in which tus clients send requests, before the router sees them: an address that ends with a
 * slash, and the method in `X-HTTP-Method-Override` (tus 1.0). A client sends that header if it, or a proxy on the way,
 * supports only POST.
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
