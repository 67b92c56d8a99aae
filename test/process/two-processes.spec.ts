import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { newDatabase } from '../support/app.js';
import { eventually } from '../support/database.js';
import { person, Script, Visitor, type Person } from '../support/people.js';
import { read } from '../support/raw.js';
import { begin, newFolder, readABit, readAll, startServer, type Server } from '../support/server.js';

const admin = { email: 'keeper@example.com', password: 'the keeper of all the keys' };
const asAdmin = { ADMIN_EMAIL: admin.email, ADMIN_PASSWORD: admin.password };

describe.each(['sqlite', 'postgres'] as const)('two processes on one %s database', (kind) => {
  let database: Awaited<ReturnType<typeof newDatabase>>;
  let dataDir: string;
  let here: Server;
  let there: Server;

  beforeAll(async () => {
    database = await newDatabase(kind);
    dataDir = newFolder();
    [here, there] = await startBoth({ DATA_DIR: dataDir, ...asAdmin, ...(database && { DATABASE_URL: database.url }) });
  });
  afterAll(async () => {
    await here.kill();
    await there.kill();
    await database?.drop();
  });

  it('start at the same moment on nothing, and share one key and one welcome file', async () => {
    expect(readFileSync(`${dataDir}/app-secret`, 'utf8').trim()).toHaveLength(43);
    expect(readdirSync(dataDir).filter((name) => name.startsWith('app-secret'))).toEqual(['app-secret']);
    const ada = new Script(here.url);
    await ada.register();
    const { items } = (await (await ada.ask('/api/v1/files')).json()) as { items: unknown[] };
    expect(items).toHaveLength(1);
    const kept = readdirSync(`${dataDir}/files`, { recursive: true, withFileTypes: true });
    expect(kept.filter((entry) => entry.isFile())).toHaveLength(1);
  });

  it("know each other's members, and turn a browser away in one after its logout in the other", async () => {
    const ada = new Visitor(here.url);
    const who = await ada.register();
    const elsewhere = new Visitor(there.url);
    for (const [name, value] of ada.cookies) elsewhere.cookies.set(name, value);
    expect((await elsewhere.visit('/secrets')).html).toContain(who.name);

    expect((await ada.ask('/logout', { method: 'POST' })).headers.get('location')).toBe('/');
    expect((await elsewhere.ask('/secrets')).headers.get('location')).toBe('/login?next=%2Fsecrets');
  });

  it('refuse in one a bearer token that was ended in the other, on the very next request', async () => {
    const script = new Script(here.url);
    await script.register();
    const elsewhere = new Script(there.url);
    elsewhere.token = script.token;
    expect((await elsewhere.ask('/api/v1/users/me')).status).toBe(200);

    expect((await script.ask('/api/v1/auth/logout', { method: 'POST' })).status).toBe(204);
    expect((await elsewhere.ask('/api/v1/users/me')).status).toBe(401);
  });

  it('know in one at once what was changed in the other: a password, a session, a role, a disabled member', async () => {
    const keeper = new Script(there.url);
    await keeper.logIn({ ...person(), ...admin });
    const script = new Script(here.url);
    const who = await script.register();
    const { id } = (await (await script.ask('/api/v1/users/me')).json()) as { id: string };
    const change = (json: object) => keeper.ask(`/api/v1/users/${id}`, { method: 'PATCH', json });
    const isAdmin = async () => (await script.ask('/api/v1/users')).status === 200;

    expect(await isAdmin()).toBe(false);
    expect((await change({ role: 'admin' })).status).toBe(200);
    expect(await isAdmin()).toBe(true);
    expect((await change({ role: 'member' })).status).toBe(200);
    expect(await isAdmin()).toBe(false);

    const elsewhere = new Script(there.url);
    await elsewhere.logIn(who);
    const passwords = { currentPassword: who.password, password: 'another sentence of my own' };
    expect((await elsewhere.ask('/api/v1/users/me/password', { method: 'PUT', json: passwords })).status).toBe(204);
    expect((await script.ask('/api/v1/users/me')).status).toBe(401);
    expect((await elsewhere.ask('/api/v1/users/me')).status).toBe(200);

    await script.logIn({ ...who, password: passwords.password });
    expect((await keeper.ask(`/api/v1/users/${id}/sessions`, { method: 'DELETE' })).status).toBe(204);
    expect((await script.ask('/api/v1/users/me')).status).toBe(401);
    await script.logIn({ ...who, password: passwords.password });
    expect((await change({ disabled: true })).status).toBe(200);
    expect((await script.ask('/api/v1/users/me')).status).toBe(401);
  });

  it('go on in one with a download that began in the other, and never mix two versions', async () => {
    const keeper = new Script(there.url);
    await keeper.logIn({ ...person(), ...admin });
    const send = (method: string, path: string, body: FormData) =>
      fetch(there.url + path, { method, body, headers: { authorization: `Bearer ${keeper.token ?? ''}` } });
    const readPart = async (server: Server, path: string, token = '', headers = {}, until = Infinity) => {
      const answer = await begin(server.url + path, { authorization: `Bearer ${token}`, ...headers });
      const chunks: Buffer[] = [];
      let length = 0;
      for await (const chunk of answer as AsyncIterable<Buffer>) {
        chunks.push(chunk);
        length += chunk.length;
        if (length >= until) break;
      }
      answer.destroy();
      return { status: answer.statusCode, etag: answer.headers.etag, bytes: Buffer.concat(chunks) };
    };
    const versionOf = (bytes: Buffer) => {
      const form = new FormData();
      form.append('file', new Blob([Uint8Array.from(bytes)]), 'report.bin');
      return form;
    };
    const started = [randomBytes(3_000_000), randomBytes(2_500_000)] as const;
    for (const [first, second] of [[here, there] as const, [there, here] as const])
      for (const isReplaced of [false, true])
        for (const named of ['the version', 'nothing']) {
          const [old, next] = started;
          const added = await send('POST', '/api/v1/files', versionOf(old));
          const { id } = (await added.json()) as { id: string };
          const path = `/api/v1/files/${id}/content`;
          const ada = new Script(first.url);
          await ada.register();
          const begun = await readPart(first, path, ada.token, {}, 200_000);
          expect([begun.status, old.subarray(0, begun.bytes.length).equals(begun.bytes)]).toEqual([200, true]);
          if (isReplaced) await send('POST', `/api/v1/files/${id}/versions`, versionOf(next));
          const range = `bytes=${begun.bytes.length}-`;
          const condition = named === 'nothing' ? {} : { 'if-range': begun.etag };
          const rest = await readPart(second, path, ada.token, { range, ...condition });
          const copy = rest.status === 206 ? Buffer.concat([begun.bytes, rest.bytes]) : rest.bytes;
          expect([isReplaced, named, copy.equals(rest.status === 206 ? old : next)]).toEqual([isReplaced, named, true]);
          // who names the version, or knows no other, has the rest; else what went out may count as whole already
          if (!isReplaced || named !== 'nothing') expect(rest.status).toBe(206);
          // once it is whole, a part without the name of its version is one of nobody knows what
          const again = await readPart(first, path, ada.token, { range });
          if (isReplaced) expect([again.status, again.bytes.equals(next)]).toEqual([200, true]);
          else expect([again.status, again.bytes.equals(rest.bytes)]).toEqual([206, true]);
        }
  });

  it('let an invite be used once between them', async () => {
    const keeper = new Script(here.url);
    await keeper.logIn({ ...person(), ...admin });
    expect(
      (await keeper.ask('/api/v1/registration', { method: 'PUT', json: { mode: 'invite', domains: [] } })).status,
    ).toBe(200);
    try {
      const made = await keeper.ask('/api/v1/invites', { json: {} });
      const { link } = (await made.json()) as { link: string };
      const invite = new URL(link).searchParams.get('invite') ?? '';
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, turn) => register(turn % 2 ? here : there, { ...person(), invite })),
      );
      expect(answers.toSorted()).toEqual([201, ...Array.from({ length: 19 }, () => 422)]);
    } finally {
      await keeper.ask('/api/v1/registration', { method: 'PUT', json: { mode: 'open', domains: [] } });
    }
  });

  it('make one account of many equal registrations in both', async () => {
    const who = person();
    const answers = await Promise.all(Array.from({ length: 20 }, (_, turn) => register(turn % 2 ? here : there, who)));
    expect(answers.toSorted()).toEqual([201, ...Array.from({ length: 19 }, () => 409)]);
  });

  it('take 200 registrations at once between them, and neither locks the other out', async () => {
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, turn) => register(turn % 2 ? here : there, person())),
    );
    expect(answers.filter((status) => status !== 201)).toEqual([]);
    expect(complaints(here) + complaints(there)).toBe('');
  });

  it('come up at the same moment a second time, and again', async () => {
    for (let turn = 0; turn < 2; turn++) {
      const fresh = await newDatabase(kind);
      try {
        const both = await startBoth({ DATA_DIR: newFolder(), ...(fresh && { DATABASE_URL: fresh.url }) });
        expect(await Promise.all(both.map((server) => server.stop()))).toEqual([0, 0]);
      } finally {
        await fresh?.drop();
      }
    }
  });
});

