import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, parse } from 'node:path';
import { projectFolder } from '../../src/config/settings.js';
import { checkLetters, letterWriter, type LetterName } from '../../src/mail/letters.js';

const views = join(projectFolder, 'views');
const site = 'files.example.org';
const link = 'https://files.example.org/a?token=b&c=d';
const names = readdirSync(join(views, 'mail')).map((file) => parse(file).name as LetterName);
const everything = {
  link,
  days: '7',
  email: 'ada@example.com',
  left: '9',
  wrong: '5',
  what: 'a passkey was added',
  file: 'a.pdf',
};
const device = { device: 'Firefox on Linux', address: '192.0.2.7', at: '1 Jan 2027, 10:00 UTC' };

const write = letterWriter(views, site);
const letter = (view: LetterName, data: Record<string, string> = {}) =>
  write({ view, data: { ...everything, ...device, ...data } });

/** The words of a page, as a reader sees them. */
const wordsOf = (html: string) =>
  html
    .replace(/<(head|style)>[^]*?<\/\1>/g, '')
    .replace(/<[^>]*>/g, ' ')
    .replace(/&#x3D;/g, '=')
    .replace(/&amp;/g, '&')
    .replace(/\s+/g, ' ')
    .trim();

describe.each(names)('the letter %s', (name) => {
  const { subject, text, html } = letter(name);

  it('names the site in its subject and at its end', () => {
    expect(subject).toMatch(/^[A-Z][^·]+ · files\.example\.org$/);
    expect(text).toMatch(/\n\nGatehouse at files\.example\.org\n$/);
    expect(wordsOf(html)).toMatch(/ Gatehouse at files\.example\.org$/);
  });

  it('says the same as text and as HTML', () => {
    const paragraphs = text.trim().split('\n\n');
    expect(paragraphs.length).toBeGreaterThan(2);
    for (const paragraph of paragraphs) expect(wordsOf(html)).toContain(paragraph);
    expect(text).not.toMatch(/[{}]|undefined/);
    expect(html).not.toMatch(/\{\{|undefined|<script|<img/);
  });

  it('says what to do for whoever it does not concern', () => {
    expect(text).toMatch(/\nIf (it was not you|you do not know why|you are not an admin)/);
  });

  it('has a link alone on its line, or none', () => {
    const [found, ...more] = text.split('\n').filter((line) => line.includes('http'));
    expect(more).toEqual([]);
    expect([undefined, link]).toContain(found);
    expect(html.includes('class="button" href="https://files.example.org/a?token=b&amp;c=d"')).toBe(
      found !== undefined,
    );
  });
});

describe('what a letter is told', () => {
  it('is escaped in HTML and plain in text', () => {
    const email = `"<b>&'"@example.com`;
    expect(letter('email-changed', { email }).text).toContain(`: ${email}.`);
    expect(letter('email-changed', { email }).html).toContain('&quot;&lt;b&gt;&amp;&#x27;&quot;@example.com');
  });

  it('begins no header, no paragraph and no button', () => {
    const { subject, text, html } = letter('new-device', { device: 'x\n\nhttps://evil.example\r\n\r\nSubject: y\0z' });
    expect(subject).toBe('A login from a new device · files.example.org');
    expect(text).toContain('\nDevice: x https://evil.example Subject: y z\n');
    expect(html).not.toContain('class="button"');
  });
});

describe('a fault in a letter is found by a check of all, and named', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'gatehouse-letters-'));
    cpSync(views, folder, { recursive: true });
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const faultOf = (change: (source: string) => string, file = 'verify-email') => {
    const path = join(folder, `mail/${file}.hbs`);
    writeFileSync(path, change(readFileSync(path, 'utf8')));
    return () => checkLetters(folder);
  };

  it('is none if nothing was changed', () => {
    expect(faultOf((source) => source)).not.toThrow();
  });

  it.each<[string, (source: string) => string, RegExp]>([
    ['an unknown variable', (source) => `${source}\n{{name}}\n`, /verify-email\.hbs.*"name" not defined/],
    ['an unknown helper', (source) => `${source}\n{{shout site}}\n`, /verify-email\.hbs.*shout/],
    ['a tag that is not closed', (source) => `${source}\n{{#if site}}\n`, /verify-email\.hbs: Parse error/],
    ['no subject', (source) => source.replace(/^Subject.*\n/, ''), /verify-email\.hbs: its first line is no subject/],
    ['no words for its button', (source) => source.replace(/Button.*\n/, ''), /a button and a link go together/],
    ['a link amid other words', (source) => source.replace('{{link}}', 'See {{link}}'), /a button and a link/],
    ['a fact that it leaves out', (source) => source.replace(/Button.*\n/, '').replace('{{link}}', ''), /\{\{link\}\}/],
  ])('%s', (_what, change, words) => {
    expect(faultOf(change)).toThrow(words);
  });

  it('a letter that is not there', () => {
    rmSync(join(folder, 'mail/invite.hbs'));
    expect(() => checkLetters(folder)).toThrow(/views\/mail\/invite\.hbs.*ENOENT/);
  });

  it('a letter that nobody sends', () => {
    writeFileSync(join(folder, 'mail/chain.hbs'), 'Subject: Send this to ten friends\n');
    expect(() => checkLetters(folder)).toThrow('views/mail/chain.hbs is no letter that anybody sends');
  });
});
