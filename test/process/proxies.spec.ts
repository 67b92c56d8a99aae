import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile, execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { keeper } from '../support/admins.js';
import { launchChromium, launchTimeout, openTab } from '../support/browser.js';
import { eventually } from '../support/database.js';
import { sha256 } from '../support/hash.js';
import { Script, type Person } from '../support/people.js';
import { need } from '../support/programs.js';
import { freePort, newFolder, startServer, type Server } from '../support/server.js';
import { logIn, send as press } from '../support/walks.js';

const MB = 1_000_000;

interface Proxy {
  readonly name: string;
  readonly program: string;
  readonly isSecure?: true;
  /** Its arguments, once its configuration is in the folder. */
  readonly configure: (folder: string, port: string, site: string) => string[];
}

const written = (folder: string, name: string, text: string) => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

/** nginx as its packages have it: answers and requests are buffered, and a body has 1 MiB at most. */
const nginx = (listen: string, more: string) => (folder: string, port: string, site: string) => {
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${folder}/${kind};`,
  );
  const file = written(
    folder,
    'nginx.conf',
    `daemon off; pid ${folder}/pid; error_log ${folder}/error.log; ${process.getuid?.() === 0 ? 'user root;' : ''}
     events {}
     http {
       ${paths.join(' ')} access_log off;
       server {
         listen 127.0.0.1:${port}${listen}; ${more.replaceAll('FOLDER', folder)}
         location / {
           proxy_pass ${site};
           proxy_set_header Host $http_host;
           proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
           proxy_set_header X-Request-Id $request_id;
         }
       }
     }`,
  );
  return ['-c', file, '-p', folder];
};

const proxies: Proxy[] = [
  { name: 'nginx with its defaults', program: 'nginx', configure: nginx('', '') },
  {
    name: 'nginx over TLS and HTTP/2',
    program: 'nginx',
    isSecure: true,
    configure: nginx(' ssl http2', 'ssl_certificate FOLDER/cert.pem; ssl_certificate_key FOLDER/key.pem;'),
  },
  {
    name: 'Caddy',
    program: 'caddy',
    configure: (folder, port, site) => {
      const text = `{\n admin off\n auto_https off\n}\nhttp://127.0.0.1:${port} {\n reverse_proxy ${site}\n}\n`;
      return ['run', '--config', written(folder, 'Caddyfile', text), '--adapter', 'caddyfile'];
    },
  },
  {
    name: 'HAProxy',
    program: 'haproxy',
    configure: (folder, port, site) => {
      const text = `defaults
  mode http
  option forwardfor
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend in
  bind 127.0.0.1:${port}
  default_backend site
backend site
  server one ${new URL(site).host}
`;
      return ['-db', '-f', written(folder, 'haproxy.cfg', text)];
    },
  },
];

