import { describe, expect, it } from '@jest/globals';
import { aSite, startApp } from '../support/app.js';
import { linksOf } from '../support/html.js';
import { linkIn, waitForMail } from '../support/mail.js';
import { Script, Visitor, type Person } from '../support/people.js';

const another = 'another sentence of my own';

const site = aSite(() => startApp({ EMAIL_VERIFICATION: 'required' }));

const headingOf = (html: string) => /<h1>([^<]*)<\/h1>/.exec(html)?.[1];
/** Where a page that says what went wrong leads on. */
const advisedBy = (html: string) => linksOf(/<ul class="advice">([^]*?)<\/ul>/.exec(html)?.[1] ?? '');

/** What somebody has who opens a mailed link: a browser, the path of the link and what it sends. */
interface Opened {
  readonly browser: Visitor;
  readonly path: string;
  readonly form: Record<string, string>;
}

const opened = async (browser: Visitor, { email }: Person, subject: RegExp): Promise<Opened> => {
  const { pathname, search, searchParams } = new URL(linkIn(await waitForMail(site, email, subject)));
  return { browser, path: pathname + search, form: { token: searchParams.get('token') ?? '' } };
};

const links: [what: string, next: string, open: (browser: Visitor, who: Person) => Promise<Opened>][] = [
  [
    'to choose another password',
    '/password/forgot',
    async (browser, who) => {
      await browser.ask('/password/forgot', { form: { email: who.email } });
      const { form, ...rest } = await opened(browser, who, /new password/i);
      return { ...rest, form: { ...form, password: another } };
    },
  ],
  [
    'to log in',
    '/login/link',
    async (browser, who) => {
      await browser.ask('/login/link', { form: { email: who.email } });
      return opened(browser, who, /log in/i);
    },
  ],
  ['to confirm an address', '/account', (browser, who) => opened(browser, who, /^Confirm your email/)],
];

describe('a mailed link that was used', () => {
  it.each(links)('%s, says so and leads to another', async (_what, next, open) => {
    const who = await new Script(site.url).register();
    const { browser, path, form } = await open(new Visitor(site.url), who);
    expect((await browser.visit(path)).status).toBe(200);
    const target = path.split('?', 1)[0] ?? '';
    expect((await browser.ask(target, { form })).status).toBe(303);
    await browser.ask('/logout', { method: 'POST' });
    for (const { status, html } of [await browser.visit(path), await browser.visit(target, { form })]) {
      expect([status, headingOf(html), advisedBy(html)]).toEqual([404, 'That link is over', [next, '/']]);
      expect(html).toContain('used already');
    }
    expect((await new Visitor(site.url).visit(next)).status).toBe(200);
  });

  it('is a problem in JSON for a script, which says the same', async () => {
    const answers = [
      await new Script(site.url).ask('/api/v1/email-confirmations', { method: 'PUT', json: { token: 'x' } }),
      await new Script(site.url).ask('/api/v1/password-resets', {
        method: 'PUT',
        json: { token: 'x', password: another },
      }),
    ];
    for (const answer of answers)
      expect([answer.status, await answer.json()]).toEqual([
        404,
        expect.objectContaining({ title: 'Not Found', detail: expect.stringContaining('used already') }),
      ]);
  });
});

it('a page that is no mailed link is not called one', async () => {
  const { html } = await new Visitor(site.url).visit('/nothing/here');
  expect([headingOf(html), advisedBy(html)]).toEqual(['Nothing is here', ['/secrets', '/']]);
});

it('a member who has not confirmed the address is led to where another mail is asked for', async () => {
  const [browser, script] = [new Visitor(site.url), new Script(site.url)];
  await script.logIn(await browser.register());
  const { items } = (await (await script.ask('/api/v1/files')).json()) as { items: { id: string }[] };
  for (const path of ['/download', `/files/${items[0]?.id ?? ''}/download`]) {
    const { status, html } = await browser.visit(path);
    expect([status, headingOf(html), advisedBy(html)]).toEqual([403, 'Not yet', ['/account', '/']]);
  }
  expect((await browser.visit('/account')).html).toContain('action="/account/email/verification"');
});
