import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { keeper, startWithAdmin } from '../support/admins.js';
import { aSite } from '../support/app.js';
import { inTab, launchChromium, launchTimeout } from '../support/browser.js';
import { shelve } from '../support/stored.js';
import { follow, logIn, register, send, stopsAt, submit, told } from '../support/walks.js';

// it is a long walk on a busy machine
const site = aSite(() => startWithAdmin());
let browser: Browser;
beforeAll(async () => void (browser = await launchChromium()), launchTimeout);
afterAll(() => browser.close());

const quietly = { javaScriptEnabled: false };

describe('without JavaScript', () => {
  it('an admin makes a group, gives it a file, and only who is in it finds the file', async () => {
    const { file } = await shelve(site, Buffer.from('minutes'), 'minutes.txt');
    await inTab(
      browser,
      site.url,
      async ({ page: member }) => {
        const ada = await register(member);
        await inTab(
          browser,
          site.url,
          async (tab) => {
            const { page } = tab;
            await logIn(page, keeper);
            await page.goto('/admin');
            await follow(tab, 'Groups', '/admin/groups');
            await follow(tab, 'Make a group', '/admin/groups/new');
            await page.getByLabel('Name').fill('Board');
            await send(page, 'Make the group');
            const group = new URL(page.url()).pathname;
            await stopsAt(tab, group);

            const path = `/admin/files/${file.id}`;
            await page.goto(path);
            await follow(tab, 'Who may have it', `${path}/audience`);
            await page.getByLabel('Only those chosen here').check();
            await page.getByLabel('Board').check();
            await send(page, 'Keep this');
            await stopsAt(tab, path);
            expect(await page.getByText('The group “Board”').count()).toBe(1);
            await member.goto('/secrets');
            expect(await member.getByText('minutes.txt').count()).toBe(0);

            await page.goto(group);
            await follow(tab, 'Add members', `${group}/members`);
            await submit(tab, { Members: ada.email }, 'Add them', group);
            expect(await told(page)).toBe('1 member is in the group now.');
            await member.goto('/secrets');
            expect(await member.getByText('minutes.txt').count()).toBeGreaterThan(0);
            await page.getByRole('button', { name: `Take out ${ada.name}` }).click();
            await stopsAt(tab, group);
            await member.goto('/secrets');
            expect(await member.getByText('minutes.txt').count()).toBe(0);
          },
          quietly,
        );
      },
      quietly,
    );
  });
});
