import Handlebars from 'handlebars';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Every letter that is sent, with what it is told; its words are in `views/mail`, and know `site` besides. */
const letters = {
  'verify-email': ['link'],
  'confirm-new-email': ['link'],
  /** To the old address; `email` is the new one. */
  'email-changed': ['email'],
  'reset-password': ['link'],
  'password-changed': [],
  'login-link': ['link'],
  'new-device': ['device', 'address', 'at'],
  /** `what` is a half sentence, such as `an authenticator app was added`. */
  'factor-changed': ['what'],
  'recovery-code-used': ['left'],
  'wrong-codes': ['wrong', 'link'],
  'account-approved': ['link'],
  /** To an admin; `email` is that of who asks to be let in. */
  'account-awaits': ['email', 'link'],
  'registered-again': ['link'],
  /** `file` is what the file is called. */
  'file-reminder': ['file', 'link'],
  invite: ['link', 'days'],
  'account-deleted': [],
} as const satisfies Record<string, readonly string[]>;

export type LetterName = keyof typeof letters;

/** What one letter is told. */
type LetterFacts = {
  readonly [Name in LetterName]: {
    readonly view: Name;
    readonly data: Readonly<Record<(typeof letters)[Name][number], string>>;
  };
}[LetterName];

export type Letter = LetterFacts & {
  /** Undefined for a decoy, which costs the same work and nobody gets: a stranger learns nothing from the time it takes. */
  readonly to: string | undefined;
};

/** A letter as its reader gets it: the same words as text and as HTML. */
export interface WrittenLetter {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

export type WriteLetter = (facts: LetterFacts) => WrittenLetter;

/**
 * Writes the letters of a folder of views, each compiled when it is first sent. `mail/name.hbs` holds a line `Subject: …`, a
 * line `Button: …` if the letter has a link, and then paragraphs between empty lines; a paragraph that is one link becomes
 * the button.
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
 * Tries all letters of a folder of views.
 *
 * @throws Error if one is not there, or nobody sends it, or it has a fault: an unknown variable, no subject, a fact that it
 *   leaves out. It names the view.
 */
export function checkLetters(views: string): void {
  const names = Object.keys(letters) as LetterName[];
  const unknown = readdirSync(join(views, 'mail')).find((file) => !names.some((name) => file === `${name}.hbs`));
  if (unknown !== undefined) throw new Error(`views/mail/${unknown} is no letter that anybody sends.`);
  const write = letterWriter(views, 'a.site');
  for (const name of names) naming(`mail/${name}`, () => tryOut(write, name));
}

interface Paragraph {
  /** Undefined, where it is a link. */
  readonly text: string | undefined;
  readonly link: string | undefined;
}

/** Makes of a letter's source, filled in, what is sent. */
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

/** A link keeps its `=`, which Handlebars would escape: it can be copied out of the source too. */
const inHtml = ({ text, link }: Paragraph) => ({
  text,
  link: link && new Handlebars.SafeString(Handlebars.escapeExpression(link).replaceAll('&#x3D;', '=')),
});

/** What comes from outside begins no line and no paragraph of its own. */
const onOneLine = (text: string) => text.replace(/[\s\p{Cc}]+/gu, ' ').trim();

/** Writes a letter with all that it may be told. */
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

/** Says of a fault in which view it is. */
function naming<Result>(view: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    throw new Error(`views/${view}.hbs: ${(error as Error).message}`, { cause: error });
  }
}
