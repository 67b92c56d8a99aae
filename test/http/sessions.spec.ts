import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { startApp, type TestApp } from '../support/app.js';
import { Script, Visitor } from '../support/people.js';

let site: TestApp;
beforeAll(async () => void (site = await startApp()));
afterAll(() => site.close());

it('a cookie captured before logout opens nothing afterwards', async () => {
  const ada = new Visitor(site.url);
  await ada.register();
  const thief = new Visitor(site.url);
  for (const [name, value] of ada.cookies) thief.cookies.set(name, value);
  expect((await thief.ask('/secrets')).status).toBe(200);
  expect((await ada.ask('/logout', { method: 'POST' })).headers.get('location')).toBe('/');
  expect((await thief.ask('/secrets')).headers.get('location')).toBe('/login?next=%2Fsecrets');
});

it('a bearer token is dead on the request after its logout', async () => {
  const script = new Script(site.url);
  const who = await script.register();
  const me = await script.ask('/api/v1/users/me');
  expect(await me.json()).toMatchObject({ name: who.name, email: who.email, role: 'member' });
  expect((await script.ask('/api/v1/auth/logout', { method: 'POST' })).status).toBe(204);
  const after = await script.ask('/api/v1/users/me');
  expect(after.status).toBe(401);
  expect(after.headers.get('www-authenticate')).toBe('Bearer error="invalid_token"');
});
