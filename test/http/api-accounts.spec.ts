import { describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { User } from '../../src/users/user.entity.js';
import { aSite } from '../support/app.js';
import { setUpAuthenticator } from '../support/factors.js';
import { person, Script, Visitor } from '../support/people.js';

const site = aSite();

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

const tokenFor = (who: { name: string; email: string }) => ({
  access_token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
  token_type: 'Bearer',
  expires_in: 30 * 24 * 60 * 60,
  user: {
    id: expect.stringMatching(uuid),
    name: who.name,
    email: who.email,
    role: 'member',
    createdAt: expect.stringMatching(instant),
  },
});

describe('a script that registers', () => {
  it('gets a token that opens the API, and who it is', async () => {
    const who = person();
    const answer = await new Script(site.url).ask('/api/v1/auth/register', { json: who });
    expect(answer.status).toBe(201);
    const begun = (await answer.json()) as { access_token: string; user: object };
    expect(begun).toEqual(tokenFor(who));
    const script = new Script(site.url);
    script.token = begun.access_token;
    const me = await script.ask('/api/v1/users/me');
    expect([me.status, await me.json()]).toEqual([200, begun.user]);
  });

  it('is told where the email is taken, and nothing is made', async () => {
    const users = site.app.get(DataSource).getRepository(User);
    const who = await new Script(site.url).register();
    const before = await users.count();
    const answer = await new Script(site.url).ask('/api/v1/auth/register', { json: { ...who, name: 'Impostor' } });
    expect([answer.status, await answer.json()]).toEqual([
      409,
      expect.objectContaining({ title: 'Conflict', status: 409 }),
    ]);
    expect(await users.count()).toBe(before);
  });

  it('is told what is wrong, field by field', async () => {
    const answer = await new Script(site.url).ask('/api/v1/auth/register', {
      json: { name: '', email: 'x', password: 'short' },
    });
    expect(answer.status).toBe(422);
    expect(await answer.json()).toMatchObject({
      title: 'Unprocessable Entity',
      detail: 'Some of what was sent is not right.',
      errors: [
        { field: 'name', message: 'Please give your name.' },
        { field: 'email', message: 'Please give an email address, such as ada@example.com.' },
        { field: 'password', message: 'Please choose a password of at least 8 characters.' },
      ],
    });
  });

  it('gets no cookie', async () => {
    const answer = await new Script(site.url).ask('/api/v1/auth/register', { json: person() });
    expect(answer.headers.getSetCookie()).toEqual([]);
  });
});

describe('a script that logs in', () => {
  it('gets a token of its own each time', async () => {
    const who = await new Visitor(site.url).register();
    const answers = await Promise.all([1, 2].map(() => new Script(site.url).ask('/api/v1/auth/login', { json: who })));
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    const begun = (await Promise.all(answers.map((answer) => answer.json()))) as { access_token: string }[];
    for (const one of begun) expect(one).toEqual(tokenFor(who));
    expect(new Set(begun.map((one) => one.access_token)).size).toBe(2);
  });

  it('is refused alike for an unknown email and a wrong password', async () => {
    const who = await new Script(site.url).register();
    const refusals = await Promise.all(
      [who.email, 'nobody@example.com'].map(async (email) => {
        const answer = await new Script(site.url).ask('/api/v1/auth/login', {
          json: { email, password: 'a wrong password' },
        });
        expect(answer.status).toBe(401);
        expect(answer.headers.get('www-authenticate')).toBe('Bearer');
        return { ...((await answer.json()) as object), requestId: '' };
      }),
    );
    expect(refusals[0]).toEqual(refusals[1]);
    expect(refusals[0]).toMatchObject({ title: 'Unauthorized', detail: expect.stringContaining('do not match') });
  });

  it('may say that it has no code: that is enough where the account has no second factor, and else it is not', async () => {
    const ask = async (json: object) => (await new Script(site.url).ask('/api/v1/auth/login', { json })).status;
    const ada = await new Script(site.url).register();
    expect(await ask({ ...ada, code: null })).toBe(200);
    const { who, nextCode } = await setUpAuthenticator(site);
    expect([await ask({ ...who, code: null }), await ask(who)]).toEqual([401, 401]);
    expect(await ask({ ...who, code: await nextCode() })).toBe(200);
  });

  it('is told what is missing', async () => {
    const answer = await new Script(site.url).ask('/api/v1/auth/login', { json: { email: '' } });
    expect(answer.status).toBe(422);
    expect(await answer.json()).toMatchObject({ errors: [{ field: 'email' }, { field: 'password' }] });
  });
});

describe('a script that logs out', () => {
  it('leaves a dead token behind, and the member’s other tokens alive', async () => {
    const [one, other] = [new Script(site.url), new Script(site.url)];
    const who = await one.register();
    await other.logIn(who);
    const answer = await one.ask('/api/v1/auth/logout', { method: 'POST' });
    expect([answer.status, await answer.text()]).toEqual([204, '']);
    expect((await one.ask('/api/v1/users/me')).status).toBe(401);
    expect((await one.ask('/api/v1/auth/logout', { method: 'POST' })).status).toBe(401);
    expect((await other.ask('/api/v1/users/me')).status).toBe(200);
  });

  it('needs a token to do so', async () => {
    const answer = await new Script(site.url).ask('/api/v1/auth/logout', { method: 'POST' });
    expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
  });
});

describe('a credential works on its own side only', () => {
  it('a bearer token opens no page', async () => {
    const script = new Script(site.url);
    await script.register();
    const pages = new Visitor(site.url);
    const headers = { authorization: `Bearer ${script.token}` };
    expect((await pages.ask('/secrets', { headers })).headers.get('location')).toBe('/login?next=%2Fsecrets');
    expect((await pages.ask('/download', { headers })).status).toBe(303);
    pages.cookies.set('gatehouse-session', script.token ?? '');
    expect((await pages.ask('/secrets')).status).toBe(303);
  });

  it('a cookie opens nothing of the API', async () => {
    const ada = new Visitor(site.url);
    await ada.register();
    expect((await ada.ask('/secrets')).status).toBe(200);
    const answer = await ada.ask('/api/v1/users/me');
    expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
    const script = new Script(site.url);
    script.token = ada.cookies.get('gatehouse-session');
    expect((await script.ask('/api/v1/users/me')).status).toBe(401);
  });

  it('a token in the query or in the body opens nothing', async () => {
    const script = new Script(site.url);
    await script.register();
    const { token } = script;
    script.token = undefined;
    expect((await script.ask(`/api/v1/users/me?access_token=${token}`)).status).toBe(401);
    expect((await script.ask('/api/v1/auth/logout', { json: { access_token: token } })).status).toBe(401);
  });

  it('the scheme’s name is read in any case', async () => {
    const script = new Script(site.url);
    await script.register();
    const { token } = script;
    script.token = undefined;
    expect((await script.ask('/api/v1/users/me', { headers: { authorization: `bearer ${token}` } })).status).toBe(200);
    expect((await script.ask('/api/v1/users/me', { headers: { authorization: `Basic ${token}` } })).status).toBe(401);
  });
});
