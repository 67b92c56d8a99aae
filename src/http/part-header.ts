import { BadRequestException, UnsupportedMediaTypeException } from '@nestjs/common';
import { utf8 } from './text-body.js';

/** The headers of a form part, by name in lower case. Their bytes are characters of Latin-1. */
export type PartHeader = Readonly<Record<string, readonly string[] | undefined>>;

/** The name of a form part, and the name of its file. */
export interface Disposition {
  readonly name: string | undefined;
  /** Undefined if the part has no file. Empty if no file was chosen. */
  readonly filename: string | undefined;
}

/**
 * Reads the Content-Disposition of a form part, as browsers and curl write it (RFC 7578 4.2): in UTF-8, with `%22` or
 * `\"` for a quotation mark.
 *
 * @throws BadRequestException if it is not a form part, or not in UTF-8.
 * @throws UnsupportedMediaTypeException if the part has an encoding that must be decoded first (RFC 7578 4.7).
 */
export function disposition(header: PartHeader): Disposition {
  const [coding = 'binary'] = header['content-transfer-encoding'] ?? [];
  if (!/^\s*(7bit|8bit|binary)\s*$/i.test(coding) || header['content-encoding'] !== undefined)
    throw new UnsupportedMediaTypeException('Nothing is unpacked here: send the file as it is.');
  const [value = ''] = header['content-disposition'] ?? [];
  if (!/^\s*form-data\s*(;|$)/i.test(value)) throw new BadRequestException('A part of the form cannot be read.');
  const given = new Map<string, string>();
  for (const [, key = '', quoted, bare = ''] of value.matchAll(parameter))
    given.set(key.toLowerCase(), quoted === undefined ? textOf(bare) : unescaped(textOf(quoted)));
  const extended = given.get('filename*');
  return {
    name: given.get('name'),
    filename: extended === undefined ? given.get('filename') : extendedText(extended),
  };
}

/** Whether a part holds a file: it has a file name, or its type is `application/octet-stream`. */
export const isFile = (header: PartHeader, filename: string | undefined): boolean =>
  filename !== undefined || /^\s*application\/octet-stream\s*(;|$)/i.test(header['content-type']?.[0] ?? '');

const parameter = /;\s*([\w!#$&+^`|~*.-]+)\s*=\s*(?:"((?:\\["\\]|[^"])*)"|([^\s;]*))/g;

const textOf = (bytes: string): string => utf8(Buffer.from(bytes, 'latin1'));

/**
 * Undoes the escapes of browsers for three characters (WHATWG), and the backslash that older programs put before two.
 */
const unescaped = (text: string): string =>
  text
    .replace(/\\(["\\])/g, '$1')
    .replace(/%22/g, '"')
    .replace(/%0A/gi, '\n')
    .replace(/%0D/gi, '\r');

/** Decodes the form of RFC 8187, which some programs send although RFC 7578 forbids it. */
function extendedText(value: string): string {
  const [, encoded] = /^utf-8'[^']*'((?:%[0-9a-f]{2}|[^%])*)$/i.exec(value) ?? [];
  if (encoded === undefined) throw new BadRequestException('The name of the file cannot be read.');
  const bytes = encoded.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  return textOf(bytes);
}
