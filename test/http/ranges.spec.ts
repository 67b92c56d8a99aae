import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { once } from 'node:events';
import { request, type ClientRequest, type IncomingMessage } from 'node:http';
import { startApp, type TestApp } from '../support/app.js';
import { faultsOf } from '../support/faults.js';
import { Script } from '../support/people.js';
import { largeSize, shelve, type Shelved } from '../support/stored.js';

let site: TestApp;
let script: Script;
const shelf = new Map<string, Shelved>();
beforeAll(async () => {
  site = await startApp();
  script = new Script(site.url);
  await script.register();
  shelf.set('kept in memory', await shelve(site, 9_973));
  shelf.set('sent as a stream', await shelve(site, largeSize));
});
afterAll(() => site.close());

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
