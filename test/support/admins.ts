import { DataSource } from 'typeorm';
import { User } from '../../src/users/user.entity.js';
import { startApp, type TestApp } from './app.js';
import { Script, Visitor, type Person } from './people.js';

/** The admin whom a site begins with. */
export const keeper: Person = {
  name: 'keeper',
  email: 'keeper@example.com',
  password: 'the keeper of all the keys',
};

/** Starts a site that has an admin. */
export const startWithAdmin = (environment: Record<string, string> = {}): Promise<TestApp> =>
  startApp({ ADMIN_EMAIL: keeper.email, ADMIN_PASSWORD: keeper.password, ...environment });

/** The admin, with a browser and a script that are both logged in. */
export async function adminOf({ url }: TestApp, who = keeper): Promise<{ browser: Visitor; script: Script }> {
  const [browser, script] = [new Visitor(url), new Script(url)];
  const { at } = await browser.visit('/login', { form: { email: who.email, password: who.password } });
  if (at !== '/secrets') throw new Error(`The admin landed on ${at}.`);
  await script.logIn(who);
  return { browser, script };
}

/** Under which id somebody is a member. */
export const idOf = async ({ app }: TestApp, { email }: Pick<Person, 'email'>): Promise<string> =>
  (await app.get(DataSource).getRepository(User).findOneByOrFail({ email })).id;
