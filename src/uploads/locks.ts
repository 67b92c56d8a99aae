import type { Lock, Locker } from '@tus/server';

/** A request that goes on with an upload, or waits to. */
interface Turn {
  /** Asks it to stop early. */
  readonly giveWay: () => void;
  readonly over: Promise<void>;
}

/**
 * Lets one request at a time go on with an upload. Who comes back after a lost connection need not wait until the old
 * one is noticed to be dead: that gives way.
 */
export class Locks implements Locker {
  private readonly last = new Map<string, Turn>();

  newLock(id: string): Lock {
    let end: () => void = () => undefined;
    const over = new Promise<void>((resolve) => {
      end = resolve;
    });
    return {
      lock: async (_signal, requestRelease) => {
        const before = this.last.get(id);
        const mine = { giveWay: () => void requestRelease(), over };
        this.last.set(id, mine);
        void over.then(() => this.last.get(id) === mine && this.last.delete(id));
        before?.giveWay();
        await before?.over;
      },
      unlock: () => {
        end();
        return Promise.resolve();
      },
    };
  }
}
