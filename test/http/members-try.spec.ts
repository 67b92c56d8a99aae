import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { startApp, type TestApp } from '../support/app.js';
import { Script, Visitor } from '../support/people.js';
let site: TestApp;
beforeAll(async () => void (site = await startApp({ADMIN_EMAIL:'keeper@example.com', ADMIN_PASSWORD:'the keeper of all the keys'})));
afterAll(() => site.close());
it('x', async () => {
  const v = new Visitor(site.url);
  await v.visit('/login', {form: {email:'keeper@example.com', password:'the keeper of all the keys'}});
  for (const p of ['/admin','/admin/members','/admin/invites','/admin/registration','/admin/activity','/admin/activity.csv']) {
    const a = await v.visit(p);
    console.log(p, a.status, a.status>200 || p.endsWith('csv') ? a.html : '');
  }
  const s = new Script(site.url);
  await s.logIn({name:'',email:'keeper@example.com', password:'the keeper of all the keys'});
  const list = await (await s.ask('/api/v1/users')).text(); console.log(list);
  const id = JSON.parse(list).items[0].id;
  console.log((await v.visit('/admin/members/'+id)).html);
  console.log(await (await v.visit('/admin/invites', {form:{email:'', days:'7'}})).html);
  console.log(site.log().split('\n').filter(l=>JSON.parse(l||'{}').level>=40).join('\n'));
});
