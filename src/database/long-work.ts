import { Injectable } from '@nestjs/common';
import { setImmediate as nextTurn } from 'node:timers/promises';

/** Runs a piece of long work in its turn and returns its result. A piece must not wait for another piece. */
export type InTurn = <Done>(piece: () => Done | Promise<Done>) => Promise<Done>;

/**
 * Runs long work in pieces, so that short work does not wait for it. Long work is work that grows with the amount of
 * data. In this process one piece runs at a time, each in its own turn of the event loop. Members take turns: a member
 * who asks for much at once slows down only their own requests.
 */
@Injectable()
export class LongWork {
  /** The waiting pieces of each member. The member whose turn is next comes first. */
  private readonly waiting = new Map<string, (() => Promise<void>)[]>();
  private isWorking = false;

  /** The turns of one member. */
  of({ id }: { readonly id: string }): InTurn {
    return (piece) =>
      new Promise((resolve) => {
        const own = this.waiting.get(id) ?? [];
        own.push(async () => {
          const done = Promise.resolve().then(piece);
          resolve(done);
          await done.catch(() => undefined);
        });
        this.waiting.set(id, own);
        if (!this.isWorking) void this.work();
      });
  }

  private async work(): Promise<void> {
    this.isWorking = true;
    for (let piece = await this.next(); piece; piece = await this.next()) await piece();
    this.isWorking = false;
  }

  private async next(): Promise<(() => Promise<void>) | undefined> {
    await nextTurn();
    const [first] = this.waiting;
    if (!first) return undefined;
    const [member, pieces] = first;
    const piece = pieces.shift();
    this.waiting.delete(member);
    if (pieces.length > 0) this.waiting.set(member, pieces);
    return piece;
  }
}

/** How many values one piece handles. */
const atOnce = 200;

/** Calls `work` for each value, in pieces. */
export async function eachInTurn<Value>(
  inTurn: InTurn,
  values: Iterable<Value>,
  work: (value: Value) => void,
): Promise<void> {
  const iterator = values[Symbol.iterator]();
  const piece = (): boolean => {
    for (let count = 0; count < atOnce; count++) {
      const next = iterator.next();
      if (next.done) return true;
      work(next.value);
    }
    return false;
  };
  while (!(await inTurn(piece)));
}

/** Sorts values by a key, in pieces. Values with equal keys keep their order. */
export async function sortedInTurn<Value>(
  inTurn: InTurn,
  values: readonly Value[],
  key: (value: Value) => string,
): Promise<readonly Value[]> {
  const order = (one: Value, other: Value) => (key(one) === key(other) ? 0 : key(one) < key(other) ? -1 : 1);
  let runs: Value[][] = [];
  for (let start = 0; start < values.length; start += atOnce)
    runs.push(await inTurn(() => values.slice(start, start + atOnce).sort(order)));
  while (runs.length > 1) {
    const longer: Value[][] = [];
    for (let n = 0; n < runs.length; n += 2) {
      const merged: Value[] = [];
      await eachInTurn(inTurn, merge(runs[n] ?? [], runs[n + 1] ?? [], key), (value) => merged.push(value));
      longer.push(merged);
    }
    runs = longer;
  }
  return runs[0] ?? [];
}

function* merge<Value>(
  left: readonly Value[],
  right: readonly Value[],
  key: (value: Value) => string,
): Generator<Value, void, undefined> {
  let next = 0;
  for (const one of left) {
    for (let other = right[next]; other !== undefined && key(other) < key(one); other = right[++next]) yield other;
    yield one;
  }
  for (; next < right.length; next++) yield right[next] as Value;
}
