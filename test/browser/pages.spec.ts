import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { Browser, Page } from 'playwright-core';
import { FilesService } from '../../src/files/files.service.js';
import * as admin from '../support/admin-ways.js';
import { keeper, startWithAdmin } from '../support/admins.js';
import { startApp, type TestApp } from '../support/app.js';
import { violationsOn } from '../support/axe.js';
import { launchChromium, launchTimeout, openTab, type Tab } from '../support/browser.js';
import * as collections from '../support/collection-ways.js';
import { person, Visitor } from '../support/people.js';
import * as library from '../support/library-ways.js';
import { sized } from '../support/suite.js';
import * as ways from '../support/ways.js';

/** With the welcome file; with no file and no admin; with many files and members, oddly named; with a second factor. */
type Site = 'usual' | 'empty' | 'full' | 'strict';

type Who = 'member' | 'memberWithLongName' | 'memberWithFactors' | 'admin';

/** A page that every check of `pages.spec.ts` looks at, in light and dark, narrow and wide. */
interface PageToSee {
  /** Unique; names the screenshots. */
  readonly name: string;
  /** An address, or how a person gets there. */
  readonly open: string | ways.Way;
  /** Who looks; a stranger, where it is not said. */
  readonly as?: Who;
  /** Where; the usual site, where it is not said. */
  readonly on?: Site;
  /** 200, where it is not said. */
  readonly status?: number;
}

const { fills, follows, registers, logsIn } = ways;

