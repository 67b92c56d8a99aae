import { expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readdirSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { keeper } from '../support/admins.js';
import { newDatabase } from '../support/app.js';
import { gatehouse, query } from '../support/command.js';
import { eventually } from '../support/database.js';
import { sha256 } from '../support/hash.js';
import { person, Script, Visitor } from '../support/people.js';
import { need } from '../support/programs.js';
import { newFolder, startServer, type Server } from '../support/server.js';
import { TusClient } from '../support/tus.js';

const MiB = 1_024 * 1_024;

/** Only who may mount a disk can have a small one. */
const onSmallDisk = process.platform === 'linux' && process.getuid?.() === 0 ? it : it.skip;

function smallDisk(megabytes: number): string {
  const folder = newFolder();
  execFileSync(need('mount'), ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', folder]);
  return folder;
}

const freeOn = (folder: string) => {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
};

/** Fills a disk with something that is not the site's, up to the last byte or up to a rest. */
function fill(path: string, rest = 0): void {
  const file = openSync(path, 'w');
  try {
    while (freeOn(join(path, '..')) > rest)
      writeSync(file, Buffer.alloc(Math.min(MiB, freeOn(join(path, '..')) - rest)));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  } finally {
    closeSync(file);
  }
}

class Admin {
  private constructor(
    private readonly server: Server,
    private readonly browser: Visitor,
    readonly script: Script,
  ) {}

  static async of(server: Server): Promise<Admin> {
    const [browser, script] = [new Visitor(server.url), new Script(server.url)];
    await browser.visit('/login', { form: { email: keeper.email, password: keeper.password } });
    await script.logIn(keeper);
    return new Admin(server, browser, script);
  }

  get bearer() {
    return { authorization: `Bearer ${this.script.token ?? ''}` };
  }

  put(name: string, bytes: Buffer): Promise<Response> {
    const body = new Uint8Array(bytes);
    return fetch(`${this.server.url}/api/v1/uploads/${name}`, { method: 'PUT', body, headers: this.bearer });
  }

  post(name: string, bytes: Buffer): Promise<Response> {
    const body = new FormData();
    body.append('file', new Blob([new Uint8Array(bytes)]), name);
    const cookie = [...this.browser.cookies].map(([key, value]) => `${key}=${value}`).join('; ');
    const headers = { cookie, origin: this.server.url, accept: 'text/html' };
    return fetch(`${this.server.url}/admin/files/upload`, { method: 'POST', body, headers, redirect: 'manual' });
  }
}

onSmallDisk.each(['sqlite', 'postgres'] as const)(
  'a disk that is full takes no more files, and all else goes on, with %s',
  async (kind) => {
    const database = await newDatabase(kind);
    const disk = smallDisk(112);
    const DATA_DIR = join(disk, 'data');
    const environment = {
      DATA_DIR,
      ADMIN_EMAIL: keeper.email,
      ADMIN_PASSWORD: keeper.password,
      ...(database && { DATABASE_URL: database.url }),
    };
    const leftovers = () => ['incoming', 'unsettled'].flatMap((folder) => readdirSync(join(DATA_DIR, 'files', folder)));
    try {
      const server = await startServer(environment);
      const admin = await Admin.of(server);
      const member = new Script(server.url);
      const who = await member.register();
      const other = new Script(server.url);
      await other.register();
      const tus = new TusClient(server.url, admin.bearer);
      const kept = new Map<string, string>();
      const pieces = randomBytes(4 * MiB);
      const address = await tus.begun(pieces.length, { filename: 'pieces.bin' });
      await tus.send(address, 0, pieces.subarray(0, MiB));

      const little = randomBytes(1_000);
      const first = (await (await admin.put('little.bin', little)).json()) as { id: string };
      kept.set(first.id, sha256(little));

      let answer: Response;
      for (let n = 0; ; n++) {
        const bytes = randomBytes(9 * MiB);
        answer = await admin.put(`${n}.bin`, bytes);
        if (answer.status !== 201) break;
        kept.set(((await answer.json()) as { id: string }).id, sha256(bytes));
      }
      expect([answer.status, ((await answer.json()) as { detail: string }).detail]).toEqual([
        507,
        'There is no room for this file. Make some, then try again.',
      ]);
      expect(kept.size).toBeGreaterThan(3);
      expect(freeOn(disk)).toBeGreaterThanOrEqual(32 * MiB);
      const page = await admin.post('form.bin', randomBytes(9 * MiB));
      expect([page.status, await page.text()]).toEqual([507, expect.stringContaining('There is no room')]);
      expect((await tus.begin(60 * MiB, { filename: 'large.bin' })).status).toBe(507);
      expect(leftovers()).toEqual([]);

      // something else takes what is left, but for what is kept for the database
      const ballast = join(disk, 'ballast');
      fill(ballast, 20 * MiB);
      expect((await tus.send(address, MiB, pieces.subarray(MiB))).status).toBe(507);
      expect((await admin.put('small.bin', randomBytes(10))).status).toBe(507);
      const isServed = async () => {
        for (const [id, hash] of kept) {
          const content = await member.ask(`/api/v1/files/${id}/content`);
          expect([content.status, sha256(Buffer.from(await content.arrayBuffer()))]).toEqual([200, hash]);
        }
      };
      await isServed();
      await new Script(server.url).register();
      await new Script(server.url).logIn(who);

      // and now all of it
      fill(join(disk, 'more'));
      expect((await admin.put('nothing.bin', randomBytes(10))).status).toBe(507);
      const answers = await Promise.all([
        new Script(server.url).ask('/api/v1/auth/register', { json: person() }),
        new Visitor(server.url).ask('/register', { form: { ...person() } }),
        other.ask(`/api/v1/files/${first.id}/content`),
        other.ask('/api/v1/files'),
        fetch(`${server.url}/`),
      ]);
      for (const each of answers) {
        const text = await each.text();
        if (each.status < 400 || !each.url.includes('/api/')) continue;
        expect([each.headers.get('content-type'), JSON.parse(text)]).toEqual([
          expect.stringContaining('application/problem+json'),
          expect.objectContaining({ status: each.status, detail: expect.stringMatching(/room|full/) }),
        ]);
      }
      for (const { status } of answers) expect([200, 201, 303, 503, 507]).toContain(status);
      expect(answers.slice(3).map(({ status }) => status)).toEqual([200, 200]);
      expect(leftovers()).toEqual([]);

      rmSync(join(disk, 'more'));
      rmSync(ballast);
      await isServed();
      expect(await tus.offsetOf(address)).toBeGreaterThanOrEqual(MiB);
      const offset = await tus.offsetOf(address);
      expect((await tus.send(address, offset, pieces.subarray(offset))).status).toBe(204);
      const { items } = (await (await member.ask('/api/v1/files?q=pieces.bin')).json()) as { items: object[] };
      expect(items).toMatchObject([{ sha256: sha256(pieces) }]);
      expect((await admin.put('again.bin', randomBytes(MiB))).status).toBe(201);
      const spent = () =>
        query<{ spent: number | string }>(
          environment,
          `SELECT "spent" FROM "downloads" JOIN "users" ON "users"."id" = "memberId" WHERE "email" = '${who.email}'`,
        );
      await eventually(async () => (await spent()).length >= kept.size);
      expect((await spent()).map((row) => Number(row.spent))).toEqual([...kept].map(() => 1));
      await server.stop();
      if (!database) expect(await query(environment, 'PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }]);
      const { code, output } = await gatehouse(environment, 'files verify');
      expect([code, output]).toEqual([0, '']);
    } finally {
      execFileSync(need('umount'), ['--lazy', disk]);
      await database?.drop();
    }
  },
  120_000,
);
