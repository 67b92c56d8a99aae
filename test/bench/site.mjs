import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const main = resolve(import.meta.dirname, '../../dist/main.js');

/** Starts the built site (`npm run build`) in an empty data folder, on a free port; `end()` stops it and deletes all. */
export async function startSite(environment = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-bench-'));
  const child = spawn(process.execPath, [main], {
    env: { PORT: '0', DATA_DIR: folder, TRUST_PROXY: '127.0.0.1', ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  const url = await new Promise((found, failed) => {
    child.stdout.on('data', (chunk) => {
      output += chunk;
      const listening = /"listening":"([^"]+)"/.exec(output)?.[1];
      if (listening) found(listening);
    });
    child.once('exit', () => failed(new Error(output)));
  });
  return {
    url,
    folder,
    /** What a browser on this site names as the origin of its forms. */
    origin: new URL(url).origin,
    async end() {
      child.kill('SIGTERM');
      await once(child, 'exit');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Asks over connections that are kept; gives the status, the headers, and the milliseconds until the last byte. */
export function asker(url, sockets = 1) {
  const agent = new Agent({ keepAlive: true, maxSockets: sockets });
  return (method, path, { json, form, headers = {} } = {}) =>
    new Promise((answered, failed) => {
      const body = json === undefined ? form : JSON.stringify(json);
      const type = json === undefined ? 'application/x-www-form-urlencoded' : 'application/json';
      const begun = performance.now();
      const asked = request(
        new URL(path, url),
        {
          method,
          agent,
          headers: {
            ...headers,
            ...(body && { 'content-type': type, 'content-length': Buffer.byteLength(body) }),
          },
        },
        (response) => {
          let text = '';
          response.on('data', (chunk) => (text += chunk));
          response.on('end', () =>
            answered({
              status: response.statusCode,
              headers: response.headers,
              text,
              milliseconds: performance.now() - begun,
            }),
          );
        },
      );
      asked.on('error', failed);
      asked.end(body);
    });
}

/** An address of the documentation's own, another one for each number. */
export const address = (n) => `2001:db8:${(n >> 16).toString(16)}:${(n & 0xffff).toString(16)}::1`;

export const quantile = (values, q) => values.toSorted((a, b) => a - b)[Math.ceil(q * values.length) - 1];
