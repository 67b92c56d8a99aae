/** Letters of scripts in which a joiner changes how the letters next to it are written. */
const joining = `[[[\\p{L}\\p{M}]&&[${[
  ...['Arab', 'Syrc', 'Nkoo', 'Mand', 'Mong', 'Deva', 'Beng', 'Guru', 'Gujr', 'Orya', 'Taml', 'Telu', 'Knda', 'Mlym'],
  ...['Sinh', 'Thai', 'Laoo', 'Tibt', 'Mymr', 'Khmr', 'Java', 'Bali'],
]
  .map((script) => `\\p{Script=${script}}`)
  .join('')}\\p{Script=Inherited}]]--\\p{Default_Ignorable_Code_Point}]`;

/** Characters that Unicode calls ignorable but that people can see, because they change the characters next to them. */
const seen = [
  `(?<=${joining})[\\u200C\\u200D](?=${joining})`,
  `(?<=\\p{Extended_Pictographic}[\\p{Emoji_Modifier}\\uFE0F]*)\\u200D(?=\\p{Extended_Pictographic})`,
  `(?<=\\p{Extended_Pictographic})[\\uFE0E\\uFE0F]`,
  `(?<=[0-9#*])\\uFE0F(?=\\u20E3)`,
  `(?<=\\p{Unified_Ideograph})[\\uFE00-\\uFE02\\u{E0100}-\\u{E01EF}]`,
  `(?<=[\\p{Script=Mongolian}&&\\p{L}])[\\u180B-\\u180D\\u180F]`,
];
const ignorable = new RegExp(`(${seen.join('|')})|\\p{Default_Ignorable_Code_Point}`, 'gv');

/** Characters that Unicode counts as letters or symbols but that are blank. */
const blanks = /\u2800|\u{1D159}|\u{13441}|\u{13442}|\u{16FE4}/gu;

/**
 * Text as people see it: in Unicode NFC, with blank characters as spaces, and without characters that have no width or
 * change the direction of other text. Joiners and variant selectors stay if people can see their effect, as in Persian
 * or in an emoji of several people.
 */
export const visibleText = (text: string): string =>
  text
    .normalize('NFC')
    .replace(ignorable, (_, kept: string | undefined) => kept ?? '')
    .replace(blanks, ' ')
    .normalize('NFC');

/** Whether there is something to see: a letter, a number, or a sign. */
export const isVisible = (text: string): boolean => /[\p{L}\p{N}\p{P}\p{S}]/u.test(visibleText(text));
