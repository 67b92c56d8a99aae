import { expect, it } from '@jest/globals';
import { aSite, startApp } from '../support/app.js';
import { Script, Visitor } from '../support/people.js';

const site = aSite(() => startApp({ WELCOME_FILE: '/nowhere/at/all.pdf' }));

it('a member of a site without a file is told so, and its download is not there', async () => {
  const ada = new Visitor(site.url);
  await ada.register();
  const { status, html } = await ada.visit('/secrets');
  expect(status).toBe(200);
  expect(html).toContain('Nothing on the shelf yet');
  expect((await ada.ask('/download')).status).toBe(404);
});

it('a script gets an empty list', async () => {
  const script = new Script(site.url);
  await script.register();
  expect(await (await script.ask('/api/v1/files')).json()).toEqual({ items: [], nextCursor: null });
});

it('the operator is told that there is no such file', () => {
  expect(site.log()).toContain('There is no WELCOME_FILE at /nowhere/at/all.pdf');
});
