import { expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { aSite, startApp } from '../support/app.js';
import { person, Script, Visitor } from '../support/people.js';

const site = aSite(() => startApp({ RATE_LIMITS: 'on', TRUST_PROXY: '127.0.0.1' }));

/** A login that comes through the trusted proxy from an address. */
const logIn = (address: string, email: string, password: string) =>
  new Script(site.url).ask('/api/v1/auth/login', {
    json: { email, password },
    headers: { 'x-forwarded-for': address },
  });

const guess = async (address: string, email: string, times: number) => {
  const statuses: number[] = [];
  for (let round = 0; round < times; round++) statuses.push((await logIn(address, email, `guess ${round}`)).status);
  return statuses;
};

it('ten wrong passwords for one account from one address are answered, the next is told to wait', async () => {
  const { email, password } = await new Script(site.url).register();
  expect(await guess('203.0.113.1', email, 10)).toEqual(Array<number>(10).fill(401));
  const refused = await logIn('203.0.113.1', email, password);
  expect(refused.status).toBe(429);
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(await refused.json()).toMatchObject({ status: 429, title: 'Too Many Requests' });
  expect((await logIn('203.0.113.2', email, password)).status).toBe(200);
});

it('an unknown account is answered as a known one is', async () => {
  expect(await guess('203.0.113.3', 'nobody@example.com', 11)).toEqual([...Array<number>(10).fill(401), 429]);
});

it('a page says so too, and how to go on', async () => {
  await guess('203.0.113.4', 'somebody@example.com', 10);
  const answer = await new Visitor(site.url).ask('/login', {
    form: { email: 'somebody@example.com', password: 'one more guess' },
    headers: { 'x-forwarded-for': '203.0.113.4' },
  });
  expect(answer.status).toBe(429);
  expect(answer.headers.get('retry-after')).not.toBeNull();
  expect(await answer.text()).toContain('Too many tries');
});

it('a right password gives its try back', async () => {
  const { email, password } = await new Script(site.url).register();
  for (let round = 0; round < 3; round++) {
    await guess('203.0.113.5', email, 9);
    expect((await logIn('203.0.113.5', email, password)).status).toBe(200);
  }
});

it('a program that does nothing but log in is stopped after 120 right logins in an hour, and stops nobody else', async () => {
  const [ada, grace] = [await new Script(site.url).register(), await new Script(site.url).register()];
  const rightFrom = async (address: string, { email, password } = ada) => logIn(address, email, password);
  const logins = () =>
    site.app
      .get(DataSource)
      .query<{ key: string; points: number }[]>(
        `SELECT "key", "points" FROM "rate_limits" WHERE "key" LIKE 'logins:%'`,
      );
  const known = new Set((await logins()).map(({ key }) => key));
  expect((await rightFrom('203.0.113.7')).status).toBe(200);
  const [count, ...others] = (await logins()).filter(({ key }) => !known.has(key));
  expect([count?.points, others]).toEqual([1, []]);

  // as if that had gone on for most of an hour
  await site.app.get(DataSource).query('UPDATE "rate_limits" SET "points" = 118 WHERE "key" = $1', [count?.key]);
  expect((await rightFrom('203.0.113.7')).status).toBe(200);
  // a wrong password between them neither counts nor begins anew
  expect(await guess('203.0.113.7', ada.email, 1)).toEqual([401]);
  expect((await rightFrom('203.0.113.7')).status).toBe(200);
  const refused = await rightFrom('203.0.113.7');
  expect(refused.status).toBe(429);
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(await refused.text()).not.toContain('access_token');

  expect((await rightFrom('203.0.113.8')).status).toBe(200);
  expect((await rightFrom('203.0.113.7', grace)).status).toBe(200);
});

it('many guesses at once are counted exactly', async () => {
  const { email } = await new Script(site.url).register();
  const answers = await Promise.all(Array.from({ length: 30 }, () => logIn('203.0.113.6', email, 'a wrong password')));
  expect(answers.filter(({ status }) => status === 401)).toHaveLength(10);
  expect(answers.filter(({ status }) => status === 429)).toHaveLength(20);
});

it('one password tried on everybody from one network is stopped, all of an IPv6 household counting as one', async () => {
  const tryFrom = async (address: string, email: string) => (await logIn(address, email, 'Summer2026!')).status;
  expect(await tryFrom('2001:db8:1:2::1', 'one@example.com')).toBe(401);
  await site.app
    .get(DataSource)
    .query(`UPDATE "rate_limits" SET "points" = 99 WHERE "key" = 'address:2001:db8:1:2::/64'`);
  expect(await tryFrom('2001:db8:1:2::2', 'two@example.com')).toBe(401);
  expect(await tryFrom('2001:db8:1:2:ffff::3', 'three@example.com')).toBe(429);
  expect(await tryFrom('2001:db8:1:3::1', 'four@example.com')).toBe(401);
});

it('registrations from one address are bounded, and the count is in the database', async () => {
  await site.app.get(DataSource).query(`UPDATE "rate_limits" SET "points" = 300 WHERE "key" LIKE 'registration:%'`);
  const answer = await new Script(site.url).ask('/api/v1/auth/register', { json: person() });
  expect(answer.status).toBe(429);
});

it('an address that nobody vouches for is not believed', async () => {
  const other = await startApp({ RATE_LIMITS: 'on' });
  try {
    const statuses: number[] = [];
    for (let round = 0; round < 11; round++) {
      const answer = await new Script(other.url).ask('/api/v1/auth/login', {
        json: { email: 'nobody@example.com', password: 'a wrong password' },
        headers: { 'x-forwarded-for': `203.0.113.${round}` },
      });
      statuses.push(answer.status);
    }
    expect(statuses.at(-1)).toBe(429);
  } finally {
    await other.close();
  }
});
