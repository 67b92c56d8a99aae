import { describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { User } from '../../src/users/user.entity.js';
import { aSite } from '../support/app.js';
import { fieldOf, linksOf, messageOf } from '../support/html.js';
import { person, Visitor } from '../support/people.js';

const site = aSite();

const accounts = () => site.app.get(DataSource).getRepository(User).count();

describe('the front page', () => {
  it('shows a stranger the ways to log in and to register', async () => {
    const { status, html } = await new Visitor(site.url).visit('/');
    expect(status).toBe(200);
    expect(linksOf(html)).toEqual(expect.arrayContaining(['/login', '/register']));
  });

  it('shows a member the way to the secrets and out, and none to register', async () => {
    const ada = new Visitor(site.url);
    await ada.register();
    const { status, html } = await ada.visit('/');
    expect(status).toBe(200);
    expect(linksOf(html)).toContain('/secrets');
    expect(linksOf(html)).not.toContain('/register');
    expect(html).toContain('<form method="post" action="/logout">');
  });
});

describe('registering', () => {
  it('asks a stranger for name, email and password', async () => {
    const { status, html } = await new Visitor(site.url).visit('/register');
    expect(status).toBe(200);
    expect(html).toContain('<form method="post" action="/register">');
    for (const name of ['name', 'email', 'password']) expect(fieldOf(html, name).value).toBeUndefined();
  });

  it('lets a newcomer in at once', async () => {
    const ada = new Visitor(site.url);
    const answer = await ada.ask('/register', { form: { ...person() } });
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/secrets']);
    expect((await ada.ask('/secrets')).status).toBe(200);
  });

  it('makes nothing for an email that is taken, in whatever case, and points to the login', async () => {
    const who = await new Visitor(site.url).register();
    const before = await accounts();
    const other = new Visitor(site.url);
    const answer = await other.ask('/register', { form: { ...person(), email: ` ${who.email.toUpperCase()} ` } });
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/login']);
    const { html } = await other.visit('/login');
    expect(messageOf(html, 'alert')).toBe('That email is registered already. Log in instead.');
    expect(await accounts()).toBe(before);
    expect((await other.ask('/secrets')).headers.get('location')).toBe('/login?next=%2Fsecrets');
  });

  it('shows the page again with a message at each field that is wrong', async () => {
    const before = await accounts();
    const form = { name: '', email: 'not an email', password: 'short' };
    const { status, html } = await new Visitor(site.url).visit('/register', { form });
    expect(status).toBe(422);
    expect(fieldOf(html, 'name').fault).toBe('Please give your name.');
    expect(fieldOf(html, 'email').fault).toBe('Please give an email address, such as ada@example.com.');
    expect(fieldOf(html, 'password').fault).toBe('Please choose a password of at least 8 characters.');
    expect(messageOf(html, 'alert')).toContain('3 fields');
    expect(await accounts()).toBe(before);
  });

  it('keeps the name and the email that were typed, and never the password', async () => {
    const form = { name: 'Grace “Amazing” Hopper', email: 'grace@example.com', password: 'geheim!' };
    const { status, html } = await new Visitor(site.url).visit('/register', { form });
    expect(status).toBe(422);
    expect(fieldOf(html, 'name')).toEqual({ value: 'Grace “Amazing” Hopper', fault: undefined });
    expect(fieldOf(html, 'email')).toEqual({ value: 'grace@example.com', fault: undefined });
    expect(html).not.toContain('geheim!');
  });

  it('says so too where only one field is wrong, or none was sent', async () => {
    const visitor = new Visitor(site.url);
    const one = await visitor.visit('/register', { form: { ...person(), email: '' } });
    expect([one.status, fieldOf(one.html, 'name').fault, fieldOf(one.html, 'password').fault]).toEqual([
      422,
      undefined,
      undefined,
    ]);
    expect(fieldOf(one.html, 'email').fault).toBeDefined();
    const none = await visitor.visit('/register', { form: {} });
    expect(none.status).toBe(422);
    expect(fieldOf(none.html, 'password').fault).toBe('Please choose a password.');
  });

  it.each(['password', 'Password1', '12345678', 'QWERTYUIOP'])(
    'refuses %s, which is one of the commonest passwords',
    async (password) => {
      const { status, html } = await new Visitor(site.url).visit('/register', { form: { ...person({ password }) } });
      expect(status).toBe(422);
      expect(fieldOf(html, 'password').fault).toContain('one of the commonest');
    },
  );

  it('counts a password in characters, and its most in bytes', async () => {
    const tooLong = await new Visitor(site.url).visit('/register', {
      form: { ...person({ password: 'é'.repeat(513) }) },
    });
    expect(fieldOf(tooLong.html, 'password').fault).toContain('1,024 bytes');
    await expect(new Visitor(site.url).register(person({ password: 'é'.repeat(512) }))).resolves.toBeDefined();
    await expect(new Visitor(site.url).register(person({ password: '🔑🗝️🚪🏰🔒🕯️' }))).resolves.toBeDefined();
  });

  it('sends a member on to the secrets, and makes no second account', async () => {
    const ada = new Visitor(site.url);
    await ada.register();
    const before = await accounts();
    expect((await ada.ask('/register')).headers.get('location')).toBe('/secrets');
    const posted = await ada.ask('/register', { form: { ...person() } });
    expect([posted.status, posted.headers.get('location')]).toEqual([303, '/secrets']);
    expect(await accounts()).toBe(before);
  });
});
