import { expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { createReadStream, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import tus from 'tus-js-client';
import { keeper } from '../support/admins.js';
import { newDatabase } from '../support/app.js';
import { sha256 } from '../support/hash.js';
import { Script } from '../support/people.js';
import { freePort, newFolder, startServer } from '../support/server.js';

const MiB = 1_024 * 1_024;
const size = 200 * MiB + 12_345;

it.each(['sqlite', 'postgres'] as const)(
  'a tus client goes on with an upload whose server is killed twice, on %s',
  async (kind) => {
    const database = await newDatabase(kind);
    const environment = {
      DATA_DIR: newFolder(),
      PORT: await freePort(),
      ADMIN_EMAIL: keeper.email,
      ADMIN_PASSWORD: keeper.password,
      ...(database && { DATABASE_URL: database.url }),
    };
    try {
      const bytes = randomBytes(size);
      const path = join(newFolder(), 'disk.img');
      writeFileSync(path, bytes);
      let server = await startServer(environment);
      const admin = new Script(server.url);
      await admin.logIn(keeper);

      const offsets: number[] = [];
      const kills = [0.2, 0.6];
      const restart = async () => {
        await server.kill();
        await sleep(300);
        server = await startServer(environment);
      };
      await new Promise<void>((resolve, reject) => {
        new tus.Upload(createReadStream(path), {
          endpoint: `${server.url}/api/v1/uploads`,
          headers: { authorization: `Bearer ${admin.token ?? ''}` },
          metadata: { filename: 'disk.img' },
          // as long as the site takes to come back
          retryDelays: Array.from({ length: 3_000 }, () => 200),
          onBeforeRequest: (request) => {
            const offset = request.getHeader('Upload-Offset');
            if (request.getMethod() === 'PATCH') offsets.push(Number(offset));
          },
          onProgress: (sent) => {
            if (sent / size < (kills[0] ?? 2)) return;
            kills.shift();
            restart().catch(reject);
          },
          onSuccess: () => {
            resolve();
          },
          onError: reject,
        }).start();
      });
      expect(kills).toEqual([]);
      expect(offsets.length).toBeGreaterThanOrEqual(3);
      expect(offsets).toEqual(offsets.toSorted((one, other) => one - other));
      expect(offsets.at(-1)).toBeGreaterThan(0);

      const { items } = (await (await admin.ask('/api/v1/files?q=disk.img')).json()) as { items: { id: string }[] };
      expect(items).toEqual([expect.objectContaining({ size, sha256: sha256(bytes) })]);
      const content = await admin.ask(`/api/v1/files/${items[0]?.id ?? ''}/content`);
      expect(Buffer.from(await content.arrayBuffer()).equals(bytes)).toBe(true);
      await server.kill();
    } finally {
      await database?.drop();
    }
  },
  120_000,
);