describe.each(['sqlite', 'postgres'] as const)(
  'two processes on one %s database that count wrong passwords',
  (kind) => {
    let database: Awaited<ReturnType<typeof newDatabase>>;
    let both: Server[];
    let environment: Record<string, string>;

    beforeAll(async () => {
      database = await newDatabase(kind);
      const url = database && { DATABASE_URL: database.url };
      environment = { DATA_DIR: newFolder(), RATE_LIMITS: 'on', ...asAdmin, ...url };
      both = await startBoth(environment);
    });
    afterAll(async () => {
      for (const server of both) await server.kill();
      await database?.drop();
    });

    /** Tries a password in the one process or the other. */
    const tryIn = async (turn: number, email: string, password: string) => {
      const script = new Script(both[turn % 2]?.url ?? '');
      return (await script.ask('/api/v1/auth/login', { json: { email, password } })).status;
    };

    it('count them together, and still do after both were started again', async () => {
      const { email, password } = await new Script(both[0]?.url ?? '').register();
      const statuses: number[] = [];
      for (let turn = 0; turn < 10; turn++) statuses.push(await tryIn(turn, email, `guess number ${turn}`));
      expect(statuses).toEqual(Array<number>(10).fill(401));
      // the eleventh, and be it right, in either
      expect([await tryIn(0, email, password), await tryIn(1, email, password)]).toEqual([429, 429]);

      expect(await Promise.all(both.map((server) => server.stop()))).toEqual([0, 0]);
      both = await startBoth(environment);
      expect([await tryIn(0, email, password), await tryIn(1, email, password)]).toEqual([429, 429]);
      expect(await tryIn(0, admin.email, admin.password)).toBe(200);
    });

    it('let ten of many through that come to both at once', async () => {
      const { email } = await new Script(both[0]?.url ?? '').register();
      const statuses = await Promise.all(Array.from({ length: 30 }, (_, turn) => tryIn(turn, email, `guess ${turn}`)));
      expect(statuses.toSorted()).toEqual([...Array<number>(10).fill(401), ...Array<number>(20).fill(429)]);
    });
  },
);