/** Every page there is. A new page is one line here; how to get there, where an address is not enough, a way. */
const pages: readonly PageToSee[] = [
  { name: 'home', open: '/' },
  { name: 'home-member', open: '/', as: 'member' },
  { name: 'home-long-name', open: '/', as: 'memberWithLongName' },
  { name: 'home-admin', open: '/', as: 'admin' },
  { name: 'home-logged-out', open: ways.logsOut, as: 'member' },

  { name: 'setup', open: admin.followsSetupLink, on: 'empty' },
  { name: 'setup-mend', open: admin.mistakesSetup, on: 'empty', status: 422 },
  { name: 'setup-over', open: '/setup?token=spent', status: 404 },
  { name: 'register', open: '/register' },
  { name: 'register-mend-one', open: registers({ password: 'password' }), status: 422 },
  { name: 'register-mend-all', open: registers({ name: '', email: 'ada', password: 'short' }), status: 422 },
  { name: 'register-taken', open: registers({ email: keeper.email }) },
  { name: 'register-approval', open: admin.findsRule('approval', '/register') },
  { name: 'register-invite-only', open: admin.findsRule('invite', '/register') },
  { name: 'register-invited', open: admin.followsInvite },
  { name: 'register-invited-late', open: admin.comesLateWithInvite, status: 422 },
  { name: 'register-closed', open: admin.findsRule('closed', '/register') },
  { name: 'login', open: '/login?next=%2Fsecrets' },
  { name: 'login-refused', open: logsIn() },
  { name: 'login-mend', open: logsIn({ email: '', password: '' }), status: 422 },
  { name: 'login-factor', open: ways.comesToSecondStep },
  { name: 'login-factor-refused', open: ways.givesWrongCode },
  { name: 'login-link', open: '/login/link' },
  { name: 'login-link-asked', open: fills('/login/link', { Email: keeper.email }, 'Make me a link') },
  { name: 'login-open', open: ways.followsMail('/login/link', /^A link to log in/) },
  { name: 'logout', open: ways.followsLinkFromElsewhere, as: 'member' },
  { name: 'password-forgot', open: '/password/forgot' },
  { name: 'password-forgot-mend', open: fills('/password/forgot', { Email: '' }, 'Make me a link'), status: 422 },
  { name: 'password-reset', open: ways.followsMail('/password/forgot', /^Choose a new password/) },
  { name: 'password-reset-over', open: '/password/reset?token=spent', status: 404 },
  { name: 'email-confirmation', open: ways.followsMailToConfirm },

  { name: 'secrets', open: '/secrets', as: 'member' },
  { name: 'secrets-search', open: '/secrets?q=e&sort=name', as: 'member', on: 'full' },
  { name: 'secrets-none', open: '/secrets?q=nothing', as: 'member' },
  { name: 'file', open: library.opensFromShelf, as: 'member' },
  { name: 'file-replaced', open: library.opensReplacedAsMember, as: 'admin' },
  { name: 'secrets-empty', open: '/secrets', as: 'member', on: 'empty' },
  { name: 'secrets-full', open: '/secrets', as: 'memberWithLongName', on: 'full' },
  { name: 'secrets-full-next', open: follows('/secrets', 'Next page'), as: 'member', on: 'full' },

  { name: 'account', open: '/account', as: 'memberWithLongName' },
  { name: 'account-admin', open: '/account', as: 'admin' },
  { name: 'account-name', open: '/account/name', as: 'member' },
  { name: 'account-email', open: '/account/email', as: 'member' },
  { name: 'account-password', open: '/account/password', as: 'member' },
  { name: 'account-password-mend', open: ways.mistakesPassword, as: 'member', status: 422 },
  { name: 'account-sessions', open: '/account/sessions', as: 'admin' },
  { name: 'account-tokens', open: '/account/tokens', as: 'admin' },
  { name: 'account-tokens-mend', open: ways.makesToken('400'), as: 'member', status: 422 },
  { name: 'account-token', open: ways.makesToken('30'), as: 'member', status: 201 },
  { name: 'account-activity', open: '/account/activity', as: 'admin' },
  { name: 'account-export', open: '/account/export', as: 'member' },
  { name: 'account-deletion', open: '/account/deletion', as: 'member' },
  { name: 'account-deletion-refused', open: admin.wantsToLeave, as: 'admin' },
  { name: 'account-proof', open: '/account/proof?next=%2Faccount', as: 'member' },
  { name: 'account-proof-factors', open: '/account/proof', as: 'memberWithFactors' },
  { name: 'account-factors', open: '/account/factors', as: 'member' },
  { name: 'account-factors-set-up', open: '/account/factors', as: 'memberWithFactors' },
  { name: 'account-factors-asked', open: registers(), on: 'strict' },
  { name: 'account-authenticator', open: '/account/factors/authenticator', as: 'member' },
  { name: 'account-authenticator-refused', open: ways.mistakesApp, as: 'member' },
  { name: 'account-passkeys', open: '/account/factors/passkeys', as: 'member' },
  { name: 'account-passkey-name', open: follows('/account/factors', 'Rename'), as: 'memberWithFactors' },
  { name: 'account-passkey-name-mend', open: ways.mistakesPasskeyName, as: 'memberWithFactors', status: 422 },
  { name: 'account-recovery-codes', open: ways.renewsRecoveryCodes, as: 'memberWithFactors' },

  { name: 'admin', open: '/admin', as: 'admin' },
  { name: 'admin-full', open: '/admin', as: 'admin', on: 'full' },
  { name: 'admin-members', open: '/admin/members', as: 'admin', on: 'full' },
  { name: 'admin-members-search', open: '/admin/members?q=example&limit=2', as: 'admin', on: 'full' },
  { name: 'admin-members-none', open: '/admin/members?q=nobody&state=disabled', as: 'admin' },
  { name: 'admin-member', open: admin.opensMember, as: 'admin' },
  { name: 'admin-member-waiting', open: admin.opensWaiting, as: 'admin' },
  { name: 'admin-member-disabled', open: admin.disablesMember, as: 'admin' },
  { name: 'admin-member-oneself', open: admin.opensOneself, as: 'admin', on: 'full' },
  { name: 'admin-member-last', open: admin.stepsDown, as: 'admin', on: 'full' },
  { name: 'admin-files', open: '/admin/files', as: 'admin', on: 'full' },
  { name: 'admin-files-none', open: '/admin/files?q=nothing', as: 'admin' },
  { name: 'admin-files-deleted', open: '/admin/files?state=deleted', as: 'admin' },
  { name: 'admin-file', open: library.opensFile, as: 'admin' },
  { name: 'admin-file-featured', open: library.featuresFile, as: 'admin', on: 'full' },
  { name: 'admin-file-deleted', open: library.deletesFile, as: 'admin' },
  { name: 'admin-file-replaced', open: library.opensReplaced, as: 'admin' },
  { name: 'admin-file-details', open: library.opensDetails, as: 'admin' },
  { name: 'admin-file-details-mend', open: library.describesFileWrongly, as: 'admin', status: 422 },
  { name: 'admin-file-replacement-mend', open: library.choosesNoReplacement, as: 'admin', status: 422 },
  { name: 'admin-file-upload', open: '/admin/files/upload', as: 'admin' },
  { name: 'admin-file-upload-mend', open: library.choosesNoFile, as: 'admin', status: 422 },
  { name: 'admin-file-audience', open: library.opensAudience, as: 'admin' },
  { name: 'admin-file-audience-mend', open: library.mistakesAudience, as: 'admin', status: 422 },
  { name: 'collections', open: collections.opensShelf, as: 'admin', on: 'full' },
  { name: 'collections-none', open: '/collections', as: 'member' },
  { name: 'collection', open: collections.opensAsMember, as: 'admin' },
  { name: 'collection-empty', open: collections.opensEmptyAsMember, as: 'admin' },
  { name: 'admin-collections', open: collections.opensList, as: 'admin', on: 'full' },
  { name: 'admin-collections-none', open: '/admin/collections?q=nothing', as: 'admin' },
  { name: 'admin-collection', open: collections.opensCollection, as: 'admin' },
  { name: 'admin-collection-empty', open: collections.makesCollection, as: 'admin' },
  { name: 'admin-collection-files', open: collections.choosesFiles, as: 'admin', on: 'full' },
  { name: 'admin-collection-new', open: '/admin/collections/new', as: 'admin' },
  {
    name: 'admin-collection-new-mend',
    open: fills('/admin/collections/new', { Name: '', Note: 'x'.repeat(1_001) }, 'Make the collection'),
    as: 'admin',
    status: 422,
  },
  { name: 'admin-collection-details', open: collections.opensDetails, as: 'admin' },
  { name: 'admin-file-receipts', open: library.opensReceipts, as: 'admin', on: 'full' },
  { name: 'admin-member-receipts', open: library.opensReceiptsOfMember, as: 'admin' },
  { name: 'admin-groups', open: '/admin/groups', as: 'admin' },
  { name: 'admin-groups-none', open: '/admin/groups?q=nothing', as: 'admin' },
  { name: 'admin-group', open: library.opensGroup, as: 'admin' },
  { name: 'admin-group-new', open: '/admin/groups/new', as: 'admin' },
  {
    name: 'admin-group-new-mend',
    open: fills('/admin/groups/new', { Name: '' }, 'Make the group'),
    as: 'admin',
    status: 422,
  },
  { name: 'admin-group-members-mend', open: library.addsNobody, as: 'admin', status: 422 },
  { name: 'admin-invites', open: '/admin/invites', as: 'admin', on: 'full' },
  { name: 'admin-invites-closed', open: admin.findsRule('closed', '/admin/invites'), as: 'admin' },
  { name: 'admin-invite', open: admin.invites('grace@example.org', '7'), as: 'admin' },
  { name: 'admin-invite-mend', open: admin.invites('grace', '99'), as: 'admin', status: 422 },
  { name: 'admin-registration', open: '/admin/registration', as: 'admin' },
  { name: 'admin-registration-mend', open: admin.mistakesRules, as: 'admin', status: 422 },
  { name: 'admin-activity', open: '/admin/activity', as: 'admin', on: 'full' },
  { name: 'admin-activity-search', open: '/admin/activity?q=ada&kind=session.began&limit=1', as: 'admin', on: 'full' },
  { name: 'admin-activity-none', open: '/admin/activity?outcome=broken', as: 'admin' },

  { name: 'api', open: '/api/docs' },
  { name: 'error-400', open: '/files/%ff/download', as: 'member', status: 400 },
  { name: 'error-403', open: ways.postsFromElsewhere, as: 'member', status: 403 },
  { name: 'error-404', open: '/nowhere', status: 404 },
  { name: 'error-404-member', open: '/files/nothing/download', as: 'member', status: 404 },
  { name: 'error-405', open: ways.postsWhereNothingListens, status: 405 },
  { name: 'error-413', open: registers({ name: 'Ada '.repeat(5_000) }), status: 413 },
  { name: 'error-415', open: ways.postsPlainText, status: 415 },
  { name: 'error-422', open: '/secrets?limit=many', as: 'member', status: 422 },
  { name: 'error-429', open: ways.guessesTooOften, status: 429 },
  { name: 'error-500', open: ways.losesATable, as: 'member', status: 500 },
  { name: 'error-503', open: ways.comesInAStorm, status: 503 },
];

