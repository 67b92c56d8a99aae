import { beforeAll, describe, expect, it } from '@jest/globals';
import { Readable } from 'node:stream';
import { FilesService } from '../../src/files/files.service.js';
import { aSite } from '../support/app.js';
import { faultsOf } from '../support/faults.js';
import { person, Visitor, type Person } from '../support/people.js';

const markup = `<img src=x onerror=alert(1)>"'\`=`;
const template = '{{viewer.email}}{{{body}}}{{> menu}}{{#each this}}x{{/each}}{{constructor}}{{__proto__}}\\{{x';
/** What an address may hold of it: no mail can go to one with an angle bracket. */
const email = `"onload=alert(2)&'{{7*7}}{{{body}}}"@example.com`;
const fileName = `<script>alert(3)<script>{{lookup this "sha256"}}'"&.html`;
/** What is left of it: no system saves a file under a name with angle or quotation marks. */
const keptName = `_script_alert(3)_script_{{lookup this _sha256_}}'_&.html`;

const escapes: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#x27;',
  '`': '&#x60;',
  '=': '&#x3D;',
};
/** Text as it stands in a page: every character that markup is made of is written as an entity. */
const asText = (text: string) => text.replace(/[&<>"'`=]/g, (character) => escapes[character] ?? character);

const site = aSite();
let mallory: Visitor;
let who: Person;
beforeAll(async () => {
  await site.app.get(FilesService).add(Readable.from([Buffer.from('x')]), { name: fileName });
  mallory = new Visitor(site.url);
  who = await mallory.register(person({ name: markup, email }));
});

describe('markup and templates in what people type are shown as text', () => {
  it.each(['/', '/secrets', '/files/no-such-file/download', '/secrets?limit=x'])(
    'the name and the email of a member at %s',
    async (path) => {
      const { html } = await mallory.visit(path);
      expectOnlyText(html);
      expect(html).toContain(asText(markup));
    },
  );

  it('the name of a file, on the shelf and in the link to it', async () => {
    const { html } = await mallory.visit('/secrets');
    expectOnlyText(html);
    expect(html).toContain(asText(keptName));
  });

  it('a name that is a template', async () => {
    const visitor = new Visitor(site.url);
    await visitor.register(person({ name: template }));
    for (const path of ['/', '/secrets', '/files/no-such-file/download']) {
      const { html } = await visitor.visit(path);
      expectOnlyText(html);
      expect(html).toContain(asText(template));
    }
  });

  it.each([
    ['/register', { name: `${markup}{{x}}`, email: `${markup}{{x}}`, password: 'tooshrt' }],
    ['/login', { name: '', email: `${markup}{{x}}`, password: '' }],
  ])('what is kept in the form of %s after a mistake, and the password is not kept', async (path, form) => {
    const { status, html } = await new Visitor(site.url).visit(path, { form });
    expect(status).toBe(422);
    expectOnlyText(html);
    expect(html).toContain(`value="${asText(`${markup}{{x}}`)}"`);
    expect(html).not.toContain('tooshrt');
  });

  it('the email that a message brings to the next page', async () => {
    const taken = await new Visitor(site.url).visit('/register', { form: { ...person({ email }) } });
    expect(taken.at).toBe('/login');
    expectOnlyText(taken.html);
    expect(taken.html).toContain(`value="${asText(email)}"`);
    const wrong = await new Visitor(site.url).visit('/login', {
      form: { email: `${markup}{{x}}`, password: 'wrong one' },
    });
    expectOnlyText(wrong.html);
    expect(wrong.html).toContain(`value="${asText(`${markup}{{x}}`)}"`);
  });

  it('where to go after the login', async () => {
    const { html } = await new Visitor(site.url).visit(`/login?next=${encodeURIComponent('/x?"><script>{{x}}')}`);
    expectOnlyText(html);
    expect(html).toContain('name="next"');
  });

  it('an address that is not there', async () => {
    for (const path of [
      '/<script>alert(1)</script>',
      '/%3Cscript%3Ealert(1)%3C/script%3E',
      '/{{7*7}}?<script>={{x}}',
    ]) {
      const { status, html } = await mallory.visit(path);
      expect(status).toBe(404);
      expectOnlyText(html);
    }
  });
});

describe('what would run in a browser after all', () => {
  it('is held back by the policy of each page', async () => {
    for (const path of ['/', '/secrets', '/login', '/no-such-page']) {
      const policy = (await mallory.ask(path)).headers.get('content-security-policy') ?? '';
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("script-src 'self'");
      expect(policy).not.toContain('unsafe');
    }
  });

  it('is, as a file, only ever downloaded, and in a sandbox', async () => {
    const { headers } = await mallory.ask('/download');
    expect(headers.get('content-disposition')).toMatch(/^attachment;/);
    expect(headers.get('content-security-policy')).toMatch(/^sandbox;/);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
  });
});

it('the API gives names back as they were typed, as data', async () => {
  const answer = await fetch(`${site.url}/api/v1/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: who.email, password: who.password }),
  });
  expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
  expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
  expect(await answer.json()).toMatchObject({ user: { name: markup, email } });
});

it('nothing of all that went wrong on the server’s side', () => {
  expect(faultsOf(site)).toEqual([]);
});

/** Nothing that was typed stands in the page as an element, and no template in it was filled in. */
function expectOnlyText(html: string): void {
  expect(html).not.toMatch(/<img|<script>|<svg\/onload|onerror=alert|<[^>]*\s(onerror|onload)=/i);
  expect(html).not.toMatch(/\b49\b"@example/);
  expect(html.match(/<main/g)).toHaveLength(1);
  expect(html.match(/<header class="top"/g)).toHaveLength(1);
}
