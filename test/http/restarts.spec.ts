import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { DataSource } from 'typeorm';
import { ActivityEvent } from '../../src/activity/event.entity.js';
import { Session } from '../../src/sessions/session.entity.js';
import { StoredFile } from '../../src/files/stored-file.entity.js';
import { User } from '../../src/users/user.entity.js';
import { newDatabase, startApp, type TestApp } from '../support/app.js';
import { gatehouseHere } from '../support/command.js';
import { eventually, makeLasting, type Lasting } from '../support/database.js';
import { setUpAuthenticator } from '../support/factors.js';
import { person, Script, Visitor } from '../support/people.js';

let lasting: Lasting;
beforeEach(async () => void (lasting = await makeLasting()));
afterEach(() => lasting.drop());

/** Starts the site on what lasts, does something there, and ends it. */
async function during<Result>(
  environment: Record<string, string>,
  work: (site: TestApp) => Promise<Result>,
): Promise<Result> {
  const site = await startApp({ ...lasting.environment, ...environment });
  try {
    return await work(site);
  } finally {
    await site.close();
  }
}

const repository = <Entity extends object>(site: TestApp, entity: new () => Entity) =>
  site.app.get(DataSource).getRepository(entity);

describe('what a restart leaves as it was', () => {
  it('a member’s browser is still logged in, and the files are still there, once', async () => {
    const cookies = await during({}, async (site) => {
      const ada = new Visitor(site.url);
      await ada.register();
      return ada.cookies;
    });
    expect(statSync(join(lasting.environment.DATA_DIR ?? '', 'app-secret')).mode & 0o777).toBe(0o600);
    await during({}, async (site) => {
      const ada = new Visitor(site.url);
      for (const [name, value] of cookies) ada.cookies.set(name, value);
      expect((await ada.ask('/secrets')).status).toBe(200);
      expect(await repository(site, StoredFile).count()).toBe(1);
    });
  });

  it('but under another key it does not start, until that is accepted: then nobody is logged in any more', async () => {
    const [script, app] = await during({}, async (site) => {
      const before = new Script(site.url);
      await before.register();
      const { who } = await setUpAuthenticator(site);
      return [before, who] as const;
    });
    const other = { APP_SECRET: 'd41f8c39b7a2460e95bd83c7f1e6a052' };
    await expect(during(other, () => Promise.resolve())).rejects.toThrow(/another key than APP_SECRET.*key accept/);
    await expect(during(other, () => Promise.resolve())).rejects.toThrow(/another key/);
    const environment = { ...lasting.environment, ...other, PUBLIC_URL: 'http://127.0.0.1' };
    const accepted = await gatehouseHere(environment, 'key accept');
    expect([accepted.code, accepted.remarks]).toEqual([0, '']);
    expect(accepted.output).toMatch(
      /goes on with the key in APP_SECRET.* 2 sessions and tokens, the authenticator apps of 1 members, the recovery codes of 1,/,
    );
    expect((await gatehouseHere(environment, 'key accept')).output).toContain('there is nothing to do');
    await during(other, async (site) => {
      const after = new Script(site.url);
      after.token = script.token;
      expect((await after.ask('/api/v1/users/me')).status).toBe(401);
      // what the old key had sealed stands in nobody's way
      await after.logIn(app);
      expect((await after.ask('/api/v1/users/me')).status).toBe(200);
      const [event] = await repository(site, ActivityEvent).findBy({ kind: 'site.key-replaced' });
      expect(event).toMatchObject({ actor: null, target: 'APP_SECRET', address: 'local' });
    });
    await expect(during({}, () => Promise.resolve())).rejects.toThrow(/another key than .*app-secret holds/);
  });

  it('of a database from before it had a mark, the key is known by what it has sealed', async () => {
    await during({}, async (site) => {
      await setUpAuthenticator(site);
      await site.app.get(DataSource).query(`DELETE FROM "policies" WHERE "name" = 'key'`);
    });
    const other = { APP_SECRET: 'd41f8c39b7a2460e95bd83c7f1e6a052' };
    await expect(during(other, () => Promise.resolve())).rejects.toThrow(/another key/);
    // as long as nothing is sealed, any may be the one
    await during({}, async (site) => {
      for (const rest of ['"authenticators"', '"outbox"', `"policies" WHERE "name" = 'key'`])
        await site.app.get(DataSource).query(`DELETE FROM ${rest}`);
    });
    // one that is accepted replaces whichever it was, since nothing shows that it is the same
    const accepted = await gatehouseHere(
      { ...lasting.environment, ...other, PUBLIC_URL: 'http://127.0.0.1' },
      'key accept',
    );
    expect([accepted.code, accepted.output]).toEqual([
      0,
      expect.stringContaining('goes on with the key in APP_SECRET'),
    ]);
    await during(other, () => Promise.resolve());
    await expect(during({}, () => Promise.resolve())).rejects.toThrow(/another key/);
  });

  it('an empty database is not taken for that of the files beside it, nor made one by accepting its key', async () => {
    await during({}, () => Promise.resolve());
    const database = await newDatabase();
    const DATABASE_URL = database?.url ?? `sqlite:${join(lasting.environment.DATA_DIR ?? '', 'other.db')}`;
    const isRefused = () =>
      expect(during({ DATABASE_URL }, () => Promise.resolve())).rejects.toThrow(/is empty, but .*files/);
    await isRefused();
    const environment = { ...lasting.environment, DATABASE_URL, PUBLIC_URL: 'http://127.0.0.1' };
    const accepted = await gatehouseHere(environment, 'key accept');
    expect([accepted.code, accepted.remarks]).toEqual([1, expect.stringContaining('There is no site here')]);
    await isRefused();
    await database?.drop();
    await during({}, () => Promise.resolve());
  });

  it('a welcome file that was deleted does not come back', async () => {
    await during({}, async (site) => {
      await repository(site, StoredFile).update({ origin: 'welcome' }, { name: 'renamed.txt' });
    });
    await during({}, async (site) => {
      expect((await repository(site, StoredFile).find()).map(({ name }) => name)).toEqual(['renamed.txt']);
    });
  });
});

