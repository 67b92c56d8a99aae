import { Passwords } from '../../src/users/passwords.js';
import type { TestApp } from './app.js';

/** Does something during a real storm from this machine: as many passwords wait to be hashed as may, for as long as it takes. */
export async function duringAStorm<Result>({ app }: TestApp, work: () => Promise<Result>): Promise<Result> {
  const passwords = app.get(Passwords);
  let isStorming = true;
  const others = Array.from({ length: 200 }, async () => {
    while (isStorming) {
      await passwords.hash('a sentence of somebody else', '127.0.0.1');
      // the place is free once what the answer led to is done, and taken before any request is read
      await new Promise<void>((resolve) => process.nextTick(resolve));
    }
  });
  // those for whom there was no place leave; the others come back until it is over
  const ended = Promise.allSettled(others);
  try {
    return await work();
  } finally {
    isStorming = false;
    await ended;
  }
}
