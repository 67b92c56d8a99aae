import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { adminOf, keeper, startWithAdmin } from '../support/admins.js';
import { aSite, startApp, type TestApp } from '../support/app.js';
import { faultsOf } from '../support/faults.js';
import { Script, Visitor } from '../support/people.js';
import { askRaw } from '../support/raw.js';
import { Cast, type roles, type Role } from '../support/roles.js';
import { routesOf } from '../support/routes.js';

/** What one who knocks gets, with all of its body. */
interface Answered {
  readonly name: string;
  readonly role: Role;
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Buffer;
}

const site = aSite(() => startWithAdmin());
let cast: Cast;
let admin: Awaited<ReturnType<typeof adminOf>>;
const answers: Answered[] = [];
const askedAs = ['stranger', 'member', 'admin'] as const satisfies readonly (typeof roles)[number][];

beforeAll(async () => {
  cast = await Cast.for(site);
  admin = await adminOf(site);
  for (const route of routesOf(site))
    for (const role of askedAs) {
      const answer = await (await cast.prepare(route, role))();
      const bytes = Buffer.from(await answer.arrayBuffer());
      const { status, headers } = answer;
      answers.push({ name: `${route.method} ${route.path}`, role, status, headers, bytes });
    }
});

/** The answers for which something does not hold, a line each. */
const those = (isWrong: (answer: Answered) => boolean) =>
  answers.filter(isWrong).map(({ name, role, status }) => `${name} as ${role}: ${status}`);

const typeOf = ({ headers }: Answered) => headers.get('content-type') ?? '';
const directivesOf = ({ headers }: Answered) =>
  (headers.get('content-security-policy') ?? '').split(';').map((directive) => directive.trim());
const isFile = ({ headers }: Answered) => (headers.get('content-disposition') ?? '').startsWith('attachment');

