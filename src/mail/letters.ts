import Handlebars from 'handlebars';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Every letter that the site sends, with the facts it gets. Its text is in `views/mail`, which also gets `site`. */
const letters = {
  'verify-email': ['link'],
  'confirm-new-email': ['link'],
  /** Sent to the old address. `email` is the new one. */
  'email-changed': ['email'],
  'reset-password': ['link'],
  'password-changed': [],
  'login-link': ['link'],
  'new-device': ['device', 'address', 'at'],
  /** `what` is part of a sentence, such as `an authenticator app was added`. */
  'factor-changed': ['what'],
  'recovery-code-used': ['left'],
  'wrong-codes': ['wrong', 'link'],
  'account-approved': ['link'],
  /** Sent to an admin. `email` is that of the person who waits for approval. */
  'account-awaits': ['email', 'link'],
  'registered-again': ['link'],
  /** `file` is the name of the file. */
  'file-reminder': ['file', 'link'],
  invite: ['link', 'days'],
  'account-deleted': [],
} as const satisfies Record<string, readonly string[]>;

export type LetterName = keyof typeof letters;

/** The facts of one letter. */
type LetterFacts = {
  readonly [Name in LetterName]: {
    readonly view: Name;
    readonly data: Readonly<Record<(typeof letters)[Name][number], string>>;
  };
}[LetterName];

export type Letter = LetterFacts & {
  /**
   * Undefined for a decoy, which takes the same work but is sent to nobody. So the time of an answer tells a stranger
   * nothing.
   */
  readonly to: string | undefined;
};

/** A finished letter: the same text as plain text and as HTML. */
export interface WrittenLetter {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

export type WriteLetter = (facts: LetterFacts) => WrittenLetter;

/**
 * Makes the function that writes the letters of a folder of views. Each view is compiled when it is first used.
 * `mail/name.hbs` holds a line `Subject: …`, then a line `Button: …` if the letter has a link, then paragraphs between
 * empty lines. A paragraph that is only a link becomes the button.
 */
export function letterWriter(views: string, site: string): WriteLetter {
  const templates = new Map<string, Handlebars.TemplateDelegate>();
  const templateOf = (name: string, noEscape: boolean) => {
    const template = templates.get(name) ?? compile(views, name, { noEscape });
    templates.set(name, template);
    return template;
  };
  return ({ view, data }) => {
    const source = templateOf(`mail/${view}`, true)({ ...mapValues(data, onOneLine), site });
    return lay(source, site, templateOf('layouts/mail', false));
  };
}

/**
 * Checks all letters of a folder of views.
 *
 * @throws Error if a letter is missing or never sent, or if it has an unknown variable, has no subject, or leaves out a
 * fact. The error names the view.
 */
export function checkLetters(views: string): void {
  const names = Object.keys(letters) as LetterName[];
  const unknown = readdirSync(join(views, 'mail')).find((file) => !names.some((name) => file === `${name}.hbs`));
  if (unknown !== undefined) throw new Error(`views/mail/${unknown} is no letter that anybody sends.`);
  const write = letterWriter(views, 'a.site');
  for (const name of names) naming(`mail/${name}`, () => tryOut(write, name));
}

interface Paragraph {
  /** Undefined if the paragraph is a link. */
  readonly text: string | undefined;
  readonly link: string | undefined;
}

/** Makes a letter from its filled-in source. */
function lay(source: string, site: string, layout: Handlebars.TemplateDelegate): WrittenLetter {
  const [head = '', ...rest] = source.trim().split(/\n\s*\n/);
  const heading = /^Subject: (.+)$/m.exec(head)?.[1];
  const button = /^Button: (.+)$/m.exec(head)?.[1];
  if (!head.startsWith('Subject: ') || heading === undefined) throw new Error('its first line is no subject');
  const paragraphs = rest.map((text) => paragraphOf(onOneLine(text)));
  if ((button !== undefined) !== paragraphs.some(({ link }) => link !== undefined))
    throw new Error('a button and a link go together');
  const farewell = `Gatehouse at ${site}`;
  return {
    subject: `${heading} · ${site}`,
    text: [...paragraphs.map(({ text, link }) => text ?? link), farewell].join('\n\n') + '\n',
    html: layout({ heading, paragraphs: paragraphs.map(inHtml), button, farewell }),
  };
}

const paragraphOf = (text: string): Paragraph =>
  /^https?:\/\/\S+$/.test(text) ? { text: undefined, link: text } : { text, link: undefined };

/** Keeps the `=` of a link, which Handlebars would escape, so that people can also copy the link from the source. */
const inHtml = ({ text, link }: Paragraph) => ({
  text,
  link: link && new Handlebars.SafeString(Handlebars.escapeExpression(link).replaceAll('&#x3D;', '=')),
});

/** Puts text on one line, so that text from outside cannot start a new line or paragraph. */
const onOneLine = (text: string) => text.replace(/[\s\p{Cc}]+/gu, ' ').trim();

/** Writes a letter with sample facts, and checks that it uses all of them. */
function tryOut(write: WriteLetter, view: LetterName): void {
  const facts: readonly string[] = letters[view];
  const data = Object.fromEntries(facts.map((fact) => [fact, fact === 'link' ? 'https://a.link/' : `a ${fact}`]));
  const { text } = write({ view, data } as LetterFacts);
  for (const [fact, words] of Object.entries(data))
    if (!text.includes(words)) throw new Error(`it does not say {{${fact}}}`);
}

function compile(views: string, name: string, { noEscape }: { noEscape: boolean }): Handlebars.TemplateDelegate {
  const options = { noEscape, strict: true, knownHelpersOnly: true };
  return Handlebars.compile(readFileSync(join(views, `${name}.hbs`), 'utf8'), options);
}

const mapValues = (data: Readonly<Record<string, string>>, change: (value: string) => string) =>
  Object.fromEntries(Object.entries(data).map(([name, value]) => [name, change(value)]));

/** Adds the name of the view to an error. */
function naming<Result>(view: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    throw new Error(`views/${view}.hbs: ${(error as Error).message}`, { cause: error });
  }
}
