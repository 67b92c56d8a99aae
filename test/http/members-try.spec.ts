import { AxeBuilder } from '@axe-core/playwright';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { startApp, type TestApp } from '../support/app.js';
import { launchChromium, openTab } from '../support/browser.js';
import { person, Script, Visitor } from '../support/people.js';
let site: TestApp;
const admin = {name:'', email:'keeper@example.com', password:'the keeper of all the keys'};
beforeAll(async () => void (site = await startApp({ADMIN_EMAIL:admin.email, ADMIN_PASSWORD:admin.password})));
afterAll(() => site.close());
const ua = { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0' };
it('x', async () => {
  const boss = new Script(site.url);
  await boss.logIn(admin);
  const names = ['Ada Lovelace','Grace Hopper','Wolfeschlegelsteinhausenbergerdorff Pourtoujoursetencore, the Hundred-and-Third of Her Name, Esq.','سلمى','夏目'];
  const people = [];
  for (const [i, name] of names.entries()) {
    const s = new Script(site.url);
    const who = person({name, email: i === 2 ? 'x'.repeat(60)+'@'+'a-domain-without-end.'.repeat(5)+'example.com' : `person${i}@example.com`});
    await s.register(who);
    people.push(who);
  }
  await boss.ask('/api/v1/registration', {method:'PUT', json:{mode:'approval', domains:[]}});
  for (let i=0;i<2;i++) await new Script(site.url).ask('/api/v1/auth/register', {json: person({name:'Waiting '+i, email:`wait${i}@example.com`})});
  const { items } = await (await boss.ask('/api/v1/users')).json() as { items: {id: string, name: string}[] };
  const idOf = (n: string) => items.find(({name}) => name.startsWith(n))!.id;
  console.log(await (await boss.ask('/api/v1/users/'+idOf('Grace'), {method:'PATCH', json:{disabled:true}})).text());
  console.log(await (await boss.ask('/api/v1/users/'+idOf('Ada'), {method:'PATCH', json:{role:'admin'}})).text());
  for (const e of [undefined,'guest@example.com', 'y'.repeat(60)+'@'+'a-domain-without-end.'.repeat(5)+'example.com']) await boss.ask('/api/v1/invites', {json:{email:e}});
  await site.app.get(DataSource).query(`INSERT INTO authenticators ("userId","secret","confirmedAt","createdAt") VALUES ('${idOf('Wolfe')}', 'x', 1, 1)`);
  for (let i=0;i<3;i++) await new Script(site.url).ask('/api/v1/auth/login', {json: {...people[2], password: i ? 'wrong' : people[2]!.password}, headers: ua});
  const v = new Visitor(site.url);
  await v.visit('/login', {form: {email: admin.email, password: admin.password}, headers: ua});
  const browser = await launchChromium();
  const tab = await openTab(browser, site.url);
  const { page } = tab;
  await page.context().addCookies([...v.cookies].map(([name, value]) => ({ name, value, url: site.url })));
  const shots: Record<string, () => Promise<unknown>> = {
    admin: () => page.goto('/admin'),
    members: () => page.goto('/admin/members'),
    waiting: () => page.goto('/admin/members?state=awaiting'),
    none: () => page.goto('/admin/members?q=nobody'),
    member: async () => { await page.goto('/admin/members/'+idOf('Wolfe')); for (const s of await page.locator('summary').all()) await s.click(); },
    awaiting: () => page.goto('/admin/members/'+idOf('Waiting')),
    disabled: () => page.goto('/admin/members/'+idOf('Grace')),
    oneself: () => page.goto('/admin/members/'+idOf('keeper')),
    registration: () => page.goto('/admin/registration'),
    'registration-mend': async () => { await page.goto('/admin/registration'); await page.getByLabel('Email domains').fill('example.org\nnot a domain'); await page.getByRole('button', {name:'Save'}).click(); },
    invites: () => page.goto('/admin/invites'),
    'invites-mend': async () => { await page.goto('/admin/invites'); await page.getByLabel('Email, if').fill('person0@example.com'); await page.getByRole('button', {name:'Make the invite'}).click(); },
    invite: async () => { await page.goto('/admin/invites'); await page.getByLabel('Email, if').fill('person@example.net'); await page.getByRole('button', {name:'Make the invite'}).click(); },
    activity: () => page.goto('/admin/activity?outcome=refused'),
    activityall: () => page.goto('/admin/activity'),
  };
  for (const [name, open] of Object.entries(shots)) {
    await open(); await page.waitForLoadState();
    for (const colorScheme of ['light','dark'] as const) for (const width of [320, 800, 1280]) {
      await page.emulateMedia({ colorScheme }); await page.setViewportSize({ width, height: 800 });
      if (width !== 800 || colorScheme === 'light') await page.screenshot({ path: `/tmp/shots/${name}-${width}-${colorScheme}.png`, fullPage: true });
      const overflow = await page.evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth');
      if (overflow) console.log(name, width, 'overflow', overflow);
      if (width !== 800) {
        const { violations } = await new AxeBuilder({ page }).setLegacyMode().options({ resultTypes: ['violations'], rules: { 'target-size': { enabled: true } } }).analyze();
        for (const { id, help, nodes } of violations) console.log(name, width, colorScheme, `${id}: ${help}: ${nodes.map(({ html }) => html).join(' ')}`);
      }
    }
  }
  console.log(tab.faults());
  await browser.close();
  console.log(site.log().split('\n').filter(l=>JSON.parse(l||'{}').level>=40).join('\n'));
  expect(1).toBe(1);
}, 300000);
