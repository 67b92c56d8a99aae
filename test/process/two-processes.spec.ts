import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { newDatabase } from '../support/app.js';
import { person, Script, Visitor, type Person } from '../support/people.js';
import { newFolder, startServer, type Server } from '../support/server.js';

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
