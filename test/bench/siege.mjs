/**
 * What does an attack cost the members? Measures a member's page alone, and while an attacker guesses as fast as the
 * limits let him and 64 members log in at once, over and over. Ends with 1 where its p99 is more than 5 times the idle
 * one. Needs `npm run build`.
 *
 * Usage: node test/bench/siege.mjs [seconds = 10]
 */
import { randomUUID } from 'node:crypto';
import { address, asker, ratioOf, registerOnPage, startSite, watch } from './site.mjs';

const seconds = Number(process.argv[2] ?? 10);
const password = 'correct horse battery staple';
const site = await startSite();
const one = asker(site.url);
let clients = 0;

const logIn = (ask, email, guess, from) =>
  ask('POST', '/api/v1/auth/login', { json: { email, password: guess }, headers: { 'x-forwarded-for': from } });

async function register() {
  const email = `${randomUUID()}@example.com`;
  const answer = await one('POST', '/api/v1/auth/register', {
    json: { name: 'Ada', email, password },
    headers: { 'x-forwarded-for': address(++clients) },
  });
  return { email, token: JSON.parse(answer.text).access_token };
}

/** Does something over and over until told to stop; counts what came of it. */
function keepOn(work) {
  const counts = {};
  let goesOn = true;
  const ended = (async () => {
    while (goesOn) {
      const { status } = await work();
      counts[status] = (counts[status] ?? 0) + 1;
    }
  })();
  return {
    async stop() {
      goesOn = false;
      await ended;
      return counts;
    },
  };
}

try {
  const members = [];
  for (let n = 0; n < 64; n++) members.push(await register());
  const cookie = await registerOnPage(site);
  await watch(site, cookie, seconds);
  const idle = await watch(site, cookie, seconds);

  const attack = asker(site.url, 8);
  const attackers = Array.from({ length: 8 }, () =>
    keepOn(() => logIn(attack, members[0].email, randomUUID(), '203.0.113.66')),
  );
  const crowd = asker(site.url, 64);
  const crowds = members.map(({ email }, n) => keepOn(() => logIn(crowd, email, password, address(100_000 + n))));
  const busy = await watch(site, cookie, seconds);
  const sum = async (many) => {
    const total = {};
    for (const counts of await Promise.all(many.map((each) => each.stop())))
      for (const [status, count] of Object.entries(counts)) total[status] = (total[status] ?? 0) + count;
    return JSON.stringify(total);
  };
  const [attacked, loggedIn] = [await sum(attackers), await sum(crowds)];
  if (ratioOf(idle, busy) > 5) process.exitCode = 1;
  console.log(`attacker's answers ${attacked}, logins' answers ${loggedIn}`);
} finally {
  await site.end();
}
