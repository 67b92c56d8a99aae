import { isVisible, visibleText } from '../http/visible-text.js';

/** A name needs no more bytes of UTF-8 than this, so that there is room for a number in the 255 of file systems. */
const mostBytes = 240;

/** Names that every system can hold as they are, and that need no work. */
const plain = /^[\w(][\w()+,=@-]*( [\w()+,=@-]+)*(\.[\w-]+)*$/;

/** What Windows keeps for devices, with whatever ending. */
const device = /^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$) *(?:\.|$)/i;

/**
 * The one rule of names: what a file that comes in as this is called, wherever it comes from, so that it can be saved
 * under that name on any system and looks like what it is. The last part of a path, without what cannot be seen, with
 * `_` for what a system does not take; undefined if nothing is left.
 */
export function fileName(given: string): string | undefined {
  if (plain.test(given) && given.length <= mostBytes && !device.test(given)) return given;
  const last = visibleText(given.split(/[/\\]/).at(-1) ?? '')
    .replace(/[\s\p{Z}]+/gu, ' ')
    // what browsers do not save either
    .replace(/(?![\u200C\u200D])[<>:"|?*~\p{Cc}\p{Cf}\p{Cs}\p{Noncharacter_Code_Point}]/gu, '_');
  const name = shortened(last.replace(/^ +|[ .]+$/g, '').replace(/^\./, '_'));
  if (!isVisible(name)) return undefined;
  return device.test(name) ? `_${name}` : name;
}

/** The name of a file that was taken in by an older version of the site, under whatever rule. */
export const nameOnRecord = (name: string): string => fileName(name) ?? 'file';

/** `report (2).pdf` for the second `report.pdf`. */
export function numbered(name: string, count: number): string {
  const [stem, extension] = parted(name);
  return count === 1 ? name : `${stem} (${count})${extension}`;
}

/**
 * The Content-Disposition of what is to be saved under a name (RFC 6266). The name stands in it twice where it is more
 * than ASCII: as browsers read it, and in plain UTF-8 for curl, which knows no other way.
 *
 * @param name that `fileName` gave.
 */
export function attachment(name: string): string {
  const simple = `attachment; filename="${Buffer.from(name).toString('latin1')}"`;
  // browsers take a percent sign in the simple form for the beginning of a byte
  return /^[\x20-\x24\x26-\x7e]*$/.test(name) ? simple : `${simple}; filename*=UTF-8''${extendedValue(name)}`;
}

/** RFC 8187 3.2.1. */
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
  // half of what belongs together is not left at the end
  return cut.replace(/[\s.\p{Default_Ignorable_Code_Point}]+$/u, '') + extension;
}

/** As many whole characters of a text as fit. */
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
