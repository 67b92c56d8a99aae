import { beforeAll, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { ActivityService } from '../../src/activity/activity.service.js';
import { ActivityEvent } from '../../src/activity/event.entity.js';
import { Chores } from '../../src/http/chores.js';
import { aSite } from '../support/app.js';
import { Script } from '../support/people.js';

const site = aSite();
beforeAll(async () => {
  // what the site does by itself at its start looks into the same table
  await site.app.get(Chores).beforeApplicationShutdown();
});

const caller = { address: '192.0.2.44', userAgent: 'a test', requestId: 'a request' };

/** Does something while nothing can be written down. */
async function withoutEvents<Result>(work: () => Promise<Result>): Promise<Result> {
  const database = site.app.get(DataSource);
  await database.query('ALTER TABLE "events" RENAME TO "lost"');
  try {
    return await work();
  } finally {
    await database.query('ALTER TABLE "lost" RENAME TO "events"');
  }
}

/** Writes down so many events of one member at the same time, and tells what became of each. */
const recordOf = async (id: string, count: number) => {
  const member = { id, email: 'ada@example.com' };
  const recording = Array.from({ length: count }, (_, n) =>
    site.app.get(ActivityService).record({ kind: 'account.renamed', member, target: `name ${n}` }, caller),
  );
  return (await Promise.allSettled(recording)).map(({ status }) => status);
};

const countOf = (memberId: string) => site.app.get(DataSource).getRepository(ActivityEvent).countBy({ memberId });

describe('events that happen at once', () => {
  // one; a few; more than one statement takes
  it.each([1, 7, 1_201])(
    'fail for each who waits where they cannot be written, and for nobody later: %i',
    async (count) => {
      const id = uuid();
      const outcomes = await withoutEvents(() => recordOf(id, count));
      expect(outcomes).toEqual(Array<string>(count).fill('rejected'));
      expect(await countOf(id)).toBe(0);
      expect(await recordOf(id, count)).toEqual(Array<string>(count).fill('fulfilled'));
      expect(await countOf(id)).toBe(count);
    },
  );

  it('are refused to all five people who did something, and to none of them when it works again', async () => {
    const scripts = Array.from({ length: 5 }, () => new Script(site.url));
    for (const script of scripts) await script.register();
    const rename = () =>
      Promise.all(
        scripts.map(async (script) => {
          const json = { name: 'Grace Hopper' };
          return (await script.ask('/api/v1/users/me', { method: 'PATCH', json })).status;
        }),
      );
    expect(await withoutEvents(rename)).toEqual(Array<number>(5).fill(500));
    expect(await rename()).toEqual(Array<number>(5).fill(200));
  });
});
