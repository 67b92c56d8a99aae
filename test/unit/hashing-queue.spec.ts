import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Busy } from '../../src/http/errors.js';
import { HashingQueue } from '../../src/users/hashing-queue.js';

/** A queue whose jobs end when the test says so, in the order in which they began. */
function queueOf(atOnce: number, most: number) {
  const queue = new HashingQueue(atOnce, most);
  const [begun, refused, ended]: [string[], string[], (() => void)[]] = [[], [], []];
  const ask = (client: string, mostOfOne?: number) =>
    queue
      .run(client, () => new Promise<void>((end) => void (begun.push(client), ended.push(end))), mostOfOne)
      .catch((error: unknown) => {
        expect(error).toBeInstanceOf(Busy);
        refused.push(client);
      });
  /** Lets so many jobs end, each before the next. */
  const end = async (count: number) => {
    for (let index = 0; index < count; index++) {
      ended.shift()?.();
      for (let turn = 0; turn < 5; turn++) await Promise.resolve();
    }
  };
  return { ask, end, begun, refused };
}

describe('clients who wait for a turn', () => {
  it('take turns, each in the order in which it asked', async () => {
    const { ask, end, begun } = queueOf(1, 10);
    for (const client of ['a', 'a', 'a', 'a', 'b', 'c', 'b']) void ask(client);
    await end(7);
    expect(begun).toEqual(['a', 'a', 'b', 'c', 'a', 'b', 'a']);
  });

  it('may have so many waiting as is said', async () => {
    const { ask, end, begun, refused } = queueOf(1, 10);
    for (const client of ['a', 'a', 'a', 'a', 'b']) void ask(client, 2);
    await end(9);
    expect([begun, refused]).toEqual([['a', 'a', 'b', 'a'], ['a']]);
  });

  it('lose the last job of whoever has the most when the queue is full and another comes', async () => {
    const { ask, end, begun, refused } = queueOf(1, 4);
    for (const client of ['a', 'a', 'a', 'a', 'b', 'c']) void ask(client);
    await end(9);
    expect([begun, refused]).toEqual([['a', 'a', 'b', 'c', 'a'], ['a']]);
  });

  it('are not turned away for one who would have as many', async () => {
    const { ask, end, begun, refused } = queueOf(1, 2);
    for (const client of ['a', 'b', 'c', 'd', 'b']) void ask(client);
    await end(9);
    expect([begun, refused]).toEqual([
      ['a', 'b', 'c'],
      ['d', 'b'],
    ]);
  });
});

it('whoever asks, in whatever order, each job is done or turned away, and none is forgotten', async () => {
  const step = fc.oneof(fc.constantFrom('a', 'b', 'c', 'd'), fc.constant(undefined));
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 3 }), fc.array(step, { maxLength: 60 }), async (atOnce, steps) => {
      const { ask, end, begun, refused } = queueOf(atOnce, 5);
      const asked = steps.filter((client) => client !== undefined);
      for (const client of steps) await (client === undefined ? end(1) : void ask(client, 3));
      await end(60);
      expect([...begun, ...refused].sort()).toEqual(asked.sort());
    }),
  );
});