const readers = sized(
  'every page in light and dark on a phone and on a wide screen: in light on a phone, and each third in dark on a wide one',
  (index: number) => [
    { colorScheme: 'light' as const, width: 320 },
    ...(index % 3 === 0 ? [{ colorScheme: 'dark' as const, width: 1280 }] : []),
  ],
  () => [320, 1280].flatMap((width) => (['light', 'dark'] as const).map((colorScheme) => ({ colorScheme, width }))),
);

/** With `SCREENSHOTS` set, each page is kept as a picture, to be looked at. */
const keepsPictures = Boolean(process.env.SCREENSHOTS);

let browser: Browser;
beforeAll(async () => void (browser = await launchChromium()), launchTimeout);
afterAll(() => browser.close());

// one site after the other: Passport, and so a process, knows the strategies of one application
describe.each(['usual', 'empty', 'full', 'strict'] as const)('on the %s site', (which) => {
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
      for (const { colorScheme, width } of readers(pages.findIndex((one) => one.name === name))) {
        await page.emulateMedia({ colorScheme });
        await page.setViewportSize({ width, height: 800 });
        const path = join('.cache/screenshots', `${name}-${width}-${colorScheme}.png`);
        if (keepsPictures) await page.screenshot({ path, fullPage: true });
        const found = { overflow: await overflowOf(page), violations: await violationsOn(page, colorScheme) };
        expect({ colorScheme, width, ...found }).toEqual({ colorScheme, width, overflow: 0, violations: [] });
      }
      expect(tab.faults()).toEqual([]);
    },
  );
});

const open: Record<Site, () => Promise<TestApp>> = {
  usual: () => startWithAdmin({ RATE_LIMITS: 'on' }),
  empty: () => startApp({ WELCOME_FILE: 'no/such/file' }),
  full: async () => {
    const site = await open.usual();
    await fill(site);
    await admin.populate(site);
    return site;
  },
  strict: () => startApp({ REQUIRE_MFA: 'all' }),
};

async function comeInAs(who: Who, page: Page, site: TestApp): Promise<void> {
  const { url } = site;
  const visitor = new Visitor(url);
  await enter[who](visitor, site);
  await page.context().addCookies([...visitor.cookies].map(([name, value]) => ({ name, value, url })));
}

const enter: Record<Who, (visitor: Visitor, site: TestApp) => Promise<unknown>> = {
  member: (visitor) => visitor.register(),
  memberWithLongName: (visitor) => visitor.register(person({ name: admin.longName })),
  memberWithFactors: ways.enterWithFactors,
  admin: (visitor) => visitor.visit('/login', { form: { email: keeper.email, password: keeper.password } }),
};

/** How far the page can be scrolled to the side, in pixels. */
const overflowOf = (page: Page) =>
  page.evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth');

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