describe.each(['sqlite', 'postgres'] as const)('a session in two processes on one %s database', (kind) => {
  /** Larger than what the sockets of both sides hold, so that a reader who stops makes the server wait. */
  const bytes = randomBytes(48 * 1_024 * 1_024);
  const whole = { size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
  let database: Awaited<ReturnType<typeof newDatabase>>;
  let here: Server;
  let there: Server;

  beforeAll(async () => {
    database = await newDatabase(kind);
    const WELCOME_FILE = join(newFolder(), 'big.bin');
    writeFileSync(WELCOME_FILE, bytes);
    const url = database && { DATABASE_URL: database.url };
    [here, there] = await startBoth({ DATA_DIR: newFolder(), WELCOME_FILE, ...url });
  });
  afterAll(async () => {
    await here.kill();
    await there.kill();
    await database?.drop();
  });

  /** A member with a script that talks to the other process, and a download that has begun in this one. */
  async function downloading() {
    const [script, elsewhere] = [new Script(here.url), new Script(there.url)];
    const who = await script.register();
    elsewhere.token = script.token;
    const { items } = (await (await script.ask('/api/v1/files')).json()) as { items: { id: string }[] };
    const path = `/api/v1/files/${items[0]?.id ?? ''}/content`;
    const answer = await begin(here.url + path, { authorization: `Bearer ${script.token ?? ''}` });
    expect(answer.statusCode).toBe(200);
    answer.unshift(await readABit(answer));
    return { who, elsewhere, answer };
  }

  /** Proves in the other process who it is; the token from before opens nothing then. */
  async function prove(script: Script, { password }: Person): Promise<void> {
    const before = script.token;
    const proved = await script.ask('/api/v1/users/me/proof', { method: 'PUT', json: { password } });
    script.token = ((await proved.json()) as { access_token: string }).access_token;
    const old = Object.assign(new Script(here.url), { token: before });
    expect([proved.status, (await old.ask('/api/v1/users/me')).status]).toEqual([200, 401]);
  }

  /** Waits until the download of a member ended without having been sent. */
  const brokeOff = async (who: Person) => {
    const script = new Script(there.url);
    await script.logIn(who);
    await eventually(async () => {
      const { items } = (await (await script.ask('/api/v1/users/me/activity')).json()) as {
        items: { kind: string; outcome: string }[];
      };
      return items.some(({ kind, outcome }) => kind === 'file.downloaded' && outcome === 'broken');
    });
  };

  it('goes on downloading in one when its member proves again who they are in the other', async () => {
    const { who, elsewhere, answer } = await downloading();
    await prove(elsewhere, who);
    // the process looks every second whether it may
    await sleep(2_500);
    await prove(elsewhere, who);
    await sleep(1_500);
    expect(await readAll(answer)).toEqual(whole);
  });

  it('stops downloading in one when it is ended in the other, be it after a proof', async () => {
    for (const isProved of [false, true]) {
      const { who, elsewhere, answer } = await downloading();
      if (isProved) await prove(elsewhere, who);
      expect((await elsewhere.ask('/api/v1/auth/logout', { method: 'POST' })).status).toBe(204);
      await brokeOff(who);
      await expect(readAll(answer)).rejects.toThrow('aborted');
    }
  });

  it('has one new token after many proofs at once in both', async () => {
    const browser = new Visitor(here.url);
    const { email, password } = await browser.register();
    const tabs = Array.from({ length: 20 }, (_, turn) => {
      const tab = new Visitor(turn % 2 ? here.url : there.url);
      for (const [name, value] of browser.cookies) tab.cookies.set(name, value);
      return tab;
    });
    // wrong passwords before them in the queue, so that the first proof is looked at once others have come
    const others = Array.from({ length: 80 }, (_, turn) =>
      new Script((turn % 2 ? here : there).url).ask('/api/v1/auth/login', { json: { email, password: 'a wrong one' } }),
    );
    await sleep(200);
    const form = { password, next: '/account/email', again: 'yes' };
    const answers = await Promise.all(tabs.map((tab) => tab.ask('/account/proof', { form })));
    await Promise.all(others);
    // who comes when the first has proved is out: on a busy machine a few do, and never all of one process
    const locations = answers.map(({ headers }) => headers.get('location'));
    const goOn = [...tabs.keys()].filter((turn) => locations[turn] === '/account/email');
    expect(new Set(goOn.map((turn) => turn % 2))).toEqual(new Set([0, 1]));
    expect(new Set(locations.filter((at) => at !== '/account/email' && !at?.startsWith('/login?')))).toEqual(new Set());

    const winners = tabs.filter((_, turn) => goOn.includes(turn));
    expect(new Set(winners.map(({ cookies }) => read(cookies.get('gatehouse-session') ?? '').payload.jti)).size).toBe(
      1,
    );
    const statuses = await Promise.all(winners.map(async (tab) => (await tab.ask('/account/email')).status));
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect((await browser.ask('/secrets')).status).toBe(303);
  });
});

/** The lines of the log that an operator should worry about. */
const complaints = (server: Server) =>
  server
    .log()
    .split('\n')
    .filter((line) => /"level":"(error|fatal)"|SQLITE_BUSY/.test(line))
    .join('\n');

const startBoth = (environment: Record<string, string>) =>
  Promise.all([startServer(environment), startServer(environment)]);

async function register(server: Server, who: Person & { invite?: string }): Promise<number> {
  const answer = await new Script(server.url).ask('/api/v1/auth/register', { json: who });
  await answer.arrayBuffer();
  return answer.status;
}
