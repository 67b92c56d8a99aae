import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Chores } from '../../src/http/chores.js';
import { startApp, type TestApp } from '../support/app.js';
import { eventually, makeLasting, type Lasting } from '../support/database.js';
import { fieldOf } from '../support/html.js';
import { person, Script, Visitor } from '../support/people.js';

const linkInLog = (site: TestApp) => /http:\/\/127\.0\.0\.1(\/setup\?token=([\w-]{43}))/.exec(site.log());

describe('a site that has no admin', () => {
  let lasting: Lasting;
  let site: TestApp;
  beforeAll(async () => {
    lasting = await makeLasting();
    site = await startApp(lasting.environment);
    await eventually(() => linkInLog(site) !== null);
  });
  afterAll(() => site.close());
  afterAll(() => lasting.drop());

  it('prints a link at its start, and nobody is admin by a password that comes with it', async () => {
    const [, path = '', token = ''] = linkInLog(site) ?? [];
    const page = await new Visitor(site.url).visit(path);
    expect(page.status).toBe(200);
    expect(fieldOf(page.html, 'token').value).toBe(token);
  });

  it('makes no admin by a wrong link, nor of one who gives too little', async () => {
    const form = { ...person(), token: 'x'.repeat(43) };
    expect((await new Visitor(site.url).ask('/setup', { form })).status).toBe(404);
    expect((await new Visitor(site.url).ask('/setup?token=x')).status).toBe(404);
    const [, , token = ''] = linkInLog(site) ?? [];
    const bad = await new Visitor(site.url).ask('/setup', { form: { ...person(), password: 'short', token } });
    expect(bad.status).toBe(422);
    expect(fieldOf(await bad.text(), 'token').value).toBe(token);
  });

  it('makes one admin by the link, of twenty who open it at once', async () => {
    const [, , token = ''] = linkInLog(site) ?? [];
    const people = Array.from({ length: 20 }, () => person());
    const answers = await Promise.all(
      people.map((who) => new Visitor(site.url).ask('/setup', { form: { ...who, token } })),
    );
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 303)).toHaveLength(1);
    expect(statuses.filter((status) => status === 404)).toHaveLength(19);
    const first = people[statuses.indexOf(303)] ?? person();
    const script = new Script(site.url);
    await script.logIn(first);
    expect(await (await script.ask('/api/v1/users/me')).json()).toMatchObject({ role: 'admin', email: first.email });
    expect((await new Visitor(site.url).ask(`/setup?token=${token}`)).status).toBe(404);
  });

  it('prints none once there is an admin', async () => {
    await site.close();
    site = await startApp(lasting.environment);
    // until it has done all that it does by itself at a start
    await site.app.get(Chores).beforeApplicationShutdown();
    expect(linkInLog(site)).toBeNull();
    expect(site.log()).not.toContain('There is no admin');
  });
});

describe('a site whose ADMIN_EMAIL names somebody who is a member already', () => {
  it('makes them no admin by that, and prints the link all the same', async () => {
    const lasting = await makeLasting();
    let site = await startApp(lasting.environment);
    try {
      const who = await new Script(site.url).register();
      await site.close();
      site = await startApp({
        ...lasting.environment,
        ADMIN_EMAIL: who.email,
        ADMIN_PASSWORD: 'the keeper of all the keys',
      });
      await eventually(() => linkInLog(site) !== null);
      const script = new Script(site.url);
      await script.logIn(who);
      expect(await (await script.ask('/api/v1/users/me')).json()).toMatchObject({ role: 'member' });
      const [, path = '', token = ''] = linkInLog(site) ?? [];
      expect((await new Visitor(site.url).visit(path)).status).toBe(200);
      const admin = person();
      expect((await new Visitor(site.url).ask('/setup', { form: { ...admin, token } })).status).toBe(303);
      await script.logIn(admin);
      expect(await (await script.ask('/api/v1/users/me')).json()).toMatchObject({ role: 'admin' });
    } finally {
      await site.close();
      await lasting.drop();
    }
  });

  it('prints none where ADMIN_EMAIL makes the admin', async () => {
    const site = await startApp({ ADMIN_EMAIL: 'keeper@example.com', ADMIN_PASSWORD: 'the keeper of all the keys' });
    try {
      await site.app.get(Chores).beforeApplicationShutdown();
      expect(site.log()).toContain('The admin of ADMIN_EMAIL was made');
      expect(linkInLog(site)).toBeNull();
    } finally {
      await site.close();
    }
  });
});