describe('what a start sweeps away', () => {
  it('sessions that are over, and no others', async () => {
    const who = person();
    const ids = await during({}, async (site) => {
      await new Script(site.url).register(who);
      for (let count = 0; count < 3; count++) await new Script(site.url).logIn(who);
      const sessions = repository(site, Session);
      const [idle, expired, ...alive] = (await sessions.find()).map(({ id }) => id);
      await sessions.update({ id: idle ?? '' }, { lastSeenAt: new Date(Date.now() - 8 * 86_400_000) });
      await sessions.update({ id: expired ?? '' }, { expiresAt: new Date(Date.now() - 1_000) });
      return alive.sort();
    });
    await during({}, async (site) => {
      await eventually(async () => (await repository(site, Session).count()) === 2);
      expect((await repository(site, Session).find()).map(({ id }) => id).sort()).toEqual(ids);
    });
  });
});

describe('the first admin', () => {
  const admin = { name: 'chief', email: 'chief@example.org', password: 'a password of an admin' };
  const environment = { ADMIN_EMAIL: 'Chief@Example.org', ADMIN_PASSWORD: admin.password };

  it('is made at a start, once, and logs in', async () => {
    await during(environment, async (site) => {
      const script = new Script(site.url);
      await script.logIn(admin);
      expect(await (await script.ask('/api/v1/users/me')).json()).toMatchObject({
        name: 'chief',
        email: admin.email,
        role: 'admin',
      });
      const browser = new Visitor(site.url);
      const { html } = await browser.visit('/login', { form: { email: admin.email, password: admin.password } });
      expect(html).toContain('<span class="tag">admin</span>');
      expect(site.log()).toContain('The admin of ADMIN_EMAIL was made');
      expect(site.log()).not.toContain(admin.password);
    });
    await during({ ...environment, ADMIN_PASSWORD: 'quite another password' }, async (site) => {
      expect(await repository(site, User).count()).toBe(1);
      await expect(new Script(site.url).logIn(admin)).resolves.toBeDefined();
      expect(site.log()).not.toContain('The admin of ADMIN_EMAIL was made');
    });
  });

  it('is not made of a member who has that email', async () => {
    await during({}, async (site) => {
      await new Script(site.url).register(admin);
    });
    await during(environment, async (site) => {
      expect((await repository(site, User).find()).map(({ role }) => role)).toEqual(['member']);
    });
  });

  it.each(['short', 'password123'])(
    'is not made with a bad password (%s): the start stops and names the setting',
    async (password) => {
      await expect(startApp({ ...lasting.environment, ...environment, ADMIN_PASSWORD: password })).rejects.toThrow(
        /ADMIN_PASSWORD/,
      );
    },
  );
});

describe('a database of a later version', () => {
  it('stops the start with one line that names what is unknown', async () => {
    const migration = 'FromTheFuture9999999999999';
    await during({}, (site) =>
      site.app
        .get(DataSource)
        .query(`INSERT INTO "migrations" ("timestamp", "name") VALUES (9999999999999, '${migration}')`),
    );
    const refusal = await startApp(lasting.environment).then(
      () => 'it started',
      (error: unknown) => (error as Error).message,
    );
    expect(refusal).toBe(
      `The database is of a later version of Gatehouse (it has ${migration}): start that version, or restore a backup.`,
    );
  });
});
