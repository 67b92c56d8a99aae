import { isIP } from 'node:net';
import { domainToASCII, domainToUnicode } from 'node:url';

/** The member that the words belong to. */
export interface Named {
  readonly name: string;
  readonly email: string;
}

/** The name of this product, wherever it runs. */
const product = 'gatehouse';
/** In characters. A shorter word is part of many good passwords. */
const shortestWord = 3;
/** In characters. If fewer than these are left without the known words, the password is easy to guess. */
const fewestLeft = 5;

/**
 * The words that a site is known by: the product's name, and the parts of its host name except the last (`org`, `com`).
 */
export function siteWords(publicUrl: string): string[] {
  const { hostname } = new URL(publicUrl);
  const isAddress = isIP(hostname.replace(/^\[|\]$/g, '')) !== 0;
  const labels = isAddress ? [] : domainToUnicode(hostname).split('.');
  return [product, ...(labels.length > 1 ? labels.slice(0, -1) : labels)];
}

/**
 * The words that a member is known by. These are the words of the name, the words of the email before the `@`, and the
 * whole email (in both spellings of its domain). They include the part before the `@`, with and without what follows a
 * `+`.
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

/**
 * Whether a password is little more than these words, in any case and order (ASVS 5.0 6.2.11). Its length is checked
 * elsewhere.
 */
export function isMadeOf(words: readonly string[], password: string): boolean {
  const known = words.map((word) => word.toLowerCase()).filter((word) => lengthOf(word) >= shortestWord);
  // removes the longest words first, because shorter ones may be a part of them
  known.sort((one, other) => other.length - one.length);
  const left = known.reduce((rest, word) => rest.replaceAll(word, ''), password.toLowerCase());
  return lengthOf(left) < fewestLeft;
}

/** Counts Unicode code points, as the check of a password's length does. */
const lengthOf = (text: string): number => Array.from(text).length;
