import { beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { once } from 'node:events';
import { request, type ClientRequest, type IncomingMessage } from 'node:http';
import type { EventView } from '../../src/activity/event.view.js';
import { aSite } from '../support/app.js';
import { eventually } from '../support/database.js';
import { faultsOf } from '../support/faults.js';
import { Script } from '../support/people.js';
import { largeSize, shelve, type Shelved } from '../support/stored.js';

const site = aSite();
let script: Script;
const shelf = new Map<string, Shelved>();
beforeAll(async () => {
  script = new Script(site.url);
  await script.register();
  shelf.set('kept in memory', await shelve(site, 9_973));
  shelf.set('sent as a stream', await shelve(site, largeSize));
});

describe.each(['kept in memory', 'sent as a stream'])('of a file that is %s', (kind) => {
  it('any range is that slice of it', async () => {
    const shelved = find(kind);
    const { length } = shelved.bytes;
    await fc.assert(
      fc.asyncProperty(fc.nat(length - 1), fc.nat(length * 2), async (first, last) => {
        fc.pre(first <= last);
        const bytes = await part(shelved, `bytes=${first}-${last}`);
        expect(bytes.equals(shelved.bytes.subarray(first, last + 1))).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  it('any number of last bytes is its end', async () => {
    const shelved = find(kind);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: shelved.bytes.length * 2 }), async (count) => {
        expect((await part(shelved, `bytes=-${count}`)).equals(shelved.bytes.subarray(-count))).toBe(true);
      }),
      { numRuns: 20 },
    );
  });

  it('any partition into ranges, asked for in any order and at once, is the file again', async () => {
    const shelved = find(kind);
    const { length } = shelved.bytes;
    const cuts = fc.uniqueArray(fc.integer({ min: 1, max: length - 1 }), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(cuts, fc.infiniteStream(fc.nat()), async (inside, order) => {
        const starts = [0, ...inside.toSorted((a, b) => a - b)];
        const ranges = starts.map((start, index) => [start, (starts[index + 1] ?? length) - 1] as const);
        const shuffled = ranges
          .map((range) => ({ range, rank: order.next().value as number }))
          .toSorted((a, b) => a.rank - b.rank);
        const whole = Buffer.alloc(length);
        await Promise.all(
          shuffled.map(async ({ range: [start, end] }) =>
            (await part(shelved, `bytes=${start}-${end}`)).copy(whole, start),
          ),
        );
        expect(whole.equals(shelved.bytes)).toBe(true);
      }),
      { numRuns: 10 },
    );
  });

  it('twenty downloads at once are all whole', async () => {
    const { content, bytes } = find(kind);
    const copies = await Promise.all(
      Array.from({ length: 20 }, async () => Buffer.from(await (await script.ask(content)).arrayBuffer())),
    );
    expect(copies.every((copy) => copy.equals(bytes))).toBe(true);
  });

  it('a download that broke off goes on where it stopped, by If-Range', async () => {
    const { content, bytes, file } = find(kind);
    const response = await begin(content);
    const [chunk] = (await once(response, 'data')) as [Buffer];
    response.destroy();
    const start = chunk.subarray(0, chunk.length / 2);
    const answer = await script.ask(content, {
      headers: { range: `bytes=${start.length}-`, 'if-range': `"${file.sha256}"` },
    });
    const rest = Buffer.from(await answer.arrayBuffer());
    expect(Buffer.concat([start, rest]).equals(bytes)).toBe(true);
  });
});

describe('what is written down of a file', () => {
  const eventsOf = async (who: Script) => {
    const answer = await who.ask('/api/v1/users/me/activity');
    const { items } = (await answer.json()) as { items: EventView[] };
    return items
      .filter(({ kind }) => kind.startsWith('file.'))
      .map(({ kind, outcome, target }) => [kind, outcome, target])
      .toReversed();
  };
  const newcomer = async () => {
    const who = new Script(site.url);
    await who.register();
    const take = async ({ content }: Shelved, headers = {}, method = 'GET') =>
      (await who.ask(content, { method, headers })).arrayBuffer();
    return { who, take };
  };

  it('that is taken in parts within a minute is one line, and one that is taken whole is another kind', async () => {
    const [{ who, take }, shelved] = [await newcomer(), await shelve(site, 1_000, 'film.mp4')];
    await take(shelved, { range: 'bytes=0-9' });
    await eventually(async () => (await eventsOf(who)).length === 1);
    for (const range of ['bytes=10-19', 'bytes=-5', 'bytes=0-']) await take(shelved, { range });
    await take(shelved);
    await eventually(async () => (await eventsOf(who)).length > 1);
    await take(shelved);
    await eventually(async () => (await eventsOf(who)).length > 2);
    expect(await eventsOf(who)).toEqual([
      ['file.part-downloaded', 'success', 'film.mp4'],
      ['file.downloaded', 'success', 'film.mp4'],
      ['file.downloaded', 'success', 'film.mp4'],
    ]);
  });

  it('is a line for each member and each file', async () => {
    const [ada, grace] = [await newcomer(), await newcomer()];
    const [film, song] = [await shelve(site, 1_000, 'film.mp4'), await shelve(site, 1_000, 'song.ogg')];
    for (const { take } of [ada, grace]) for (const one of [film, song]) await take(one, { range: 'bytes=5-' });
    for (const { who } of [ada, grace]) {
      await eventually(async () => (await eventsOf(who)).length === 2);
      expect((await eventsOf(who)).map(([kind, , target]) => [kind, target])).toEqual([
        ['file.part-downloaded', 'film.mp4'],
        ['file.part-downloaded', 'song.ogg'],
      ]);
    }
  });

  it('is nothing where no byte of it was sent', async () => {
    const [{ who, take }, shelved] = [await newcomer(), await shelve(site, 1_000, 'film.mp4')];
    await take(shelved, {}, 'HEAD');
    await take(shelved, { 'if-none-match': `"${shelved.file.sha256}"` });
    await take(shelved, { range: 'bytes=5000-' });
    await take(shelved);
    await eventually(async () => (await eventsOf(who)).length > 0);
    expect(await eventsOf(who)).toEqual([['file.downloaded', 'success', 'film.mp4']]);
  });
});

it('forty clients who go away in the middle leave the server well', async () => {
  const { content, bytes } = find('sent as a stream');
  await Promise.all(
    Array.from({ length: 40 }, async (_, index) => {
      const response = await begin(content);
      if (index % 2 === 0) await once(response, 'data');
      response.destroy();
    }),
  );
  const whole = Buffer.from(await (await script.ask(content)).arrayBuffer());
  expect(whole.equals(bytes)).toBe(true);
  expect((await fetch(`${site.url}/ready`)).status).toBe(200);
});

it('clients who go away before the answer leave the server well', async () => {
  const { content } = find('sent as a stream');
  for (let count = 0; count < 20; count++) {
    const asked = ask(content).on('error', () => undefined);
    asked.end();
    await once(asked, 'finish');
    asked.destroy();
  }
  expect((await script.ask(content, { method: 'HEAD' })).status).toBe(200);
});

it('nothing of all that went wrong on the server’s side', () => {
  expect(faultsOf(site)).toEqual([]);
});

function find(kind: string): Shelved {
  const shelved = shelf.get(kind);
  if (!shelved) throw new Error(`No file is ${kind}.`);
  return shelved;
}

async function part({ content }: Shelved, range: string): Promise<Buffer> {
  const answer = await script.ask(content, { headers: { range } });
  expect(answer.status).toBe(206);
  return Buffer.from(await answer.arrayBuffer());
}

const ask = (path: string): ClientRequest =>
  request(new URL(path, site.url), { agent: false, headers: { authorization: `Bearer ${script.token ?? ''}` } });

/** Begins a download whose content nobody has read yet. */
async function begin(path: string): Promise<IncomingMessage> {
  const asked = ask(path);
  asked.end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  return response;
}
