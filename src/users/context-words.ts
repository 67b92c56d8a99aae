import { isIP } from 'node:net';
import { domainToASCII, domainToUnicode } from 'node:url';

/** Whose words they are. */
export interface Named {
  readonly name: string;
  readonly email: string;
}

/** What this product is called, wherever it runs. */
const product = 'gatehouse';
/** In characters: a shorter word is in many a good password. */
const shortestWord = 3;
/** In characters: with fewer beside such words, there is next to nothing to guess. */
const fewestLeft = 5;

/** The words that a site is known by: the product’s name, and the labels of its host without the last (`org`, `com`). */
export function siteWords(publicUrl: string): string[] {
  const { hostname } = new URL(publicUrl);
  const isAddress = isIP(hostname.replace(/^\[|\]$/g, '')) !== 0;
  const labels = isAddress ? [] : domainToUnicode(hostname).split('.');
  return [product, ...(labels.length > 1 ? labels.slice(0, -1) : labels)];
}

/**
 * The words that a member is known by: those of the name, those of the email before the `@`, and the email itself, whole
 * (in both spellings of its domain) and before the `@`, with and without what follows a `+`.
 */
export function memberWords({ name, email }: Named): string[] {
  const at = email.lastIndexOf('@');
  const [local, domain] = [email.slice(0, at), email.slice(at + 1)];
  const boxes = [local, local.replace(/\+.*/, '')];
  const emails = boxes.flatMap((box) =>
    [domain, domainToASCII(domain), domainToUnicode(domain)].map((one) => `${box}@${one}`),
  );
  return [...[name, local].flatMap((text) => text.split(/[^\p{L}\p{N}]+/u)), ...boxes, ...emails];
}

/** Whether a password that is long enough is little more than these words, in any case and order (ASVS 5.0 6.2.11). */
export function isMadeOf(words: readonly string[], password: string): boolean {
  const known = words.map((word) => word.toLowerCase()).filter((word) => lengthOf(word) >= shortestWord);
  // the longest first, of which others may be a part
  known.sort((one, other) => other.length - one.length);
  const left = known.reduce((rest, word) => rest.replaceAll(word, ''), password.toLowerCase());
  return lengthOf(left) < fewestLeft;
}

/** In Unicode code points, as the password’s own length is counted. */
const lengthOf = (text: string): number => Array.from(text).length;
