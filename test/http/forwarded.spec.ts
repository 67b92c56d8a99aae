import { describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { aSite, startApp } from '../support/app.js';
import { waitForMail } from '../support/mail.js';
import { person, Script, Visitor } from '../support/people.js';
import { askRaw } from '../support/raw.js';

const site = aSite(() => startApp({ TRUST_PROXY: '127.0.0.1', RATE_LIMITS: 'on' }));

interface Line {
  readonly msg: string;
  readonly event?: string;
  readonly address?: string;
  readonly requestId?: string;
}

const linesAfter = (before: number) =>
  site
    .log()
    .slice(before)
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);

const eventsOf = (email: string) =>
  site.app
    .get(DataSource)
    .query<{ address: string; requestId: string }[]>(
      `SELECT "address", "requestId" FROM "events" WHERE "target" = '${email}' OR "actor" = '${email}' ORDER BY "id"`,
    );

const guess = (headers: Record<string, string>, email = person().email) =>
  new Script(site.url).ask('/api/v1/auth/login', { json: { email, password: 'not the password' }, headers });

describe('one address, however a proxy spells it', () => {
  it.each([
    ['203.0.113.7', ['203.0.113.7:50001', '203.000.113.007', '::ffff:203.0.113.7', '[::FFFF:203.0.113.7]:1']],
    ['2001:db8::7', ['2001:DB8:0::7', '[2001:db8::7]:443', '"[2001:db8::7]"', '2001:0db8:0:0:0:0:0:0007%eth0']],
  ])('%s is the same in the log, in the activity log and to fail2ban', async (one, spellings) => {
    for (const address of spellings) {
      const who = await new Script(site.url).register();
      const before = site.log().length;
      expect((await guess({ 'x-forwarded-for': `198.51.100.1, ${address}` }, who.email)).status).toBe(401);
      expect((await eventsOf(who.email)).at(-1)?.address).toBe(one);
      const lines = linesAfter(before);
      expect(lines.map(({ address }) => address)).toEqual(lines.map(() => one));
      expect(lines.map(({ msg }) => msg)).toEqual(expect.arrayContaining(['activity', 'answered']));
    }
  });

  it('is counted as one where guesses are limited, and named so to whoever reads the log', async () => {
    const { email } = person();
    const spellings = [
      '198.51.100.9',
      '198.51.100.9:1',
      '198.051.100.009',
      '::ffff:198.51.100.9',
      '[::ffff:c633:6409]',
    ];
    for (const address of [...spellings, ...spellings])
      expect((await guess({ 'x-forwarded-for': address }, email)).status).toBe(401);
    const before = site.log().length;
    expect((await guess({ 'x-forwarded-for': '198.51.100.9:4711' }, email)).status).toBe(429);
    expect(linesAfter(before).find(({ event }) => event === 'limit.reached')?.address).toBe('198.51.100.9');
  });

  it('or what is no address is the one that forwards it', async () => {
    for (const address of ['unknown', '_hidden', 'x'.repeat(200), '127.1', '203.0.113.5, unknown']) {
      const who = await new Script(site.url).register();
      await guess({ 'x-forwarded-for': address }, who.email);
      expect((await eventsOf(who.email)).at(-1)?.address).toBe('127.0.0.1');
    }
  });

  it('of a proxy in the list is passed over, with its port too', async () => {
    const who = await new Script(site.url).register();
    for (const proxies of ['127.0.0.1:4711', '::ffff:127.0.0.1', ' ,127.0.0.1, ']) {
      await guess({ 'x-forwarded-for': `203.0.113.11,${proxies}` }, who.email);
      expect((await eventsOf(who.email)).at(-1)?.address).toBe('203.0.113.11');
    }
  });
});

it('a program that comes from another address of the same IPv6 network is no new device', async () => {
  const script = new Script(site.url);
  const who = person();
  const from = (address: string) => ({ 'x-forwarded-for': address });
  await script.ask('/api/v1/auth/register', { json: who, headers: from('2001:db8:9:9::1') });
  const logIn = (address: string) => script.ask('/api/v1/auth/login', { json: who, headers: from(address) });
  for (const address of ['2001:db8:9:9::2', '[2001:db8:9:9:ffff::3]:443'])
    expect((await logIn(address)).status).toBe(200);
  expect((await logIn('2001:db8:9:8::1')).status).toBe(200);
  // mails leave in the order in which they were written
  const { text = '' } = await waitForMail(site, who.email, /new device/i);
  expect(text).toContain('Address: 2001:db8:9:8::1');
});

describe('the number of a request', () => {
  it.each(['5f0e9c1d2b3a49588776655443322110', 'Root=1-67891233-abcdef012345678912345678', 'a'.repeat(128)])(
    'is kept as a trusted proxy gives it, in the answer, the log, the activity log and an error: %s',
    async (id) => {
      const { email } = await new Script(site.url).register();
      const before = site.log().length;
      const answer = await guess({ 'x-request-id': id }, email);
      expect(answer.headers.get('x-request-id')).toBe(id);
      expect(await answer.json()).toMatchObject({ requestId: id });
      expect(linesAfter(before).map(({ requestId }) => requestId)).toEqual(linesAfter(before).map(() => id));
      expect((await eventsOf(email)).at(-1)?.requestId).toBe(id);
    },
  );

  it.each(['', 'a'.repeat(129), 'two words', '<script>', '"quoted"', 'a;b', 'é'])(
    'is made anew where that is too long, or not safe to show: %s',
    async (id) => {
      const { headers } = await askRaw(site.url, '/nothing-here', { headers: { 'x-request-id': id } });
      expect(headers['x-request-id']).toMatch(/^[\da-f]{8}-[\da-f-]{27}$/);
    },
  );

  it('is made anew where nobody is trusted', async () => {
    const alone = await startApp();
    try {
      const answer = await fetch(alone.url, { headers: { 'x-request-id': 'mine', 'x-forwarded-for': '203.0.113.1' } });
      expect(answer.headers.get('x-request-id')).toMatch(/^[\da-f]{8}-[\da-f-]{27}$/);
      const [answered] = alone.log().trim().split('\n').slice(-1);
      expect(JSON.parse(answered ?? '')).toMatchObject({ msg: 'answered', address: '127.0.0.1' });
    } finally {
      await alone.close();
    }
  });
});

it('a form is told by the host that the browser asked, whatever else a proxy forwards', async () => {
  const host = 'gatehouse.example:8443';
  const browser = new Visitor(site.url);
  const odd = { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'HTTPS, http', 'x-forwarded-port': '99999' };
  const { status } = await askRaw(site.url, '/login', {
    method: 'POST',
    headers: { host, origin: `https://${host}`, ...odd, 'content-type': 'application/x-www-form-urlencoded' },
  });
  expect(status).not.toBe(403);
  const refused = await browser.ask('/login', { form: {}, headers: { origin: 'http://evil.example', ...odd } });
  expect(refused.status).toBe(403);
  const { headers } = await askRaw(site.url, '/secrets', { headers: { host, ...odd } });
  expect(headers.location).toBe('/login?next=%2Fsecrets');
});
