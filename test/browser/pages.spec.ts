import { AxeBuilder } from '@axe-core/playwright';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { Browser, Page } from 'playwright-core';
import { FilesService } from '../../src/files/files.service.js';
import { startApp, type TestApp } from '../support/app.js';
import { launchChromium, launchTimeout, openTab, type Tab } from '../support/browser.js';
import { person, Visitor } from '../support/people.js';
import { pages, type Site, type Who } from './pages.js';

const admin = { email: 'keeper@example.com', password: 'the keeper of all the keys' };

const readers = (['light', 'dark'] as const).flatMap((colorScheme) =>
  [320, 1280].map((width) => ({ colorScheme, width })),
);

/** Milliseconds; a long page is much to look through on a busy machine. */
const timeout = 120_000;

let browser: Browser;
beforeAll(async () => void (browser = await launchChromium()), launchTimeout);
afterAll(() => browser.close());

// one site after the other: Passport, and so a process, knows the strategies of one application
describe.each(['usual', 'empty', 'full'] as const)('on the %s site', (which) => {
  let site: TestApp;
  let tab: Tab;
  beforeAll(async () => {
    site = await open[which]();
    tab = await openTab(browser, site.url);
  }, launchTimeout);
  afterAll(() => tab.close());
  afterAll(() => site.close());

  it.each(pages.filter(({ on = 'usual' }) => on === which))(
    '$name has nothing that axe minds, fits a phone, keeps to its site',
    async ({ name, open, as, status = 200 }) => {
      const { page } = tab;
      await page.context().clearCookies();
      if (as) await comeInAs(as, page, site);
      await (typeof open === 'string' ? page.goto(open) : open(page, site));
      await page.waitForLoadState();
      expect(tab.status()).toBe(status);
      if (typeof open === 'string') expect(page.url()).toBe(site.url + open);
      for (const { colorScheme, width } of readers) {
        await page.emulateMedia({ colorScheme });
        await page.setViewportSize({ width, height: 800 });
        const path = join('.cache/screenshots', `${name}-${width}-${colorScheme}.png`);
        await page.screenshot({ path, fullPage: true });
        const found = { overflow: await overflowOf(page), violations: await violationsOn(page) };
        expect({ colorScheme, width, ...found }).toEqual({ colorScheme, width, overflow: 0, violations: [] });
      }
      expect(tab.faults()).toEqual([]);
    },
    timeout,
  );
});

const open: Record<Site, () => Promise<TestApp>> = {
  usual: () => startApp({ ADMIN_EMAIL: admin.email, ADMIN_PASSWORD: admin.password }),
  empty: () => startApp({ WELCOME_FILE: 'no/such/file' }),
  full: async () => {
    const site = await open.usual();
    await fill(site);
    return site;
  },
};

async function comeInAs(who: Who, page: Page, { url }: TestApp): Promise<void> {
  const visitor = new Visitor(url);
  await enter[who](visitor);
  await page.context().addCookies([...visitor.cookies].map(([name, value]) => ({ name, value, url })));
}

const longName = 'Wolfeschlegelsteinhausenbergerdorff Pourtoujoursetencore, the Hundred-and-Third of Her Name, Esq.';

const enter: Record<Who, (visitor: Visitor) => Promise<unknown>> = {
  member: (visitor) => visitor.register(),
  memberWithLongName: (visitor) => visitor.register(person({ name: longName })),
  admin: (visitor) => visitor.visit('/login', { form: admin }),
};

/** How far the page can be scrolled to the side, in pixels. */
const overflowOf = (page: Page) =>
  page.evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth');

/** What axe finds, its own best practices and the target size of WCAG 2.2 included. */
async function violationsOn(page: Page): Promise<string[]> {
  // to bring axe into a page takes longer than to run it, so it is brought once
  const isThere = await page.evaluate<boolean>('"axe" in window');
  const { violations } = await new AxeBuilder({ page, ...(isThere && { axeSource: 'void axe' }) })
    .setLegacyMode()
    .options({ resultTypes: ['violations'], rules: { 'target-size': { enabled: true } } })
    .analyze();
  return violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html).join(' ')}`);
}

/** Sixty files, the newest with names that a page must bear. */
async function fill({ app }: TestApp): Promise<void> {
  const names = [
    ...Array.from({ length: 55 }, (_, index) => `minutes-of-meeting-${String(index + 1).padStart(2, '0')}.pdf`),
    'تقرير سنوي ٢٠٢٦.docx',
    '夏の合宿の写真.zip',
    '<img src=x onerror=alert(1)> {{viewer.email}}.html',
    `${'a-name-without-any-place-to-break'.repeat(7)}.tar.gz`,
  ];
  for (const [index, name] of names.entries())
    await app.get(FilesService).add(Readable.from(Buffer.alloc(31 ** (index % 5), name)), { name });
}
