import { fileTypeFromBuffer } from 'file-type';
import mime from 'mime';

/** So many of the first bytes of a file tell what it is. */
export const tellingBytes = 4_100;

/** What first bytes tell for certain; of other formats they may be the beginning of a text, or of anything. */
const certain =
  /^(application\/(pdf|zip|gzip|x-7z-compressed|epub\+zip|vnd\.(openxmlformats|oasis)[\w.-]+)|image\/(png|jpeg|gif|webp)|video\/(mp4|webm)|audio\/(ogg|flac))$/;

/** Endings that two formats have: of these the rarer one is what `mime` says. */
const shared = new Set(['video/mp2t']);

const unknown = 'application/octet-stream';

/**
 * What a file is: as the ending of its name says, since browsers give it the ending that fits the type; without an ending,
 * as its first bytes say, where they are certain.
 */
export async function contentTypeOf(head: Buffer, name: string): Promise<string> {
  if (/.\.[^. ]+$/.test(name)) {
    const byName = mime.getType(name) ?? unknown;
    return shared.has(byName) && (await fileTypeFromBuffer(head))?.mime !== byName ? unknown : byName;
  }
  const byBytes = (await fileTypeFromBuffer(head))?.mime ?? unknown;
  return certain.test(byBytes) && (byBytes === 'application/pdf' || !isText(head)) ? byBytes : unknown;
}

/** Whether nothing but characters of text is there. */
const isText = (head: Buffer): boolean => !/[^\t\n\v\f\r\x20-\x7e\x80-\xff]/.test(head.toString('latin1'));
