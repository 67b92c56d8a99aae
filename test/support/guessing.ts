import { DataSource } from 'typeorm';
import type { TestApp } from './app.js';
import { Script } from './people.js';

/** What the trusted proxy says of where a request comes from. */
export const from = (address: string) => ({ 'x-forwarded-for': address });

/** Tries wrong passwords, one after the other; what each was answered with. */
export async function guess(
  { url }: Pick<TestApp, 'url'>,
  email: string,
  times: number,
  address: (round: number) => string,
): Promise<number[]> {
  const statuses: number[] = [];
  for (let round = 0; round < times; round++) {
    const answer = await new Script(url).ask('/api/v1/auth/login', {
      json: { email, password: `guess number ${round}` },
      headers: from(address(round)),
    });
    statuses.push(answer.status);
  }
  return statuses;
}

/** As if so many wrong passwords had come in a row for this account: one real guess, and the rest of the count. */
export async function besiege(site: TestApp, email: string, failures = 100): Promise<void> {
  const known = new Set(await streaksOf(site));
  await guess(site, email, 1, () => '198.51.100.7');
  const [key, ...others] = (await streaksOf(site)).filter((one) => !known.has(one));
  if (key === undefined || others.length > 0) throw new Error('The guess began no count of its own.');
  await site.app.get(DataSource).query('UPDATE "rate_limits" SET "points" = $1 WHERE "key" = $2', [failures, key]);
}

/** The keys of the accounts for which wrong passwords in a row are counted. */
export const streaksOf = async ({ app }: TestApp): Promise<string[]> => {
  const sql = `SELECT "key" FROM "rate_limits" WHERE "key" LIKE 'streak:%'`;
  return (await app.get(DataSource).query<{ key: string }[]>(sql)).map(({ key }) => key);
};
