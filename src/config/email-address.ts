import { domainToASCII, domainToUnicode } from 'node:url';

/**
 * Gives every spelling of an email address the same text: Unicode NFC, lower case, and a domain in readable letters
 * (`bücher.example`). The domain may be typed in full width, as `xn--…`, or with a dot at the end (RFC 5891 5.4). Half
 * a surrogate pair becomes U+FFFD, because a validator throws on the first and refuses the second. A value that is not
 * a string is returned as it is.
 */
export function emailForm(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  const plain = inHalfWidth(value.normalize('NFC'))
    .trim()
    .toLowerCase()
    .replace(/\p{Cs}/gu, '\uFFFD');
  const at = plain.lastIndexOf('@');
  return at < 0 ? plain : plain.slice(0, at + 1) + domainForm(plain.slice(at + 1));
}

/**
 * Gives every spelling of a domain the same text, as `emailForm` does. If it is not a valid domain, it is only cleaned
 * up.
 */
export function domainForm(domain: string): string {
  const plain = inHalfWidth(domain.normalize('NFC'))
    .trim()
    .toLowerCase()
    .replace(/[.\u3002\uFF0E\uFF61]$/u, '');
  // a URL parser would read these characters as more than a host
  if (/[\0-,/:-\x60{-\x7F\p{Z}\p{Cs}]/u.test(plain)) return plain;
  const ascii = domainToASCII(plain);
  return ascii === '' ? plain : domainToUnicode(ascii);
}

/** Turns full-width ASCII, which East Asian keyboards type, into plain ASCII. (RFC 8265 3.3) */
const inHalfWidth = (text: string) =>
  text.replace(/[\uFF01-\uFF5E]/gu, (letter) => String.fromCharCode(letter.charCodeAt(0) - 0xfee0));
