import { beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { DataSource } from 'typeorm';
import { FilesService } from '../../src/files/files.service.js';
import { Grants } from '../../src/downloads/grants.js';
import { adminOf, idOf, startWithAdmin } from '../support/admins.js';
import { aSite } from '../support/app.js';
import { eventually } from '../support/database.js';
import { Script } from '../support/people.js';
import { largeSize, shelve, type Shelved } from '../support/stored.js';

const site = aSite(() => startWithAdmin());
let admin: Script;
beforeAll(async () => {
  admin = (await adminOf(site)).script;
});

interface Member {
  readonly script: Script;
  readonly id: string;
}

async function join(): Promise<Member> {
  const script = new Script(site.url);
  return { script, id: await idOf(site, await script.register()) };
}

/** What is written down of a member and the newest version of a file, once everything that ended is. */
async function countOf({ file }: Shelved, { id }: Member) {
  await eventually(() => site.app.get(Grants).areSettled);
  const [row] = await site.app.get(DataSource).query<Record<string, unknown>[]>(
    `SELECT d."spent", d."coveredBytes", d."grantedBytes", d."completedAt" FROM "downloads" d
     JOIN "files" f ON f."versionId" = d."versionId" WHERE f."id" = '${file.id}' AND d."memberId" = '${id}'`,
  );
  return {
    spent: Number(row?.spent ?? 0),
    covered: Number(row?.coveredBytes ?? 0),
    granted: Number(row?.grantedBytes ?? 0),
    isComplete: (row?.completedAt ?? null) !== null,
  };
}

const spentInAll = async ({ file }: Shelved) => {
  const [row] = await site.app
    .get(DataSource)
    .query<{ downloads: number | string }[]>(
      `SELECT "downloads" FROM "file_versions" WHERE "fileId" = '${file.id}' ORDER BY "number" DESC LIMIT 1`,
    );
  return Number(row?.downloads);
};

const get = async ({ content }: Shelved, { script }: Member, headers: Record<string, string> = {}, method = 'GET') => {
  const answer = await script.ask(content, { method, headers });
  return { status: answer.status, bytes: Buffer.from(await answer.arrayBuffer()), etag: answer.headers.get('etag') };
};

const range = (start: number, end: number | '' = '') => ({ range: `bytes=${start}-${end}` });

/** Asks for a file, takes so many bytes of it, and breaks off; gives how many had come. */
async function breakOff(shelved: Shelved, { script }: Member, after: number, headers: Record<string, string> = {}) {
  const asked = request(new URL(shelved.content, site.url), {
    agent: false,
    headers: { authorization: `Bearer ${script.token ?? ''}`, ...headers },
  });
  asked.end();
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  let taken = 0;
  for await (const chunk of answer) {
    taken += (chunk as Buffer).length;
    if (taken >= after) break;
  }
  asked.destroy();
  return taken;
}

const move = (member: Member, milliseconds: number) =>
  site.app
    .get(DataSource)
    .query(`UPDATE "downloads" SET "openedAt" = "openedAt" - ${milliseconds} WHERE "memberId" = '${member.id}'`);

const limit = async ({ file }: Shelved, json: object) =>
  expect((await admin.ask(`/api/v1/files/${file.id}`, { method: 'PATCH', json })).status).toBe(200);

describe('a download', () => {
  it('is counted once it is sent, for that member alone', async () => {
    const [shelved, ada, grace] = [await shelve(site, 5_000), await join(), await join()];
    expect((await get(shelved, ada)).bytes.equals(shelved.bytes)).toBe(true);
    expect(await countOf(shelved, ada)).toEqual({ spent: 1, covered: 5_000, granted: 5_000, isComplete: true });
    expect(await countOf(shelved, grace)).toEqual({ spent: 0, covered: 0, granted: 0, isComplete: false });
    expect(await spentInAll(shelved)).toBe(1);
    const shown = await (await ada.script.ask(`/api/v1/files/${shelved.file.id}`)).json();
    expect(shown).toMatchObject({ downloaded: 'whole', downloadedBytes: 5_000 });
  });

  it('costs nothing where no bytes are served', async () => {
    const [shelved, ada] = [await shelve(site, 5_000), await join()];
    const etag = `"${shelved.file.sha256}"`;
    const free: [number, Record<string, string>, string?][] = [
      [200, {}, 'HEAD'],
      [200, range(10), 'HEAD'],
      [304, { 'if-none-match': etag }],
      [412, { 'if-match': '"another"' }],
      [416, range(5_000)],
    ];
    for (const [status, headers, method] of free)
      expect([headers, (await get(shelved, ada, headers, method)).status]).toEqual([headers, status]);
    expect(await countOf(shelved, ada)).toMatchObject({ spent: 0, granted: 0 });
    expect(await spentInAll(shelved)).toBe(0);
  });

  it('of an empty file is counted, and is whole', async () => {
    const [shelved, ada] = [await shelve(site, 0), await join()];
    for (let times = 0; times < 3; times++) expect((await get(shelved, ada)).status).toBe(200);
    expect(await countOf(shelved, ada)).toEqual({ spent: 1, covered: 0, granted: 0, isComplete: true });
    const shown = await (await ada.script.ask(`/api/v1/files/${shelved.file.id}`)).json();
    expect(shown).toMatchObject({ downloaded: 'whole' });
  });

  it('is taken up again for nothing until about twice the size was sent; then the next is counted', async () => {
    const [shelved, ada] = [await shelve(site, 5_000), await join()];
    await get(shelved, ada, range(0, 2_499));
    expect(await countOf(shelved, ada)).toMatchObject({ spent: 1, covered: 2_500, isComplete: false });
    await get(shelved, ada, range(2_500));
    expect(await countOf(shelved, ada)).toEqual({ spent: 1, covered: 5_000, granted: 5_000, isComplete: true });
    await get(shelved, ada, range(1));
    await get(shelved, ada, range(4_998));
    expect(await countOf(shelved, ada)).toMatchObject({ spent: 1, granted: 10_001 });
    await get(shelved, ada, range(0, 0));
    expect(await countOf(shelved, ada)).toMatchObject({ spent: 2, granted: 1 });
    expect(await spentInAll(shelved)).toBe(2);
  });

  it('is counted anew after 24 hours', async () => {
    const [shelved, ada] = [await shelve(site, 5_000), await join()];
    await get(shelved, ada, range(0, 99));
    await move(ada, 24 * 3_600_000 - 60_000);
    await get(shelved, ada, range(100, 199));
    expect(await countOf(shelved, ada)).toMatchObject({ spent: 1, covered: 200 });
    await move(ada, 120_000);
    await get(shelved, ada, range(200, 299));
    expect(await countOf(shelved, ada)).toMatchObject({ spent: 2, covered: 300, granted: 100 });
  });

  it('in two hundred ranges at once is one', async () => {
    const [shelved, ada] = [await shelve(site, 200_000), await join()];
    const parts = Array.from({ length: 200 }, (_, n) => get(shelved, ada, range(n * 1_000, n * 1_000 + 999)));
    expect(Buffer.concat((await Promise.all(parts)).map(({ bytes }) => bytes)).equals(shelved.bytes)).toBe(true);
    expect(await countOf(shelved, ada)).toEqual({ spent: 1, covered: 200_000, granted: 200_000, isComplete: true });
    expect(await spentInAll(shelved)).toBe(1);
  });

  it('that many make whole at once is not free for all of them', async () => {
    const [shelved, ada] = [await shelve(site, 5_000), await join()];
    await Promise.all(Array.from({ length: 20 }, () => get(shelved, ada)));
    expect(await countOf(shelved, ada)).toMatchObject({ spent: 10 });
  });

  it('that breaks off gives back what was not sent, and is whole once the rest has come', async () => {
    const [shelved, ada] = [await shelve(site, 8 * largeSize), await join()];
    const size = shelved.bytes.length;
    let taken = 0;
    for (let times = 0; times < 3; times++) {
      taken += await breakOff(shelved, ada, 100_000, range(taken));
      await eventually(async () => (await countOf(shelved, ada)).covered >= taken);
      const { covered, granted, ...rest } = await countOf(shelved, ada);
      expect(rest).toEqual({ spent: 1, isComplete: false });
      expect(covered).toBeLessThan(size);
      expect(granted).toBeLessThan(2 * size);
    }
    expect((await get(shelved, ada, range(taken))).bytes.equals(shelved.bytes.subarray(taken))).toBe(true);
    expect(await countOf(shelved, ada)).toMatchObject({ spent: 1, covered: size, isComplete: true });
  });
});

describe('whatever the ranges', () => {
  it('together they are the file, one download, and whole exactly when every byte was sent', async () => {
    const ada = await join();
    const cuts = fc.uniqueArray(fc.integer({ min: 1, max: 2_999 }), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(
        cuts,
        fc.infiniteStream(fc.nat()),
        fc.nat(),
        fc.boolean(),
        async (inside, order, left, atOnce) => {
          const shelved = await shelve(site, 3_000);
          const starts = [0, ...inside.toSorted((one, other) => one - other)];
          const pieces = starts
            .map((start, n) => ({ start, end: (starts[n + 1] ?? 3_000) - 1, rank: order.next().value as number }))
            .toSorted((one, other) => one.rank - other.rank);
          const whole = Buffer.alloc(3_000);
          const take = async ({ start, end }: { start: number; end: number }) =>
            (await get(shelved, ada, range(start, end))).bytes.copy(whole, start);
          const last = pieces[left % pieces.length];
          if (!last) throw new Error('There is always a piece.');
          const rest = pieces.filter((piece) => piece !== last);
          if (atOnce) await Promise.all(rest.map(take));
          else for (const piece of rest) await take(piece);
          const before = await countOf(shelved, ada);
          expect(before.isComplete).toBe(false);
          expect(before.covered).toBe(3_000 - (last.end - last.start + 1));
          await take(last);
          expect(whole.equals(shelved.bytes)).toBe(true);
          expect(await countOf(shelved, ada)).toEqual({ spent: 1, covered: 3_000, granted: 3_000, isComplete: true });
          expect(await spentInAll(shelved)).toBe(1);
        },
      ),
      { numRuns: 25 },
    );
  });
});

describe('a limit', () => {
  it('for each member closes the file to who has spent it, but for what is left of the last one', async () => {
    const [shelved, ada, grace] = [await shelve(site, 5_000), await join(), await join()];
    await limit(shelved, { memberLimit: 1 });
    await get(shelved, ada, range(0, 99));
    expect((await get(shelved, ada, range(100))).status).toBe(206);
    expect((await get(shelved, ada)).status).toBe(200);
    const refused = await ada.script.ask(shelved.content);
    expect([refused.status, await refused.json()]).toEqual([
      403,
      expect.objectContaining({ detail: 'You have downloaded this file as often as you may.' }),
    ]);
    expect((await get(shelved, ada, {}, 'HEAD')).status).toBe(200);
    expect((await get(shelved, grace)).status).toBe(200);
    await limit(shelved, { memberLimit: 2 });
    expect((await get(shelved, ada)).status).toBe(200);
    expect(await countOf(shelved, ada)).toMatchObject({ spent: 2 });
  });

  it('in all holds when many want the last ones at once', async () => {
    const shelved = await shelve(site, 5_000);
    await limit(shelved, { totalLimit: 10 });
    const members = await Promise.all(Array.from({ length: 30 }, join));
    const answers = await Promise.all(members.map((member) => get(shelved, member)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(10);
    expect(answers.filter(({ status }) => status === 403)).toHaveLength(20);
    expect(await spentInAll(shelved)).toBe(10);
    const whoGot = (wanted: number) => members.filter((_, n) => answers[n]?.status === wanted);
    for (const winner of whoGot(200)) expect((await get(shelved, winner, range(9))).status).toBe(206);
    await limit(shelved, { totalLimit: null });
    for (const late of whoGot(403)) expect((await get(shelved, late)).status).toBe(200);
  });

  it('is for one version', async () => {
    const [shelved, ada] = [await shelve(site, 5_000), await join()];
    await limit(shelved, { memberLimit: 1, totalLimit: 1 });
    await move(ada, 0);
    await get(shelved, ada);
    await move(ada, 25 * 3_600_000);
    expect((await get(shelved, ada)).status).toBe(403);
    await replace(shelved, 'another');
    expect((await get(shelved, ada)).bytes.toString()).toBe('another');
  });

  it('is a whole number from 1 on', async () => {
    const { file } = await shelve(site, 10);
    for (const wrong of [0, -1, 1.5, '2', 1e12, true]) {
      const json = { memberLimit: wrong };
      if (wrong === '2') continue;
      expect([wrong, (await admin.ask(`/api/v1/files/${file.id}`, { method: 'PATCH', json })).status]).toEqual([
        wrong,
        422,
      ]);
    }
  });
});

const replace = ({ file }: Shelved, bytes: string | Buffer) =>
  site.app.get(FilesService).addVersion(file, Readable.from([Buffer.from(bytes)]));

describe('a download of a file that is replaced meanwhile', () => {
  const begun = async () => {
    const [shelved, ada] = [await shelve(site, 5_000), await join()];
    await get(shelved, ada, range(0, 999));
    await replace(shelved, Buffer.alloc(4_000, 'new'));
    return { shelved, ada, old: `"${shelved.file.sha256}"` };
  };

  it('goes on with the old bytes, where the client says which it has', async () => {
    const { shelved, ada, old } = await begun();
    const rest = await get(shelved, ada, { ...range(1_000), 'if-range': old });
    expect(rest).toEqual({ status: 206, bytes: shelved.bytes.subarray(1_000), etag: old });
  });

  it('goes on with the old bytes, where the client only says how far it is', async () => {
    const { shelved, ada, old } = await begun();
    expect(await get(shelved, ada, range(1_000))).toEqual({
      status: 206,
      bytes: shelved.bytes.subarray(1_000),
      etag: old,
    });
    // it has the old one whole now: there is nothing to go on with
    expect((await get(shelved, ada, range(1_000))).bytes.toString()).toMatch(/^(ewn|wne|new)+/);
  });

  it('starts anew with the new bytes otherwise', async () => {
    const { shelved, ada, old } = await begun();
    const grace = await join();
    const anew = [
      await get(shelved, grace, { ...range(1_000), 'if-range': old }),
      await get(shelved, ada, { ...range(1_000), 'if-range': `"${'0'.repeat(64)}"` }),
      await get(shelved, ada),
    ];
    for (const { status, bytes, etag } of anew) {
      expect([status, bytes.length]).toEqual([200, 4_000]);
      expect(etag).not.toBe(old);
    }
    expect((await get(shelved, grace, range(1_000))).bytes).toHaveLength(3_000);
    await move(ada, 25 * 3_600_000);
    expect((await get(shelved, ada, { ...range(1_000), 'if-range': old })).status).toBe(200);
  });
});
