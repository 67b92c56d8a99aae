/** Letters of scripts in which a joiner changes how its neighbours are written. */
const joining = `[[[\\p{L}\\p{M}]&&[${[
  ...['Arab', 'Syrc', 'Nkoo', 'Mand', 'Mong', 'Deva', 'Beng', 'Guru', 'Gujr', 'Orya', 'Taml', 'Telu', 'Knda', 'Mlym'],
  ...['Sinh', 'Thai', 'Laoo', 'Tibt', 'Mymr', 'Khmr', 'Java', 'Bali'],
]
  .map((script) => `\\p{Script=${script}}`)
  .join('')}\\p{Script=Inherited}]]--\\p{Default_Ignorable_Code_Point}]`;

/** What Unicode calls ignorable and yet is seen, by what it does to its neighbours. */
const seen = [
  `(?<=${joining})[\\u200C\\u200D](?=${joining})`,
  `(?<=\\p{Extended_Pictographic}[\\p{Emoji_Modifier}\\uFE0F]*)\\u200D(?=\\p{Extended_Pictographic})`,
  `(?<=\\p{Extended_Pictographic})[\\uFE0E\\uFE0F]`,
  `(?<=[0-9#*])\\uFE0F(?=\\u20E3)`,
  `(?<=\\p{Unified_Ideograph})[\\uFE00-\\uFE02\\u{E0100}-\\u{E01EF}]`,
  `(?<=[\\p{Script=Mongolian}&&\\p{L}])[\\u180B-\\u180D\\u180F]`,
];
const ignorable = new RegExp(`(${seen.join('|')})|\\p{Default_Ignorable_Code_Point}`, 'gv');

/** What Unicode counts as a letter or a symbol and yet is blank. */
const blanks = /\u2800|\u{1D159}|\u{13441}|\u{13442}|\u{16FE4}/gu;

/**
 * Text as it looks: composed, without what has no width or turns the direction of other text, and with what is blank as
 * a space. Joiners and variants stay where they are seen, as in Persian or in an emoji of several people.
 */
export const visibleText = (text: string): string =>
  text
    .normalize('NFC')
    .replace(ignorable, (_, kept: string | undefined) => kept ?? '')
    .replace(blanks, ' ')
    .normalize('NFC');

/** Whether there is something to see: a letter, a number, or a sign. */
export const isVisible = (text: string): boolean => /[\p{L}\p{N}\p{P}\p{S}]/u.test(visibleText(text));
