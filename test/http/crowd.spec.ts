import { describe, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { DataSource } from 'typeorm';
import { Session } from '../../src/sessions/session.entity.js';
import { User } from '../../src/users/user.entity.js';
import { aSite } from '../support/app.js';
import { faultsOf } from '../support/faults.js';
import { person, Script, Visitor } from '../support/people.js';

const site = aSite();

it('of 50 equal registrations at once, half by the page and half by the API, one makes the account', async () => {
  const who = person();
  const spellings = [who.email, who.email.toUpperCase(), ` ${who.email} `, who.email.replace('ada', 'Ada')];
  const answers = await Promise.all(
    Array.from({ length: 50 }, async (_, index) => {
      const email = spellings[index % spellings.length] ?? who.email;
      if (index % 2 === 0)
        return (await new Script(site.url).ask('/api/v1/auth/register', { json: { ...who, email } })).status;
      const { status, headers } = await new Visitor(site.url).ask('/register', { form: { ...who, email } });
      return `${status} ${headers.get('location') ?? ''}`;
    }),
  );
  const made = answers.filter((answer) => answer === 201 || answer === '303 /secrets');
  const refused = answers.filter((answer) => answer === 409 || answer === '303 /login');
  expect([made.length, refused.length]).toEqual([1, 49]);

  const data = site.app.get(DataSource);
  const accounts = await data.getRepository(User).findBy({ email: who.email });
  expect(accounts).toHaveLength(1);
  // those that were refused did the same work, and got a session that was over before it began
  const sessions = await data.getRepository(Session).findBy({ userId: accounts[0]?.id ?? '' });
  expect(sessions.filter(({ expiresAt }) => expiresAt > new Date())).toHaveLength(1);
  await new Script(site.url).logIn(who);
  expect(faultsOf(site)).toEqual([]);
});

describe('a storm of 300 logins', () => {
  it('is answered whole: let in, or told to come back, while pages go on', async () => {
    const who = await new Script(site.url).register();
    const storm = { isOver: false };
    const answering = Promise.all(
      Array.from({ length: 300 }, async (_, index) => {
        const response =
          index % 2 === 0
            ? await new Script(site.url).ask('/api/v1/auth/login', { json: who })
            : await new Visitor(site.url).ask('/login', { form: { ...who } });
        await response.arrayBuffer();
        return response;
      }),
    ).finally(() => (storm.isOver = true));

    const pages: number[] = [];
    while (!storm.isOver) {
      pages.push((await new Visitor(site.url).visit('/login')).status);
      await sleep(20);
    }
    const answers = await answering;

    const busy = answers.filter(({ status }) => status === 503);
    expect(busy.length).toBeLessThan(300);
    for (const { headers } of busy) expect(headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
    for (const { status, headers } of answers.filter((answer) => answer.status !== 503))
      expect([200, '303 /secrets']).toContain(status === 200 ? status : `${status} ${headers.get('location') ?? ''}`);
    expect(pages.length).toBeGreaterThan(1);
    expect(new Set(pages)).toEqual(new Set([200]));
  });

  it('leaves no fault behind, and the next login works', async () => {
    const who = await new Script(site.url).register();
    await new Script(site.url).logIn(who);
    expect(faultsOf(site).filter(({ status }) => status !== 503)).toEqual([]);
  });
});

describe('a login that fails', () => {
  it('is the same to the byte for an unknown email and a wrong password', async () => {
    const { email } = await new Script(site.url).register();
    const unknown = email.replace('ada', 'eve');
    for (const ask of [askPage, askApi]) expect(await ask(unknown, email)).toEqual(await ask(email, email));
  });

  const changing = ['date', 'x-request-id', 'set-cookie', 'keep-alive', 'connection'];
  const lasting = (headers: Headers) => [...headers].filter(([name]) => !changing.includes(name));

  async function askApi(email: string) {
    const answer = await new Script(site.url).ask('/api/v1/auth/login', {
      json: { email, password: 'wrong password' },
    });
    const problem = { ...((await answer.json()) as Record<string, unknown>), requestId: 'any' };
    return { status: answer.status, headers: lasting(answer.headers), cookies: answer.headers.getSetCookie(), problem };
  }

  async function askPage(email: string, known: string) {
    const visitor = new Visitor(site.url);
    const answer = await visitor.ask('/login', { form: { email, password: 'wrong password' } });
    const cookies = answer.headers.getSetCookie().map((line) => line.replace(/=[^;]+/, '=…'));
    const { html } = await visitor.visit('/login');
    return {
      status: answer.status,
      headers: lasting(answer.headers),
      cookies,
      body: await answer.text(),
      // each page asks a passkey another question
      html: html.replaceAll(email, known).replace(/&quot;challenge&quot;:&quot;[\w-]+&quot;/, ''),
    };
  }
});

describe('a password', () => {
  it('is one and the same typed on a keyboard that composes letters and on one that does not', async () => {
    const composed = person({ password: 'Größenwahn café' });
    await new Script(site.url).register(composed);
    await new Script(site.url).logIn({ ...composed, password: composed.password.normalize('NFD') });
    const decomposed = person({ password: 'Größenwahn café'.normalize('NFD') });
    await new Visitor(site.url).register(decomposed);
    await new Script(site.url).logIn({ ...decomposed, password: decomposed.password.normalize('NFC') });
  });

  it.each([
    ['spaces around it', '  padded password  ', 'padded password'],
    ['a NUL in it', 'before\0after the zero', 'before'],
    ['capital letters', 'Correct Horse Battery', 'correct horse battery'],
    ['72 bytes and more', `${'a1'.repeat(40)}end`, `${'a1'.repeat(40)}and`],
    ['emoji', '🔑🐎🔋📎🔑🐎🔋📎', '🔑🐎🔋📎🔑🐎🔋'],
    ['compatibility forms', 'ﬁve ﬁshes swim', 'five fishes swim'],
  ])('with %s is taken as it is, and nothing less opens', async (_, password, less) => {
    const who = await new Script(site.url).register(person({ password }));
    await new Script(site.url).logIn(who);
    const { status } = await new Script(site.url).ask('/api/v1/auth/login', { json: { ...who, password: less } });
    expect(status).toBe(401);
  });
});
