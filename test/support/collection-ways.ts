import type { Page } from 'playwright-core';
import { collect } from './collections.js';
import type { TestApp } from './app.js';
import { shelve } from './stored.js';
import { fills, type Way } from './ways.js';

const note = 'What was said and shown at the meeting.\nThe annex follows in spring.';
const longName = `${'A name without an end '.repeat(3)}${'x'.repeat(30)}`;

/** A collection with files that are oddly named, for everyone. */
async function make(site: TestApp): Promise<string> {
  const names = ['minutes.pdf', 'slides.pdf', 'صور.zip', `${'a-name-without-any-place-to-break'.repeat(4)}.tar.gz`];
  const files = await Promise.all(names.map((name, index) => shelve(site, 31 ** (index + 1), name)));
  return (await collect(site, files, { name: longName, isForEveryone: true })).id;
}

const opens =
  (pathOf: (id: string) => string): Way =>
  async (page: Page, site: TestApp) => {
    await page.goto(pathOf(await make(site)));
  };

export const opensShelf: Way = opens(() => '/collections');
export const opensAsMember: Way = opens((id) => `/collections/${id}`);
export const opensList: Way = opens(() => '/admin/collections');
export const opensCollection: Way = opens((id) => `/admin/collections/${id}`);
export const choosesFiles: Way = opens((id) => `/admin/collections/${id}/files`);
export const opensDetails: Way = opens((id) => `/admin/collections/${id}/details`);

/** Makes a collection, which is empty. */
export const makesCollection: Way = fills(
  '/admin/collections/new',
  { Name: 'Annual meeting', Note: note },
  'Make the collection',
);

export const opensEmptyAsMember: Way = async (page, site) => {
  await makesCollection(page, site);
  await page.goto(new URL(page.url()).pathname.replace('/admin', ''));
};
