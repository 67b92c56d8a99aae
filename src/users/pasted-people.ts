import { emailForm } from './account-fields.js';

/**
 * Finds the addresses (or ids) in text that was copied from a mail program or a spreadsheet. They may stand on lines of
 * their own, or between commas, semicolons, tabs or spaces. They may have names, quotes, angle brackets (RFC 5322 3.4)
 * and `mailto:` around them. An entry that has no address stays as it is, so that a message can name it as wrong.
 */
export function peopleIn(text: string): string[] {
  const plain = text
    // a quoted name may contain commas, so it is removed; a quoted address is kept
    .replace(/"([^"]*)"/g, (_, quoted: string) => (quoted.includes('@') ? quoted : ' '))
    .replace(/\bmailto:/gi, ' ');
  return plain
    .split(/[;\r\n]+/)
    .flatMap((line) =>
      line
        // the name before an address in brackets may contain a comma, even without quotes
        .replace(/(^|>)[^<>@]*</g, '$1,<')
        .split(',')
        .flatMap(addressesIn),
    )
    .map((one) => emailForm(one) as string);
}

function addressesIn(entry: string): string[] {
  const bracketed = [...entry.matchAll(/<([^<>]*)>/g)].map(([, inside = '']) => inside.trim()).filter(Boolean);
  if (bracketed.length > 0) return bracketed;
  const words = entry
    .split(/\s+/u)
    .map((word) => word.replace(/^['<(]+|['>),.]+$/g, ''))
    .filter(Boolean);
  // if there is an address, the words beside it are its owner's name
  const addresses = words.filter((word) => word.includes('@'));
  return addresses.length > 0 ? addresses : words;
}

/** The one address in a text that was typed or pasted. Gives the text itself if there is none or more than one. */
export function oneIn(text: string): string {
  const [first, ...others] = peopleIn(text);
  return first !== undefined && others.length === 0 ? first : text;
}
