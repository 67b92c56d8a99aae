import { expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { ActivityEvent } from '../../src/activity/event.entity.js';
import { dayMs } from '../../src/config/durations.js';
import { adminOf, startWithAdmin } from '../support/admins.js';
import type { TestApp } from '../support/app.js';
import { eventually, makeLasting } from '../support/database.js';
import { person, Script } from '../support/people.js';

it('what is older than ACTIVITY_DAYS is forgotten at the next start, and nothing younger', async () => {
  const lasting = await makeLasting();
  const during = async (work: (site: TestApp) => Promise<void>) => {
    const site = await startWithAdmin({ ...lasting.environment, ACTIVITY_DAYS: '30' });
    await work(site).finally(() => site.close());
  };
  try {
    await during(async (site) => {
      const events = site.app.get(DataSource).getRepository(ActivityEvent);
      for (const [email, age] of [
        ['old@example.com', 30 * dayMs + 1_000],
        ['young@example.com', 30 * dayMs - 60_000],
      ] as const) {
        await new Script(site.url).register(person({ email }));
        await events.update({ target: email }, { at: new Date(Date.now() - age) });
      }
    });
    await during(async (site) => {
      const { script } = await adminOf(site);
      const remembered = async () => {
        const answer = await script.ask('/api/v1/activity?kind=account.registered');
        return ((await answer.json()) as { items: { target: string }[] }).items.map(({ target }) => target);
      };
      await eventually(async () => !(await remembered()).includes('old@example.com'));
      expect(await remembered()).toEqual(['young@example.com']);
    });
  } finally {
    await lasting.drop();
  }
});
