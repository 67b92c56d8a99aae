import { expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { readdirSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { keeper } from '../support/admins.js';
import { newDatabase } from '../support/app.js';
import { gatehouse, query, type Environment } from '../support/command.js';
import { eventually } from '../support/database.js';
import { sha256 } from '../support/hash.js';
import { person, Script, type Person } from '../support/people.js';
import { newFolder, startServer, type Server } from '../support/server.js';
import { chance, sized } from '../support/suite.js';
import { fileIn, TusClient } from '../support/tus.js';

/** When a server is killed, and how large files are. */
const random = chance('kills');

const kills = sized('30 kills on each database, 3 of them', 3, 30);

/** What goes on while the server is killed, and what must hold after. */
interface Work {
  /** Does so many things at once, and tells of each that was acknowledged. */
  begin(server: Server, acknowledged: () => unknown): Promise<unknown>[];
  /** Sees that what was acknowledged the last time is there. */
  prove(server: Server): Promise<void>;
}

class Registrations implements Work {
  acknowledged = 0;
  static readonly atOnce = 20;
  private unproven: Person[] = [];

  begin(server: Server, acknowledged: () => unknown): Promise<unknown>[] {
    return Array.from({ length: Registrations.atOnce }, async () => {
      this.unproven.push(await new Script(server.url).register(person()));
      this.acknowledged++;
      acknowledged();
    });
  }

  async prove(server: Server): Promise<void> {
    await Promise.all(this.unproven.splice(0).map((member) => new Script(server.url).logIn(member)));
  }
}

class Uploads implements Work {
  acknowledged = 0;
  static readonly atOnce = 20;
  private round = 0;
  private token = '';
  /** The hash of each that was begun the last time, and under which address it is, where that was said. */
  private readonly begun = new Map<string, string>();
  private readonly unproven = new Map<string, string>();

  begin(server: Server, acknowledged: () => unknown): Promise<unknown>[] {
    this.round++;
    return Array.from({ length: Uploads.atOnce }, async (_, index) => {
      const bytes = randomBytes(Math.floor(random() * 3_000_000));
      const name = `round-${this.round}-file-${index}.bin`;
      this.begun.set(name, sha256(bytes));
      this.unproven.set(name, await this.send(index % 3, server, name, bytes));
      this.acknowledged++;
      acknowledged();
    });
  }

  async prove(server: Server): Promise<void> {
    this.token ||= await logInAsAdmin(server);
    const list = await this.ask(server, `/api/v1/files?q=round-${this.round}-&limit=100`);
    const { items } = (await list.json()) as { items: { id: string; name: string; sha256: string }[] };
    // what nobody was told of is whole too, where it was written down in the last moment
    for (const { id, name } of items) {
      const content = await this.ask(server, `/api/v1/files/${id}/content`);
      expect([name, sha256(Buffer.from(await content.arrayBuffer()))]).toEqual([name, this.begun.get(name)]);
    }
    const found = new Map(items.map(({ id, name }) => [name, `/api/v1/files/${id}`]));
    for (const [name, address] of this.unproven) expect([name, found.get(name)]).toEqual([name, address]);
    expect(found.size).toBe(items.length);
    this.begun.clear();
    this.unproven.clear();
  }

  private send(way: number, server: Server, name: string, bytes: Buffer): Promise<string> {
    if (way === 0) return this.put(server, name, bytes);
    return way === 1 ? this.post(server, name, bytes) : this.sendInPieces(server, name, bytes);
  }

  private async put(server: Server, name: string, bytes: Buffer): Promise<string> {
    const answer = await this.ask(server, `/api/v1/uploads/${name}`, { method: 'PUT', body: new Uint8Array(bytes) });
    return addressIn(answer, 201);
  }

  private async post(server: Server, name: string, bytes: Buffer): Promise<string> {
    const body = new FormData();
    body.append('file', new Blob([new Uint8Array(bytes)]), name);
    return addressIn(await this.ask(server, '/api/v1/files', { method: 'POST', body }), 201);
  }

  private async sendInPieces(server: Server, name: string, bytes: Buffer): Promise<string> {
    const tus = new TusClient(server.url, { authorization: `Bearer ${this.token}` });
    const address = await tus.begun(bytes.length, { filename: name });
    const half = bytes.length >> 1;
    await tus.send(address, 0, bytes.subarray(0, half));
    return addressIn(await tus.send(address, half, bytes.subarray(half)), 204);
  }

  private ask({ url }: Server, path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(new URL(path, url), { ...init, headers: { authorization: `Bearer ${this.token}` } });
  }
}

/** Where the file is that an upload has become. */
async function addressIn(answer: Response, status: number): Promise<string> {
  const body = await answer.text();
  if (answer.status !== status) throw new Error(`An upload was answered ${answer.status}: ${body}`);
  return fileIn(answer) || `/api/v1/files/${(JSON.parse(body) as { id: string }).id}`;
}

async function logInAsAdmin({ url }: Server): Promise<string> {
  const admin = new Script(url);
  await admin.logIn(keeper);
  return admin.token ?? '';
}

it.concurrent.each(['sqlite', 'postgres'] as const)(
  'what was acknowledged before a SIGKILL is there after it, and no half of anything, again and again on %s',
  async (kind) => {
    const database = await newDatabase(kind);
    const dataDir = newFolder();
    const environment = {
      DATA_DIR: dataDir,
      ADMIN_EMAIL: keeper.email,
      ADMIN_PASSWORD: keeper.password,
      ...(database && { DATABASE_URL: database.url }),
    };
    try {
      const [registrations, uploads] = [new Registrations(), new Uploads()];
      const works = [registrations, uploads];
      for (let kill = 0; kill < kills; kill++) {
        const server = await startServer(environment);
        await prove(works, server);
        await killAmid(server, works);
      }
      if (!database) expect(await query(environment, 'PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }]);
      const last = await startServer(environment);
      await prove(works, last);
      await last.kill();
      await leavesNothingBehind(environment);

      const { atOnce: people } = Registrations;
      const { atOnce: files } = Uploads;
      process.stdout.write(
        `${kind}: ${kills} kills, ${registrations.acknowledged} of ${kills * people} registrations and ${uploads.acknowledged} of ${kills * files} uploads acknowledged\n`,
      );
      for (const { acknowledged } of works) expect(acknowledged).toBeGreaterThanOrEqual(kills / 2);
      expect(uploads.acknowledged).toBeLessThan(kills * files);
    } finally {
      await database?.drop();
    }
  },
  1_200_000,
);

async function prove(works: readonly Work[], server: Server): Promise<void> {
  try {
    for (const work of works) await work.prove(server);
  } catch (cause) {
    throw new Error(`What the server said last: ${server.log().slice(-5_000)}`, { cause });
  }
}

/** Begins all at once, and kills the server after a few of each were acknowledged. */
async function killAmid(server: Server, works: readonly Work[]): Promise<void> {
  const begun: Promise<unknown>[] = [];
  const enough = works.map(
    (work) =>
      new Promise<void>((resolve) => {
        let patience = 1 + Math.floor(random() * 12);
        begun.push(...work.begin(server, () => --patience === 0 && resolve()));
      }),
  );
  const all = Promise.allSettled(begun);
  await Promise.race([Promise.all(enough), all]);
  await sleep(random() * 20);
  await server.kill();
  await all;
}

/** Sees that, three days later, the store holds the bytes of files and nothing else. */
async function leavesNothingBehind(environment: Environment): Promise<void> {
  const folder = join(environment.DATA_DIR ?? '', 'files');
  const all = () =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name));
  const threeDaysAgo = Date.now() / 1_000 - 3 * 86_400;
  for (const path of all()) utimesSync(path, threeDaysAgo, threeDaysAgo);
  await query(environment, 'UPDATE "uploads" SET "expiresAt" = 1');
  const before = all().length;
  const server = await startServer(environment);
  const [row] = await query<{ versions: number | string }>(
    environment,
    'SELECT COUNT(*) AS "versions" FROM "file_versions"',
  );
  await eventually(() => all().length === Number(row?.versions));
  process.stdout.write(`${before - all().length} leftovers were swept\n`);
  await server.kill();
  const { code, output } = await gatehouse(environment, 'files verify');
  expect([code, output]).toEqual([0, '']);
}
