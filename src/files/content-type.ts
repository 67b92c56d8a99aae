import { fileTypeFromBuffer } from 'file-type';
import mime from 'mime';

/** So many of the first bytes of a file tell what it is. */
export const tellingBytes = 4_100;

/** What other formats are made of: where the bytes say no more than that, the name knows better. */
const containers = new Set([
  'application/zip',
  'application/gzip',
  'application/xml',
  'application/x-cfb',
  'application/octet-stream',
  'application/ogg',
  'video/mp4',
]);

const unknown = 'application/octet-stream';

/** What a file is: as its first bytes say, else as its name does. */
export async function contentTypeOf(head: Buffer, name: string): Promise<string> {
  const byName = mime.getType(name) ?? unknown;
  const byBytes = (await fileTypeFromBuffer(head))?.mime;
  return byBytes === undefined || (containers.has(byBytes) && byName !== unknown) ? byName : byBytes;
}
