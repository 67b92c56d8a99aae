import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { adminOf, startWithAdmin } from '../support/admins.js';
import type { TestApp } from '../support/app.js';
import { Script, Visitor } from '../support/people.js';

let site: TestApp;
beforeAll(async () => void (site = await startWithAdmin()));
afterAll(() => site.close());

describe('__words__', () => {
  it('that an admin adds are there for every member, the newest first', async () => {
    const { script, browser } = await adminOf(site);
    await script.ask('/api/v1/__names__', { json: { title: 'The first', text: 'By the API' } });
    const added = await browser.visit('/__names__', { form: { title: 'The second', text: 'By the page' } });
    expect(added.html).toContain('“The second” is there for members now.');

    const ada = new Script(site.url);
    await ada.register();
    expect(await (await ada.ask('/api/v1/__names__')).json()).toMatchObject({
      items: [{ title: 'The second' }, { title: 'The first' }],
    });
    const member = new Visitor(site.url);
    await member.register();
    expect((await member.visit('/__names__')).html).toMatch(/The second[^]*The first/);
  });

  it('that lack something are shown again with what is wrong', async () => {
    const { browser } = await adminOf(site);
    const { status, html } = await browser.visit('/__names__', { form: { title: '', text: 'A text that is kept' } });
    expect(status).toBe(422);
    expect(html).toContain('Please give a title.');
    expect(html).toContain('A text that is kept');
  });
});
