import { isVisible, visibleText } from '../http/visible-text.js';

/** Increase this when the rule for names changes. Stored names are then updated; see `SettledNames`. */
export const nameRuleVersion = 1;

/** The longest name, in bytes of UTF-8. File systems allow 255, so there is room for a number such as ` (2)`. */
const mostBytes = 240;

/** Names that every system can store unchanged. They skip the slower steps below. */
const plain = /^[\w(][\w()+,=@-]*( [\w()+,=@-]+)*(\.[\w-]+)*$/;

/** The names that Windows reserves for devices, with any extension. */
const device = /^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$) *(?:\.|$)/i;

/**
 * The one rule for the names of files, wherever they come from. It gives a name that any system can save, and that does
 * not hide what the file is. It takes the last part of a path, removes invisible characters, and replaces characters
 * that a system does not allow with `_`.
 *
 * @returns the name, at most `mostBytes` bytes long; undefined if no visible character is left.
 */
export function fileName(given: string): string | undefined {
  if (plain.test(given) && given.length <= mostBytes && !device.test(given)) return given;
  const last = visibleText(given.split(/[/\\]/).at(-1) ?? '')
    .replace(/[\s\p{Z}]+/gu, ' ')
    // browsers replace these characters too when they save a file
    .replace(/(?![\u200C\u200D])[<>:"|?*~\p{Cc}\p{Cf}\p{Cs}\p{Noncharacter_Code_Point}]/gu, '_');
  const name = shortened(last.replace(/^ +|[ .]+$/g, '').replace(/^\./, '_'));
  if (!isVisible(name)) return undefined;
  return device.test(name) ? `_${name}` : name;
}

/** The name of a file that an older version of the site may have stored under another rule; `file` if none is left. */
export const nameOnRecord = (name: string): string => fileName(name) ?? 'file';

/** Numbers a name: `report (2).pdf` for the second `report.pdf`. The first keeps its name. */
export function numbered(name: string, count: number): string {
  const [stem, extension] = parted(name);
  return count === 1 ? name : `${stem} (${count})${extension}`;
}

/**
 * The `Content-Disposition` header of a file that is saved under a name (RFC 6266). If the name is not plain ASCII, the
 * header has it twice: in `filename*` for browsers, and in plain UTF-8 for curl, which does not read `filename*`.
 *
 * @param name a name that `fileName` returned.
 */
export function attachment(name: string): string {
  const simple = `attachment; filename="${Buffer.from(name).toString('latin1')}"`;
  // browsers read a percent sign in the simple form as the start of an encoded byte
  return /^[\x20-\x24\x26-\x7e]*$/.test(name) ? simple : `${simple}; filename*=UTF-8''${extendedValue(name)}`;
}

/** Encodes a text as an extended value (RFC 8187 3.2.1). */
const extendedValue = (text: string): string =>
  encodeURIComponent(text).replace(/['()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);

function parted(name: string): [stem: string, extension: string] {
  const [, stem = name, extension = ''] = /^(.+?)((?:\.tar)?\.[^.]{1,16})$/su.exec(name) ?? [];
  return [stem, extension];
}

function shortened(name: string): string {
  if (Buffer.byteLength(name) <= mostBytes) return name;
  const [stem, extension] = parted(name);
  const cut = firstBytes(stem, mostBytes - Buffer.byteLength(extension));
  // the cut can leave a joiner or another invisible character at the end, without the character that it belongs to
  return cut.replace(/[\s.\p{Default_Ignorable_Code_Point}]+$/u, '') + extension;
}

/** The start of a text: as many whole characters as fit into `room` bytes of UTF-8. */
function firstBytes(text: string, room: number): string {
  let left = room;
  let end = 0;
  for (const character of text) {
    left -= Buffer.byteLength(character);
    if (left < 0) break;
    end += character.length;
  }
  return text.slice(0, end);
}
