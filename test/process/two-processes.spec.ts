import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { newDatabase } from '../support/app.js';
import { person, Script, Visitor } from '../support/people.js';
import { newFolder, startServer, type Server } from '../support/server.js';

describe.each(['sqlite', 'postgres'] as const)('two processes on one %s database', (kind) => {
  let database: Awaited<ReturnType<typeof newDatabase>>;
  let dataDir: string;
  let here: Server;
  let there: Server;

  beforeAll(async () => {
    database = await newDatabase(kind);
    dataDir = newFolder();
    [here, there] = await startBoth({ DATA_DIR: dataDir, ...(database && { DATABASE_URL: database.url }) });
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

async function register(server: Server, who: ReturnType<typeof person>): Promise<number> {
  const answer = await new Script(server.url).ask('/api/v1/auth/register', { json: who });
  await answer.arrayBuffer();
  return answer.status;
}
