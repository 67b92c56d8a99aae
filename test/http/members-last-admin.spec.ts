import { beforeEach, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { User } from '../../src/users/user.entity.js';
import { adminOf, idOf, keeper, startWithAdmin } from '../support/admins.js';
import { aSite } from '../support/app.js';
import { faultsOf } from '../support/faults.js';
import { messageOf } from '../support/html.js';
import { person, Script, type Person } from '../support/people.js';
import { sized } from '../support/suite.js';

const site = aSite(() => startWithAdmin());

const users = () => site.app.get(DataSource).getRepository(User);

/** The admins who can come in. */
const admins = async () =>
  (await users().findBy({ role: 'admin' })).filter(({ disabledAt, awaitingSince }) => !disabledAt && !awaitingSince);

const rounds = sized('20 races for the last admin, 4 of them', 4, 20);

describe('the last admin', () => {
  let id: string;
  beforeEach(async () => void (id = await idOf(site, keeper)));

  const refuses = async () => {
    const { browser, script } = await adminOf(site);
    const call = (json: object) => script.ask(`/api/v1/users/${id}`, { method: 'PATCH', json });

    const { at, html } = await browser.visit(`/admin/members/${id}/role`, { form: { role: 'member' } });
    expect([at, messageOf(html, 'alert')]).toEqual([
      `/admin/members/${id}`,
      'This is the last admin. Make somebody else an admin first.',
    ]);
    const demoted = await call({ role: 'member' });
    expect([demoted.status, await demoted.json()]).toEqual([
      409,
      expect.objectContaining({ detail: 'This is the last admin. Make somebody else an admin first.' }),
    ]);
    expect((await call({ disabled: true })).status).toBe(409);
    expect((await call({ role: 'member', disabled: true })).status).toBe(409);
    expect((await browser.visit(`/admin/members/${id}/disabling`, { form: {} })).html).toContain('role="alert"');
    const left = await script.ask('/api/v1/users/me', { method: 'DELETE', json: { password: keeper.password } });
    expect(left.status).toBe(409);
    expect((await admins()).map(({ email }) => email)).toEqual([keeper.email]);
    expect((await browser.ask('/admin')).status).toBe(200);
  };

  it('stays, whatever they try', refuses);

  it('is one where all others are disabled, or wait to be let in', async () => {
    const [ada, grace] = [person(), person()];
    for (const who of [ada, grace]) await new Script(site.url).register(who);
    await users().update({ email: ada.email }, { role: 'admin', disabledAt: new Date() });
    await users().update({ email: grace.email }, { role: 'admin', awaitingSince: new Date() });
    await refuses();
    await users().update({ email: ada.email }, { disabledAt: null });
    const { script } = await adminOf(site);
    expect((await script.ask(`/api/v1/users/${id}`, { method: 'PATCH', json: { role: 'member' } })).status).toBe(200);
    await users().update({ email: keeper.email }, { role: 'admin' });
    await users().update({ email: ada.email }, { role: 'member' });
  });
});

describe('two admins at the same moment', () => {
  interface Rival {
    readonly who: Person;
    readonly script: Script;
    readonly id: string;
  }

  const patch = (json: object) => (me: Rival, other: Rival) =>
    me.script.ask(`/api/v1/users/${other.id}`, { method: 'PATCH', json });
  const demotes = patch({ role: 'member' });
  const disables = patch({ disabled: true });
  const stepsDown = (me: Rival) => demotes(me, me);
  const leaves = ({ who, script }: Rival) =>
    script.ask('/api/v1/users/me', { method: 'DELETE', json: { password: who.password } });

  const rival = async (): Promise<Rival> => {
    const script = new Script(site.url);
    const who = await script.register();
    await users().update({ email: who.email }, { role: 'admin' });
    return { who, script, id: await idOf(site, who) };
  };

  it.each([
    ['demote each other', demotes, demotes],
    ['disable each other', disables, disables],
    ['step down', stepsDown, stepsDown],
    ['delete their accounts', leaves, leaves],
    ['demote and disable each other', demotes, disables],
    ['step down and delete the account', stepsDown, leaves],
  ])(
    'again and again: they %s, and exactly one stays',
    async (_, first, second) => {
      for (let round = 0; round < rounds; round++) {
        const [ada, grace] = await Promise.all([rival(), rival()]);
        await users().update({ email: keeper.email }, { role: 'member' });

        const answers = await Promise.all([first(ada, grace), second(grace, ada)]);

        const left = await admins();
        expect([round, answers.map(({ status }) => status), left.length]).toEqual([round, expect.anything(), 1]);
        expect(answers.filter(({ ok }) => ok)).toHaveLength(1);
        // the one who was too late is told that this is the last admin, or is none any more
        for (const { ok, status } of answers) if (!ok) expect([401, 403, 409]).toContain(status);
        await users().update({ email: keeper.email }, { role: 'admin' });
        for (const { id } of left) await users().update({ id }, { role: 'member' });
      }
    },
    120_000,
  );
});

it('nothing of all that went wrong on the server’s side', () => {
  expect(faultsOf(site)).toEqual([]);
});
