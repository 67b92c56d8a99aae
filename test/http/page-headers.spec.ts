import { describe, expect, it } from '@jest/globals';
import { aSite } from '../support/app.js';
import { linksOf } from '../support/html.js';
import { Visitor } from '../support/people.js';

const site = aSite();

const policy = {
  'default-src': "'none'",
  'object-src': "'none'",
  'style-src': "'self'",
  'script-src': "'self'",
  'img-src': "'self'",
  'connect-src': "'self'",
  'form-action': "'self'",
  'base-uri': "'none'",
  'frame-ancestors': "'none'",
};

const directivesOf = (answer: Response) =>
  Object.fromEntries(
    (answer.headers.get('content-security-policy') ?? '')
      .split(';')
      .map((directive) => directive.trim().split(/ (.*)/, 2) as [string, string]),
  );

/** Nothing on a page runs or styles from the page itself, and nothing comes from another site. */
function expectNothingInline(html: string): void {
  expect(html).not.toMatch(/<style[\s>]/i);
  expect(html).not.toMatch(/\sstyle=/i);
  expect(html).not.toMatch(/\son[a-z]+=/i);
  expect(html).not.toMatch(/javascript:/i);
  for (const [, attributes = '', content = ''] of html.matchAll(/<script([^>]*)>([^]*?)<\/script>/gi)) {
    expect(attributes).toContain('src="/assets/');
    expect(content).toBe('');
  }
  for (const [, address = ''] of html.matchAll(/<(?:link|script|img|source)[^>]*(?:href|src)="([^"]*)"/g))
    expect(address).toMatch(/^\/assets\//);
}

describe('every page', () => {
  it.each(['/', '/login', '/register', '/api/docs', '/nothing/here'])(
    'keeps to a strict policy for a stranger: %s',
    async (path) => {
      const answer = await new Visitor(site.url).ask(path);
      expect(directivesOf(answer)).toEqual(policy);
      expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8');
      expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
      expect(answer.headers.get('referrer-policy')).toBe('same-origin');
      expect(answer.headers.get('x-powered-by')).toBeNull();
      expect(answer.headers.get('cache-control')).toMatch(/^(private, no-cache|no-store)$/);
      expectNothingInline(await answer.text());
    },
  );

  it('keeps to it for a member too, and is never kept by a cache', async () => {
    const ada = new Visitor(site.url);
    await ada.register();
    for (const path of ['/', '/secrets', '/files/1/download']) {
      const answer = await ada.ask(path);
      expect(directivesOf(answer)).toEqual(policy);
      expect(answer.headers.get('cache-control')).toBe('no-store');
      expectNothingInline(await answer.text());
    }
    const logout = await ada.ask('/logout', { headers: { 'sec-fetch-site': 'cross-site' } });
    expect(logout.headers.get('cache-control')).toBe('no-store');
  });

  it('links only to addresses that answer', async () => {
    const ada = new Visitor(site.url);
    await ada.register();
    const stranger = new Visitor(site.url);
    for (const [visitor, pages] of [
      [stranger, ['/', '/login', '/register', '/api/docs', '/nothing/here']],
      [ada, ['/', '/secrets']],
    ] as const)
      for (const page of pages)
        for (const link of linksOf((await visitor.visit(page)).html).filter(
          (href) => href.startsWith('/') && href !== '/logout',
        ))
          expect([page, link, (await visitor.visit(link)).status]).toEqual([page, link, 200]);
  });

  it('brings its looks from this site, which a browser may keep', async () => {
    const { html } = await new Visitor(site.url).visit('/');
    const assets = [...html.matchAll(/"(\/assets\/[^"]+)"/g)].map(([, path = '']) => path);
    expect(assets).toHaveLength(3);
    for (const path of assets) {
      const answer = await new Visitor(site.url).ask(path);
      expect(answer.status).toBe(200);
      expect(answer.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
      expect(answer.headers.get('content-type')).toMatch(/^(text\/css|text\/javascript|image\/svg\+xml)/);
      expect(answer.headers.getSetCookie()).toEqual([]);
    }
    expect((await new Visitor(site.url).ask('/assets/site.css')).status).toBe(404);
    expect((await new Visitor(site.url).ask('/assets/..%2fsite%2fhome.hbs')).status).toBe(404);
  });
});
