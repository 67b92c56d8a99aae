/**
 * Does the time of an answer tell whether an email has an account? For logins, registrations and resets, asks for a
 * known and an unknown email in turn, by chance one or the other first, and gives the Mann-Whitney AUC of the two: 0.5
 * where they cannot be told apart, 0 or 1 where they always can. Ends with 1 where one is not between 0.45 and 0.55. Needs
 * `npm run build`.
 *
 * Usage: node test/bench/timing.mjs [pairs = 400]
 */
import { randomUUID } from 'node:crypto';
import { address, asker, quantile, startSite } from './site.mjs';

const pairs = Number(process.argv[2] ?? 400);
const warmUp = 40;
const password = 'correct horse battery staple';
const site = await startSite();
const ask = asker(site.url);
let clients = 0;

/** Each try comes from a household of its own, so that no limit is met. */
const time = async (method, path, json, expected) => {
  const answer = await ask(method, path, { json, headers: { 'x-forwarded-for': address(++clients) } });
  if (answer.status !== expected) throw new Error(`${path} answered ${answer.status}: ${answer.text}`);
  return answer.milliseconds;
};

const newEmail = () => `${randomUUID()}@example.com`;
const register = (email, expected) => time('POST', '/api/v1/auth/register', { name: 'Ada', email, password }, expected);

const ways = {
  login: (email) => time('POST', '/api/v1/auth/login', { email, password: 'a wrong password' }, 401),
  registration: (email, isKnown) => register(email, isKnown ? 409 : 201),
  reset: (email) => time('POST', '/api/v1/password-resets', { email }, 202),
};

try {
  const known = [];
  for (let n = 0; n < pairs + warmUp; n++) {
    const email = newEmail();
    await register(email, 201);
    known.push(email);
  }
  // in no order that their rows stand in
  known.sort(() => Math.random() - 0.5);
  console.log(`${pairs} pairs each; milliseconds; AUC is to be between 0.45 and 0.55`);
  for (const [way, tryOut] of Object.entries(ways)) {
    const times = { known: [], unknown: [] };
    for (let n = 0; n < pairs + warmUp; n++) {
      const turns = [
        ['known', () => tryOut(known[n], true)],
        ['unknown', () => tryOut(newEmail(), false)],
      ];
      if (Math.random() < 0.5) turns.reverse();
      for (const [which, run] of turns) {
        const milliseconds = await run();
        if (n >= warmUp) times[which].push(milliseconds);
      }
    }
    const median = (values) => quantile(values, 0.5).toFixed(2);
    const found = auc(times.known, times.unknown);
    if (found < 0.45 || found > 0.55) process.exitCode = 1;
    console.log(
      `${way.padEnd(13)} AUC ${found.toFixed(3)}   median known ${median(times.known)}, unknown ${median(times.unknown)}`,
    );
  }
} finally {
  await site.end();
}

/** How often a value of one is greater than one of the other; a tie counts half. */
function auc(left, right) {
  let wins = 0;
  for (const a of left) for (const b of right) wins += a > b ? 1 : a === b ? 0.5 : 0;
  return wins / (left.length * right.length);
}
