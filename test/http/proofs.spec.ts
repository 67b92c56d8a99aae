import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { startApp, type TestApp } from '../support/app.js';
import { messageOf } from '../support/html.js';
import { Script, Visitor } from '../support/people.js';

const minute = 60_000;

let site: TestApp;
beforeAll(async () => void (site = await startApp({ RATE_LIMITS: 'on' })));
afterAll(() => site.close());

/** As if the last proof of every session were so long ago. */
const age = (milliseconds: number) =>
  site.app.get(DataSource).query('UPDATE "sessions" SET "provenAt" = $1', [Date.now() - milliseconds]);

const sensitive = '/account/email';

describe('a sensitive page', () => {
  it('opens without more ado for ten minutes after the login, and asks again afterwards', async () => {
    const browser = new Visitor(site.url);
    await browser.register();
    await age(9 * minute);
    expect((await browser.ask(sensitive)).status).toBe(200);
    await age(10 * minute + 1);
    const asked = await browser.ask(sensitive);
    expect([asked.status, asked.headers.get('location')]).toEqual([303, '/account/proof?next=%2Faccount%2Femail']);
  });

  it('leads back to itself once the member has given the password', async () => {
    const browser = new Visitor(site.url);
    const { password } = await browser.register();
    await age(11 * minute);
    const { at, html } = await browser.visit(sensitive);
    expect(at).toBe('/account/proof?next=%2Faccount%2Femail');
    expect(html).toContain('name="next" value="/account/email"');
    const wrong = await browser.visit('/account/proof', { form: { password: 'a wrong one', next: sensitive } });
    expect(wrong.at).toBe('/account/proof?next=%2Faccount%2Femail');
    expect(messageOf(wrong.html, 'alert')).toContain('not right');
    expect((await browser.visit('/account/proof', { form: { password, next: sensitive } })).at).toBe(sensitive);
  });

  it('does not do what its form was sent for, and shows the form again after the proof', async () => {
    const browser = new Visitor(site.url);
    const { email } = await browser.register();
    await age(11 * minute);
    const answer = await browser.ask(sensitive, { form: { email: `new-${email}` } });
    expect(answer.headers.get('location')).toBe('/account/proof?next=%2Faccount%2Femail');
  });

  it('leads nowhere but to this site', async () => {
    const browser = new Visitor(site.url);
    const { password } = await browser.register();
    const answer = await browser.ask('/account/proof', { form: { password, next: 'https://evil.example/' } });
    expect(answer.headers.get('location')).toBe('/account');
  });
});

describe('a sensitive call', () => {
  it('is refused after ten minutes, until the script has proved itself', async () => {
    const script = new Script(site.url);
    const { password } = await script.register();
    const call = () => script.ask('/api/v1/users/me/tokens', { json: { name: 'a script', scope: 'read' } });
    expect((await call()).status).toBe(201);
    await age(10 * minute + 1);
    const refused = await call();
    expect(refused.status).toBe(403);
    expect(await refused.text()).toContain('/api/v1/users/me/proof');
    const prove = (json: object) => script.ask('/api/v1/users/me/proof', { method: 'PUT', json });
    expect((await prove({})).status).toBe(422);
    expect((await prove({ password: 'a wrong one' })).status).toBe(422);
    expect((await call()).status).toBe(403);
    expect((await prove({ password })).status).toBe(204);
    expect((await call()).status).toBe(201);
  });

  it('is closed to a personal token, whatever it may do', async () => {
    const script = new Script(site.url);
    await script.register();
    const made = await script.ask('/api/v1/users/me/tokens', { json: { name: 'a script', scope: 'write' } });
    script.token = ((await made.json()) as { token: string }).token;
    const answer = await script.ask('/api/v1/users/me/tokens', { json: { name: 'another', scope: 'write' } });
    expect(answer.status).toBe(403);
  });
});

it('ten wrong proofs are answered, the next has to wait', async () => {
  const script = new Script(site.url);
  const { password } = await script.register();
  const prove = async (json: object) => (await script.ask('/api/v1/users/me/proof', { method: 'PUT', json })).status;
  for (let round = 0; round < 10; round++) expect(await prove({ password: `guess ${round}` })).toBe(422);
  expect(await prove({ password })).toBe(429);
});
