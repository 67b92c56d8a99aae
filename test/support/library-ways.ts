import type { Page } from 'playwright-core';
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

export const renamesFileWrongly: Way = async (page, site) =>
  fills(`${await opens(page, site)}/name`, { Name: '' }, 'Keep this name')(page, site);

export const choosesNoFile: Way = fills('/admin/files/upload', {}, 'Add the file');