describe('every answer of every route, to a stranger, a member and an admin,', () => {
  it('is there to be looked at', () => {
    expect(answers.length).toBeGreaterThan(400);
    for (const status of [200, 303, 401, 403, 404, 422])
      expect(answers.some((answer) => answer.status === status)).toBe(true);
  });

  it('is taken for nothing but what it says it is', () => {
    expect(those(({ headers }) => headers.get('x-content-type-options') !== 'nosniff')).toEqual([]);
    expect(those((answer) => answer.bytes.length > 0 && !/^[a-z]+\/[a-z0-9.+-]+/.test(typeOf(answer)))).toEqual([]);
    // what a text is written in is known of all but of what people have uploaded
    const needsCharset = (answer: Answered) => /^text\/|\+xml/.test(typeOf(answer)) && !isFile(answer);
    expect(those((answer) => needsCharset(answer) && !typeOf(answer).endsWith('; charset=utf-8'))).toEqual([]);
    const isJson = (answer: Answered) => /[/+]json/.test(typeOf(answer));
    for (const { bytes } of answers.filter((answer) => isJson(answer) && answer.bytes.length > 0))
      expect(() => JSON.parse(bytes.toString()) as unknown).not.toThrow();
    const isHtml = (answer: Answered) => typeOf(answer).startsWith('text/html');
    const looksLikeHtml = ({ bytes }: Answered) => /^\s*<!doctype html>/i.test(bytes.toString());
    expect(those((answer) => answer.bytes.length > 0 && isHtml(answer) !== looksLikeHtml(answer))).toEqual([]);
  });

  it('is as long as it says', () => {
    const lengthOf = ({ headers }: Answered) => headers.get('content-length');
    const isWrong = (answer: Answered) =>
      !answer.name.startsWith('HEAD ') && Number(lengthOf(answer) ?? answer.bytes.length) !== answer.bytes.length;
    expect(those(isWrong)).toEqual([]);
  });

  it('has a policy that loads nothing from elsewhere, embeds nothing, and is embedded nowhere', () => {
    const holds = (answer: Answered) => {
      const directives = directivesOf(answer);
      const needed = ["default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "form-action 'none'"];
      const own = directives.includes("form-action 'self'") ? needed.slice(0, 3) : needed;
      return (
        own.every((directive) => directives.includes(directive)) &&
        !/unsafe|https?:|data:|blob:|\*/.test(directives.join(' '))
      );
    };
    expect(those((answer) => !holds(answer))).toEqual([]);
    expect(those(({ headers }) => headers.get('cross-origin-opener-policy') !== 'same-origin')).toEqual([]);
    expect(those(({ headers }) => headers.get('cross-origin-resource-policy') !== 'same-origin')).toEqual([]);
    expect(those(({ headers }) => !/^(no-referrer|same-origin)$/.test(headers.get('referrer-policy') ?? ''))).toEqual(
      [],
    );
    expect(
      those(({ bytes, headers }) => !isFileOf(headers) && /<(object|embed|applet|iframe)\b/i.test(String(bytes))),
    ).toEqual([]);
  });

  it('says nothing of the programs behind it', () => {
    expect(those(({ headers }) => headers.has('server') || headers.has('x-powered-by') || headers.has('via'))).toEqual(
      [],
    );
    const tells = /fastify|nestjs|typeorm|node\/v?\d|sqlite3?\/|postgresql \d|node_modules|\bat .+\.[jt]s:\d+/i;
    expect(those(({ bytes, headers }) => !isFileOf(headers) && tells.test(String(bytes)))).toEqual([]);
  });

  it('leads to no other host', () => {
    const host = new URL(site.url).host;
    const leadsAway = ({ headers }: Answered) => {
      const location = headers.get('location');
      return location !== null && new URL(location, site.url).host !== host;
    };
    expect(those(leadsAway)).toEqual([]);
  });
});

const isFileOf = (headers: Headers) => (headers.get('content-disposition') ?? '').startsWith('attachment');

describe('a page of another site', () => {
  it('is allowed nothing by any route, asked ahead or not', async () => {
    const { script } = admin;
    const allowed: string[] = [];
    for (const { method, path } of routesOf(site)) {
      const origin = 'https://elsewhere.example';
      const ahead = {
        origin,
        'access-control-request-method': method,
        'access-control-request-headers': 'authorization',
      };
      for (const [asked, headers] of [
        ['OPTIONS', ahead],
        ['GET', { origin }],
      ] as const) {
        const answer = await script.ask(path.replaceAll(/:\w+/g, 'x'), { method: asked, headers });
        await answer.arrayBuffer();
        for (const name of answer.headers.keys())
          if (name.startsWith('access-control-')) allowed.push(`${asked} ${path}: ${name}`);
      }
    }
    expect(allowed).toEqual([]);
  });

  it('cannot have an answer of the API as a script', async () => {
    const { script } = admin;
    for (const path of ['/api/v1/users/me', '/api/v1/files', '/api/v1/openapi.json']) {
      const plain = await (await script.ask(path)).text();
      const answer = await script.ask(`${path}?callback=steal&jsonp=steal`);
      expect([path, answer.headers.get('content-type')]).toEqual([path, 'application/json; charset=utf-8']);
      expect(await answer.text()).toBe(plain);
    }
  });
});

describe('a GET', () => {
  /** Tables in which a GET may note that somebody was here, or what they took. */
  const notes = /^(sessions|events|shelf_visits|downloads|migrations|sqlite_\w+)$/;

  it('changes nothing of what people have, whoever asks, but for a logout', async () => {
    const asks = [];
    for (const route of routesOf(site).filter(({ method, path }) => method === 'GET' && path !== '/logout'))
      for (const role of ['member', 'admin'] as const) asks.push(await cast.prepare(route, role));
    const before = await rowsOf(site);
    expect(new Set(before.map((row) => row.split(' ', 1)[0]))).toEqual(
      new Set([...before.map((row) => row.split(' ', 1)[0]), 'users', 'files', 'groups', 'links', 'passkeys']),
    );
    for (const ask of asks) await (await ask({ 'sec-fetch-site': 'cross-site' })).arrayBuffer();
    const after = await rowsOf(site);
    const [was, is] = [new Set(before), new Set(after)];
    const changed = [...before.filter((row) => !is.has(row)), ...after.filter((row) => !was.has(row))];
    // the secret of an app that is no factor before its first code, which the page that sets it up shows
    expect(changed.filter((row) => !/^authenticators .*"confirmedAt":null/.test(row))).toEqual([]);
  });

  /** Every row of every table but those. */
  async function rowsOf({ app }: TestApp): Promise<string[]> {
    const data = app.get(DataSource);
    const tables = await data.query<{ name: string }[]>(
      data.options.type === 'postgres'
        ? `SELECT table_name AS "name" FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'`
        : `SELECT "name" FROM sqlite_master WHERE "type" = 'table'`,
    );
    const rows: string[] = [];
    for (const { name } of tables.filter((table) => !notes.test(table.name)))
      for (const row of await data.query<object[]>(`SELECT * FROM "${name}"`))
        // how often a version was downloaded, which the downloads say
        rows.push(`${name} ${JSON.stringify({ ...row, downloads: undefined })}`);
    return rows;
  }
});

describe('a stranger and an admin alike', () => {
  it.each([
    ...['/.git/config', '/.git/HEAD', '/.env', '/.npmrc', '/package.json', '/package-lock.json', '/README.md'],
    ...['/dist/main.js', '/src/main.ts', '/node_modules/fastify/package.json', '/views/layouts/main.hbs'],
    ...['/storage/app-secret', '/app-secret', '/gatehouse.db', '/storage/gatehouse.db', '/outbox'],
    ...['/server-status', '/debug', '/console', '/swagger', '/api-json', '/graphql', '/test', '/backup.zip'],
  ])('find nothing at %s', async (path) => {
    for (const visitor of [new Visitor(site.url), admin.browser]) expect((await visitor.visit(path)).status).toBe(404);
  });

  it.each(['/assets', '/assets/', '/files', '/files/', '/api', '/api/', '/api/v1', '/api/v1/', '/views/'])(
    'find no list of what is below %s',
    async (path) => {
      for (const visitor of [new Visitor(site.url), admin.browser])
        expect((await visitor.visit(path)).status).toBe(404);
    },
  );

  it.each(['/secrets/x.css', '/secrets.css', '/account/x.js', '/account;x.css', '/secrets%2fx.png', '/account%00.css'])(
    'find no page under a name that a cache would keep: %s',
    async (path) => {
      const answer = await admin.browser.ask(path);
      expect([400, 404]).toContain(answer.status);
      expect(answer.headers.get('cache-control')).toMatch(/no-store|private/);
      expect(await answer.text()).not.toContain(keeper.email);
    },
  );

  it.each(['TRACE', 'TRACK', 'PROPFIND', 'MOVE', 'SEARCH'])('are told nothing by the method %s', async (method) => {
    for (const path of ['/', '/login', '/secrets', '/api/v1/users/me']) {
      const { status, body } = await askRaw(site.url, path, { method, headers: { 'x-canary': 'sings' } });
      expect([400, 404, 405, 501]).toContain(status);
      expect(body).not.toContain('sings');
    }
  });

  it('are answered in order, whatever stands where an id is expected or a question is asked', async () => {
    const { browser, script } = admin;
    const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const authorization = `Bearer ${script.token ?? ''}`;
    const values = ["1'%20OR%20'1'='1'%3BDROP%20TABLE%20users--", '9'.repeat(40)];
    const wrong: string[] = [];
    for (const { method, path } of routesOf(site).filter(
      (route) => route.path !== '/logout' && (route.method === 'GET' || route.path.includes(':')),
    ))
      for (const value of values) {
        const query = `?q=${value}&limit=${value}&cursor=${value}&kind=${value}&outcome=${value}&state=${value}&sort=${value}`;
        const target = path.replaceAll(/:\w+/g, value) + (method === 'GET' ? query : '');
        const headers = {
          origin: new URL(site.url).origin,
          ...(path.startsWith('/api/') ? { authorization } : { cookie }),
        };
        const { status, body } = await askRaw(site.url, target, { method, headers });
        if (status >= 500 || /SQLITE|syntax error|invalid input/i.test(body))
          wrong.push(`${method} ${target}: ${status}`);
      }
    expect(wrong).toEqual([]);
    expect(faultsOf(site)).toEqual([]);
  });
});

describe('where people come over https', () => {
  let secure: TestApp;
  beforeAll(async () => void (secure = await startApp({ PUBLIC_URL: 'https://files.example.org' })));
  afterAll(() => secure.close());

  it('every route says so for a year and more, and for all hosts below', async () => {
    const silent: string[] = [];
    for (const { method, path } of routesOf(secure)) {
      const answer = await new Script(secure.url).ask(path.replaceAll(/:\w+/g, 'x'), { method });
      await answer.arrayBuffer();
      const [, seconds = '0', rest] =
        /^max-age=(\d+)(; includeSubDomains)?/.exec(answer.headers.get('strict-transport-security') ?? '') ?? [];
      if (Number(seconds) < 365 * 24 * 3_600 || rest === undefined) silent.push(`${method} ${path}`);
    }
    expect(silent).toEqual([]);
  });

  it('a script that comes without TLS is led nowhere: it is told what it would be told with it', async () => {
    for (const path of ['/api/v1/users/me', '/api/v1/files', '/health', '/api/v1/openapi.json'])
      for (const headers of [{}, { 'x-forwarded-proto': 'http' }])
        expect((await new Script(secure.url).ask(path, { headers })).headers.get('location')).toBeNull();
  });

  it('every cookie is for this host alone, out of reach of scripts, over TLS, and short enough to be kept', async () => {
    const visitor = new Visitor(secure.url);
    const origin = { headers: { origin: 'https://files.example.org' } };
    const who = { name: 'Ada', email: 'ada-of-the-cookies@example.com', password: 'correct horse battery staple' };
    const long = { email: '漢'.repeat(2_000), password: 'x', next: `/${'n'.repeat(1_900)}` };
    const lines = [
      await visitor.ask('/login', { form: long, ...origin }),
      await visitor.ask('/register', { form: who, ...origin }),
      await visitor.ask('/logout', { method: 'POST', ...origin }),
      await visitor.ask('/login', { form: { ...who, password: 'a wrong one', remember: 'on' }, ...origin }),
      await visitor.ask('/login', { form: { ...who, remember: 'on' }, ...origin }),
      await visitor.ask('/account/proof', { form: { password: who.password, again: 'yes' }, ...origin }),
      await new Visitor(secure.url).ask('/login/link', { form: { email: who.email }, ...origin }),
      await new Visitor(secure.url).ask('/register', { form: who, ...origin }),
    ].flatMap(({ headers }) => headers.getSetCookie());
    const names = new Set(lines.map((line) => line.slice(0, line.indexOf('='))));
    expect(
      [...names].map((name) => name.replace(/^__Host-gatehouse-/, '').replace(/-[^-]*\d[^-]*$/, '')).sort(),
    ).toEqual(expect.arrayContaining(['device', 'flash', 'login-link', 'session']));
    for (const line of lines) {
      const [pair = '', ...attributes] = line.split('; ');
      expect(pair).toMatch(/^__Host-/);
      expect(Buffer.byteLength(pair)).toBeLessThanOrEqual(4_096);
      const plain = attributes.map((attribute) => attribute.toLowerCase());
      expect(plain).toEqual(expect.arrayContaining(['path=/', 'httponly', 'secure', 'samesite=lax']));
      expect(line).not.toMatch(/domain=/i);
    }
  });
});
