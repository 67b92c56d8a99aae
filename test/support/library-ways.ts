import { randomUUID } from 'node:crypto';
import type { Page } from 'playwright-core';
import { keeper } from './admins.js';
import type { TestApp } from './app.js';
import { shelve } from './stored.js';
import { send } from './walks.js';
import { fills, type Way } from './ways.js';

/** Opens the admin's page of a file that has just been added. */
async function opens(page: Page, site: TestApp): Promise<string> {
  const path = `/admin/files/${(await shelve(site, 12_345, longFileName)).file.id}`;
  await page.goto(path);
  return path;
}

const longFileName = `${'a-name-without-any-place-to-break'.repeat(4)}.tar.gz`;

export const opensFile: Way = opens;

export const featuresFile: Way = async (page, site) => {
  await opens(page, site);
  await send(page, 'Feature it');
};

export const deletesFile: Way = async (page, site) => {
  await opens(page, site);
  await send(page, 'Delete the file');
};

export const describesFileWrongly: Way = async (page, site) =>
  fills(`${await opens(page, site)}/details`, { Name: '', Note: 'x'.repeat(1_001) }, 'Keep this')(page, site);

export const opensDetails: Way = async (page, site) => {
  await page.goto(`${await opens(page, site)}/details`);
};

export const choosesNoFile: Way = fills('/admin/files/upload', {}, 'Add to the shelf');

export const choosesNoReplacement: Way = async (page, site) =>
  fills(`${await opens(page, site)}/replacement`, {}, 'Replace the file')(page, site);

/** Opens a file that has a note, two versions, and an end. */
export const opensReplaced: Way = async (page, site) => {
  const path = await opens(page, site);
  const chooser = page.getByLabel('The new version');
  await page.goto(`${path}/replacement`);
  await chooser.setInputFiles({ name: 'other.gz', mimeType: 'application/gzip', buffer: Buffer.alloc(54_321, 'new') });
  await send(page, 'Replace the file');
  await page.goto(`${path}/details`);
  await page.getByLabel('Note').fill('Signed by both sides.\nThe annex follows in spring.');
  await page.getByLabel('There until').fill('2031-01-31T08:00');
  await send(page, 'Keep this');
};

/** Opens the page that members have of a file, from the shelf. */
export const opensFromShelf: Way = async (page) => {
  await page.goto('/secrets');
  await page.getByRole('link', { name: 'welcome.txt', exact: true }).click();
  await page.getByRole('heading', { name: 'Did it arrive whole?' }).waitFor();
};

export const opensReplacedAsMember: Way = async (page, site) => {
  await opensReplaced(page, site);
  await page.goto(new URL(page.url()).pathname.replace('/admin', ''));
};

/** Makes a group with one member, and opens it. */
export const opensGroup: Way = async (page, site) => {
  const name = `Board ${randomUUID()}`;
  await fills('/admin/groups/new', { Name: name }, 'Make the group')(page, site);
  const path = new URL(page.url()).pathname;
  await fills(`${path}/members`, { Members: keeper.email }, 'Add them')(page, site);
};

export const addsNobody: Way = async (page, site) => {
  await opensGroup(page, site);
  const path = new URL(page.url()).pathname;
  await fills(`${path}/members`, { Members: 'nobody@example.com' }, 'Add them')(page, site);
};

export const opensAudience: Way = async (page, site) => {
  await opensGroup(page, site);
  await page.goto(`${await opens(page, site)}/audience`);
};

export const mistakesAudience: Way = async (page, site) => {
  await opensAudience(page, site);
  await page.getByLabel('Only those chosen here').check();
  await page.getByLabel('Members by name').fill('nobody@example.com');
  await send(page, 'Keep this');
};

/** Opens who has a file, of which the admin has just been sent all. */
export const opensReceipts: Way = async (page, site) => {
  const path = await opens(page, site);
  const download = page.waitForEvent('download');
  await page.getByRole('link', { name: 'Download', exact: true }).click();
  await (await download).delete();
  await page.goto(`${path}/receipts`);
};

export const opensReceiptsOfMember: Way = async (page, site) => {
  await opensReceipts(page, site);
  await page.getByRole('link', { name: 'keeper', exact: true }).click();
  await page.getByRole('link', { name: 'What they have' }).click();
  await page.getByRole('heading', { level: 1, name: 'What they have' }).waitFor();
};
