import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { URLSearchParams } from 'node:url';

const main = resolve(import.meta.dirname, '../../dist/main.js');

/**
 * Starts the built site (`npm run build`) in an empty data folder, on a free port; `end()` stops it and deletes all.
 *
 * @param flags of Node.
 */
export async function startSite(environment = {}, flags = []) {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-bench-'));
  const child = spawn(process.execPath, [...flags, main], {
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
    pid: child.pid,
    /** What a browser on this site names as the origin of its forms. */
    origin: new URL(url).origin,
    async end() {
      child.kill('SIGTERM');
      await once(child, 'exit');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Asks over connections that are kept until `end()`; gives the status, the headers, and the milliseconds until the last byte. */
export function asker(url, sockets = 1) {
  const agent = new Agent({ keepAlive: true, maxSockets: sockets });
  const ask = (method, path, { json, form, headers = {} } = {}) =>
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
  return Object.assign(ask, { end: () => agent.destroy() });
}

/** An address of the documentation's own, another one for each number. */
export const address = (n) => `2001:db8:${(n >> 16).toString(16)}:${(n & 0xffff).toString(16)}::1`;

export const quantile = (values, q) => values.toSorted((a, b) => a - b)[Math.ceil(q * values.length) - 1];

/** Registers in a browser; the cookie that it keeps. */
export async function registerOnPage(site) {
  const ask = asker(site.url);
  const who = { name: 'Ada', email: `${randomUUID()}@example.com`, password: 'correct horse battery staple' };
  const form = new URLSearchParams(who).toString();
  const answer = await ask('POST', '/register', { form, headers: { origin: site.origin } });
  ask.end();
  return (answer.headers['set-cookie'] ?? []).map((line) => line.split(';', 1)[0]).join('; ');
}

/** A member's own page, asked for again and again for so many seconds; its milliseconds. */
export async function watch(site, cookie, seconds) {
  const ask = asker(site.url);
  const times = [];
  for (const end = Date.now() + seconds * 1_000; Date.now() < end;) {
    const answer = await ask('GET', '/secrets', { headers: { cookie } });
    if (answer.status !== 200) throw new Error(`The page answered ${answer.status}.`);
    times.push(answer.milliseconds);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  ask.end();
  return times;
}

/** Says how a page did when all was quiet and when it was not, and gives the ratio of the two p99. */
export function ratioOf(idle, busy) {
  const p99 = (times) => quantile(times, 0.99);
  for (const [name, times] of Object.entries({ idle, busy }))
    console.log(
      `${name}: p50 ${quantile(times, 0.5).toFixed(1)} ms, p99 ${p99(times).toFixed(1)} ms, ${times.length} pages`,
    );
  const ratio = p99(busy) / p99(idle);
  console.log(`p99 busy to idle: ${ratio.toFixed(1)} (at most 5)`);
  return ratio;
}
