import { describe, expect, it } from '@jest/globals';
import { aSite, startApp } from '../support/app.js';
import { duringAStorm } from '../support/gate.js';
import { person, Script, Visitor } from '../support/people.js';

const site = aSite(() => startApp({ RATE_LIMITS: 'off' }));

describe('a storm of logins', () => {
  const wrong = { email: 'nobody@example.com', password: 'a wrong password' };

  it('is turned away in order beyond what can wait, and leaves the site as it was', async () => {
    const ada = new Visitor(site.url);
    const who = await ada.register();
    const refused = await duringAStorm(site, async () => {
      // those who are in do not wait behind it
      expect((await ada.ask('/secrets')).status).toBe(200);
      expect((await ada.ask('/download')).status).toBe(200);
      return new Script(site.url).ask('/api/v1/auth/login', { json: wrong });
    });
    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).toBe('3');
    expect(await refused.json()).toMatchObject({
      title: 'Service Unavailable',
      detail: expect.stringContaining('very busy'),
    });
    await expect(new Script(site.url).logIn(who)).resolves.toBeDefined();
    expect(site.log()).not.toContain('request failed');
  });

  it('shows a person a page that says to come back', async () => {
    const refused = await duringAStorm(site, () => new Visitor(site.url).ask('/register', { form: { ...person() } }));
    expect(refused.headers.get('retry-after')).toBe('3');
    expect(await refused.text()).toContain('Busy just now');
  });
});

describe('a request that is larger than any of ours', () => {
  it('is refused by its address', async () => {
    const script = new Script(site.url);
    await script.register();
    expect((await script.ask(`/api/v1/files/${'x'.repeat(201)}`)).status).toBe(414);
    expect((await script.ask(`/${'x'.repeat(40_000)}`)).status).toBe(431);
  });

  it('is refused by its headers', async () => {
    expect((await new Script(site.url).ask('/', { headers: { 'x-much': 'x'.repeat(20_000) } })).status).toBe(431);
  });

  it('is refused by its body, in a form and in JSON', async () => {
    const json = person({ password: 'x'.repeat(17_000) });
    expect((await new Script(site.url).ask('/api/v1/auth/register', { json })).status).toBe(413);
    expect((await new Visitor(site.url).ask('/register', { form: { ...json } })).status).toBe(413);
  });

  it('is refused by its depth', async () => {
    const deep = (levels: number): object => (levels === 0 ? {} : { deeper: deep(levels - 1) });
    const script = new Script(site.url);
    expect((await script.ask('/api/v1/auth/login', { json: deep(10) })).status).toBe(422);
    expect((await script.ask('/api/v1/auth/login', { json: deep(20) })).status).toBe(400);
  });
});
