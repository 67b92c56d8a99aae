import { domainToASCII, domainToUnicode } from 'node:url';

/**
 * One mailbox's email is one text: composed, in lower case, and its domain as people read it (`bücher.example`, however it
 * was typed: in full width, as `xn--…`, with a dot at the end; RFC 5891 5.4). A validator throws at half a surrogate pair, so
 * that becomes what it refuses. What is no text stays as it is.
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

/** One domain is one text, as in `emailForm`; what is no domain stays as it is. */
export function domainForm(domain: string): string {
  const plain = inHalfWidth(domain.normalize('NFC'))
    .trim()
    .toLowerCase()
    .replace(/[.\u3002\uFF0E\uFF61]$/u, '');
  // what an address on the web would read as more than a host
  if (/[\0-,/:-\x60{-\x7F\p{Z}\p{Cs}]/u.test(plain)) return plain;
  const ascii = domainToASCII(plain);
  return ascii === '' ? plain : domainToUnicode(ascii);
}

/** East Asian keyboards write ASCII in the width of their own letters. (RFC 8265 3.3) */
const inHalfWidth = (text: string) =>
  text.replace(/[\uFF01-\uFF5E]/gu, (letter) => String.fromCharCode(letter.charCodeAt(0) - 0xfee0));