/** Why a program cannot be had here; undefined where it can. */
function whyNot(program: string): string | undefined {
  try {
    need(program);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

const lacks = (['curl', 'openssl'] as const).map(whyNot).find(Boolean);

describe.each(proxies)('behind $name', ({ program, isSecure, configure }) => {
  const reason = lacks ?? whyNot(program);
  if (reason !== undefined) {
    it.skip(`nothing is tried here: ${reason}`, () => undefined);
    return;
  }

  const folder = newFolder();
  const bytes = randomBytes(64 * MB);
  let site: Server;
  let proxy: ChildProcess;
  let url: string;
  let fileId: string;
  let admin: Script;

  beforeAll(async () => {
    const port = await freePort();
    url = `${isSecure ? 'https' : 'http'}://127.0.0.1:${port}`;
    site = await startServer({
      PUBLIC_URL: url,
      TRUST_PROXY: '127.0.0.1',
      ADMIN_EMAIL: keeper.email,
      ADMIN_PASSWORD: keeper.password,
    });
    if (isSecure)
      execFileSync(
        need('openssl'),
        ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=127.0.0.1', '-days', '2'].concat([
          '-keyout',
          join(folder, 'key.pem'),
          '-out',
          join(folder, 'cert.pem'),
        ]),
        { stdio: 'ignore' },
      );
    const home = join(folder, 'home');
    mkdirSync(home);
    proxy = spawn(need(program), configure(folder, port, site.url), { stdio: 'ignore', env: { HOME: home } });
    await eventually(async () => (await curl('/health')).status === 200);
    // past the proxy, which may take less at once
    admin = new Script(site.url);
    await admin.logIn(keeper);
    const added = await fetch(`${site.url}/api/v1/uploads/large.bin`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${admin.token ?? ''}` },
      body: new Uint8Array(bytes),
    });
    fileId = ((await added.json()) as { id: string }).id;
  });
  afterAll(async () => {
    if (proxy.exitCode !== null) return;
    proxy.kill('SIGTERM');
    await once(proxy, 'exit');
  });

  const always = ['--silent', '--insecure', '--interface', '127.0.0.2', '--max-time', '60'];

  /** Asks through the proxy, from an address of its own; the answer with its headers. */
  function curl(path: string, ...more: string[]): Promise<{ status: number; head: string; body: string }> {
    return new Promise((resolve) => {
      execFile(need('curl'), [...always, '--include', ...more, url + path], { maxBuffer: 8 * MB }, (_error, output) => {
        const parts = output.replaceAll('\r', '').split(/\n\n(?!HTTP\/)/);
        // what comes before the answer itself is `100 Continue`
        const head = parts[0]?.split('\n\n').at(-1) ?? '';
        resolve({
          status: Number(/^HTTP\/[\d.]+ (\d+)/.exec(head)?.[1] ?? 0),
          head,
          body: parts.slice(1).join('\n\n'),
        });
      });
    });
  }

  const headerOf = (head: string, name: string) => new RegExp(`^${name}: *(.*)$`, 'im').exec(head)?.[1];

  /** Begins something that is cut off as soon as `isEnough`. */
  async function cutOff(isEnough: () => boolean | Promise<boolean>, path: string, ...more: string[]): Promise<void> {
    const child = spawn(need('curl'), [...always, ...more, url + path], { stdio: 'ignore' });
    const ended = once(child, 'exit');
    try {
      await eventually(isEnough);
    } finally {
      child.kill('SIGKILL');
      await ended;
    }
  }

  const register = async (): Promise<{ who: Person; script: Script }> => {
    const script = new Script(site.url);
    return { who: await script.register(), script };
  };

  it('a member logs in by the form, stays in, and is known by the address that is theirs', async () => {
    const { who } = await register();
    const jar = join(folder, 'jar');
    const cookies = ['--cookie', jar, '--cookie-jar', jar];
    const form = ['--data-urlencode', `email=${who.email}`, '--data-urlencode', `password=${who.password}`];
    const login = await curl('/login', ...cookies, ...form, '--header', `origin: ${url}`);
    expect([login.status, headerOf(login.head, 'location')]).toEqual([303, '/secrets']);
    if (isSecure) expect(login.head).toMatch(/^HTTP\/2 /);
    expect(readFileSync(jar, 'utf8')).toContain(isSecure ? '__Host-gatehouse-' : 'gatehouse-');
    const shelf = await curl('/secrets', ...cookies);
    expect([shelf.status, shelf.body.includes(who.name)]).toEqual([200, true]);
    const evil = await curl('/logout', ...cookies, '--data', '', '--header', 'origin: http://evil.example');
    expect(evil.status).toBe(403);
    const { items } = (await (await admin.ask(`/api/v1/activity?q=${who.email}`)).json()) as {
      items: { kind: string; address: string; requestId: string }[];
    };
    expect(items[0]).toMatchObject({ address: '127.0.0.2' });
    if (program === 'nginx') expect(items[0]?.requestId).toMatch(/^[\da-f]{32}$/);
    expect((await curl('/secrets/?q=1')).head).toMatch(/^location: \/secrets\?q=1$/im);
  });

  it('an upload goes on after a cut, piece by piece', async () => {
    const whole = bytes.subarray(0, 2 * MB);
    const piece = (from: number, to: number) => {
      const path = join(folder, 'piece');
      writeFileSync(path, whole.subarray(from, to));
      return ['--request', 'PATCH', '--header', `upload-offset: ${from}`, '--data-binary', `@${path}`];
    };
    const headers = [
      `authorization: Bearer ${admin.token ?? ''}`,
      'tus-resumable: 1.0.0',
      'content-type: application/offset+octet-stream',
    ].flatMap((header) => ['--header', header]);
    const begun = await curl(
      '/api/v1/uploads',
      ...headers,
      ...['--request', 'POST', '--header', `upload-length: ${whole.length}`],
      ...['--header', `upload-metadata: filename ${Buffer.from('pieces.bin').toString('base64')}`],
    );
    expect(begun.status).toBe(201);
    const address = headerOf(begun.head, 'location') ?? '';
    const offset = async () => Number(headerOf((await curl(address, ...headers, '--head')).head, 'upload-offset'));
    expect((await curl(address, ...headers, ...piece(0, 900_000))).status).toBe(204);
    const started = Date.now();
    await cutOff(
      () => Date.now() - started > 500,
      address,
      ...headers,
      ...piece(900_000, 1_800_000),
      '--limit-rate',
      '300K',
    );
    // what the proxy keeps to itself until it has all of it is lost: one piece
    let came = await offset();
    expect(came).toBeGreaterThanOrEqual(900_000);
    while (came < whole.length) {
      const answer = await curl(address, ...headers, ...piece(came, Math.min(came + 900_000, whole.length)));
      if (answer.status === 409) came = await offset();
      else came = Number(headerOf(answer.head, 'upload-offset'));
    }
    const { items } = (await (await admin.ask('/api/v1/files?q=pieces.bin')).json()) as { items: object[] };
    expect(items).toMatchObject([{ name: 'pieces.bin', sha256: sha256(whole) }]);
  });

  it('a piece that the proxy itself refuses is known by an answer that is not the site’s', async () => {
    const path = written(folder, 'much', 'x'.repeat(2 * MB));
    const { status, head } = await curl('/api/v1/uploads/no', '--request', 'PATCH', '--data-binary', `@${path}`);
    expect(status).toBe(program === 'nginx' ? 413 : 401);
    if (status === 413)
      expect([headerOf(head, 'tus-resumable'), headerOf(head, 'x-request-id')]).toEqual([undefined, undefined]);
  });

  if (program === 'nginx' && !isSecure)
    it(
      'the page sends a file in pieces that pass, and names the proxy if none does',
      async () => {
        const browser = await launchChromium();
        const tab = await openTab(browser, url);
        const { page } = tab;
        const sends = async (name: string, size: number) => {
          const sent = randomBytes(size);
          await page.goto('/admin/files/upload');
          await page.getByLabel('File').setInputFiles({ name, mimeType: '', buffer: sent });
          await press(page, 'Add to the shelf');
          return sent;
        };
        try {
          await logIn(page, keeper);
          const sent = await sends('by-page.bin', 3 * MB);
          await page.getByRole('status').getByText('“by-page.bin” is here.').waitFor();
          const { items } = (await (await admin.ask('/api/v1/files?q=by-page.bin')).json()) as { items: object[] };
          expect(items).toMatchObject([{ size: 3 * MB, sha256: sha256(sent) }]);

          const file = join(folder, 'nginx.conf');
          const strict = readFileSync(file, 'utf8').replace('location /', 'client_max_body_size 400k; location /');
          writeFileSync(file, strict);
          proxy.kill('SIGHUP');
          const much = ['--data-binary', `@${written(folder, 'half', 'x'.repeat(450_000))}`];
          await eventually(async () => (await curl('/api/v1/groups', ...much)).status === 413);
          await sends('never.bin', 2 * MB);
          await page.getByText('A proxy in front of this site takes no more').first().waitFor();
          expect(await (await admin.ask('/api/v1/files?q=never.bin')).json()).toMatchObject({ items: [] });
        } finally {
          await tab.close();
          await browser.close();
        }
      },
      launchTimeout,
    );

  it('a receipt says what the member took, a cut download goes on, and one ends with its session', async () => {
    const { who, script } = await register();
    const bearer = ['--header', `authorization: Bearer ${script.token ?? ''}`];
    const content = `/api/v1/files/${fileId}/content`;
    const saved = join(folder, 'saved');
    const receipt = async () => {
      const answer = await admin.ask(`/api/v1/files/${fileId}/receipts?q=${who.email}`);
      const { items } = (await answer.json()) as { items: { state: string; bytes: number }[] };
      return items[0];
    };
    const sizeOf = () => statSync(saved, { throwIfNoEntry: false })?.size ?? 0;
    const slow = ['--output', saved, '--limit-rate', '4M'];
    await cutOff(() => sizeOf() > 2 * MB, content, ...bearer, ...slow);
    const took = sizeOf();
    await eventually(async () => (await receipt())?.state === 'started');
    // the member took it, and what the sockets on the way hold was sent as well
    const told = (await receipt())?.bytes ?? 0;
    expect([told >= took || `${told} of ${took}`, told < took + 24 * MB || told]).toEqual([true, true]);

    await curlToFile(content, saved, ...bearer, '--continue-at', '-');
    expect(sha256(readFileSync(saved))).toBe(sha256(bytes));
    await eventually(async () => (await receipt())?.state === 'complete');

    rmSync(saved);
    const leaving = spawn(need('curl'), [...always, ...bearer, ...slow, url + content], { stdio: 'ignore' });
    const left = once(leaving, 'exit');
    await eventually(() => sizeOf() > MB);
    await script.ask('/api/v1/auth/logout', { method: 'POST' });
    const [code] = (await left) as [number];
    expect(code).not.toBe(0);
    expect(sizeOf()).toBeLessThan(bytes.length);
  });

  async function curlToFile(path: string, to: string, ...more: string[]): Promise<void> {
    const child = spawn(need('curl'), [...always, ...more, '--output', to, url + path], { stdio: 'ignore' });
    await once(child, 'exit');
  }

  it('file content and checksums are not to be taken ahead', async () => {
    const { script } = await register();
    for (const path of [`/api/v1/files/${fileId}/content`, '/api/v1/files/SHA256SUMS']) {
      const answer = await script.ask(path);
      expect(answer.headers.get('x-accel-buffering')).toBe('no');
      await answer.body?.cancel();
    }
  });
});
