import type { Lock, Locker } from '@tus/server';

/** A request that uses an upload, or waits to use it. */
interface Turn {
  /** Asks the request to stop early. */
  readonly giveWay: () => void;
  readonly over: Promise<void>;
}

/**
 * Lets only one request at a time use an upload. A new request asks the one before it to stop. So a client that
 * reconnects does not have to wait until the server notices that the old connection is dead.
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
