import { emailForm } from './account-fields.js';

/**
 * The addresses (or ids) in text as mail programs and spreadsheets give it: one below the other, or between commas,
 * semicolons, tabs or spaces, with names, quotes, angle brackets (RFC 5322 3.4) and `mailto:` around them. What stands
 * alone and is no address stays, so that it can be named as wrong.
 */
export function peopleIn(text: string): string[] {
  const plain = text
    // a name in quotes may have commas; an address in quotes is one
    .replace(/"([^"]*)"/g, (_, quoted: string) => (quoted.includes('@') ? quoted : ' '))
    .replace(/\bmailto:/gi, ' ');
  return plain
    .split(/[;\r\n]+/)
    .flatMap((line) =>
      line
        // the name before an address in brackets may have a comma without quotes
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
  // beside an address, other words are its owner's name
  const addresses = words.filter((word) => word.includes('@'));
  return addresses.length > 0 ? addresses : words;
}

/** The one address in what was typed or pasted; the text itself, if there is none or more than one. */
export function oneIn(text: string): string {
  const [first, ...others] = peopleIn(text);
  return first !== undefined && others.length === 0 ? first : text;
}
