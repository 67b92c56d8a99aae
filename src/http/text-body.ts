import { BadRequestException, PayloadTooLargeException, RequestTimeoutException } from '@nestjs/common';
import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { parse as parseForm } from 'node:querystring';
import { parse as parseJson } from 'secure-json-parse';
import { isReadableBody } from './input.js';

const json = 'application/json';
const form = 'application/x-www-form-urlencoded';

/** The most bytes of a JSON body, or of a form without files. */
const most = 16 * 1_024;
/** How long such a body may take to arrive, in milliseconds (RFC 9110 15.5.9). */
const arrivalTimeoutMs = 30_000;

/** The media type of a Content-Type header, in lower case and without its parameters. Empty if there is none. */
export const mediaTypeOf = (header: string | undefined): string =>
  /^\s*([^\s;,]+)\s*(;|$)/.exec(header ?? '')?.[1]?.toLowerCase() ?? '';

/** The charset of a Content-Type header. */
export const charsetOf = (header: string | undefined): string | undefined =>
  /;\s*charset\s*=\s*"?([^"\s;]*)/i.exec(header ?? '')?.[1];

export const isTakenAsText = (type: string): boolean => type === json || type === form;

/**
 * All bytes of a short body.
 *
 * @throws PayloadTooLargeException if the body is too large; at once if its Content-Length says so.
 * @throws RequestTimeoutException if the body does not arrive in time.
 * @throws BadRequestException if the client disconnects before the end.
 */
export function wholeOf(raw: IncomingMessage): Promise<Buffer> {
  const tooLarge = () => new PayloadTooLargeException('That is more than this address takes at once.');
  return new Promise((resolve, reject) => {
    if (Number(raw.headers['content-length']) > most) {
      reject(tooLarge());
      return;
    }
    const chunks: Buffer[] = [];
    let size = 0;
    const timer = setTimeout(
      () => end(new RequestTimeoutException('The rest of the request did not come in time. Please send it again.')),
      arrivalTimeoutMs,
    );
    const end = (error?: Error) => {
      clearTimeout(timer);
      raw.off('data', take).off('end', end).off('close', breakOff);
      if (error) reject(error);
      else resolve(Buffer.concat(chunks));
    };
    const take = (chunk: Buffer) => {
      size += chunk.length;
      if (size > most) end(tooLarge());
      else chunks.push(chunk);
    };
    const breakOff = () => end(new BadRequestException('The request broke off.'));
    // a connection that fails also closes
    raw.on('error', () => undefined);
    raw.on('data', take).once('end', end).once('close', breakOff);
  });
}

/**
 * The fields of a JSON body or a form. Undefined if there are no bytes.
 *
 * @throws BadRequestException if the bytes are not UTF-8, cannot be parsed, are not an object, or are nested too deep.
 */
export function fieldsOf(type: string, bytes: Buffer): object | undefined {
  if (bytes.length === 0) return undefined;
  const text = utf8(bytes);
  return type === form ? formFields(text) : jsonFields(text);
}

/**
 * Decodes bytes as UTF-8 and drops a byte order mark. It never guesses another encoding or repairs the text.
 *
 * @throws BadRequestException if the bytes are not UTF-8.
 */
export function utf8(bytes: Buffer): string {
  if (!isUtf8(bytes)) throw new BadRequestException('This is not text in UTF-8. Please send it in UTF-8.');
  return bytes.toString('utf8').replace(/^\uFEFF/, '');
}

function jsonFields(text: string): object {
  let fields: unknown;
  try {
    fields = parseJson(text);
  } catch {
    throw new BadRequestException('The body is not JSON that can be read.');
  }
  if (isReadableBody(fields)) return fields;
  throw new BadRequestException('The body is not an object, or it is nested too deep.');
}

function formFields(text: string): object {
  // decode %XX bytes that are next to each other together, because one character can have several bytes
  for (const [run] of text.matchAll(/(?:%[0-9a-f]{2})+/gi)) utf8(Buffer.from(run.replaceAll('%', ''), 'hex'));
  const fields = parseForm(text, '&', '=', { maxKeys: 0 });
  if (Object.hasOwn(fields, '__proto__')) throw new BadRequestException('A field cannot be called __proto__.');
  return { ...fields };
}
