import { fileTypeFromBuffer } from 'file-type';
import mime from 'mime';

/** How many bytes from the start of a file are enough to recognise its type. */
export const tellingBytes = 4_100;

/** Types that the first bytes show for certain. The first bytes of any other type can also be the start of a text. */
const certain =
  /^(application\/(pdf|zip|gzip|x-7z-compressed|epub\+zip|vnd\.(openxmlformats|oasis)[\w.-]+)|image\/(png|jpeg|gif|webp)|video\/(mp4|webm)|audio\/(ogg|flac))$/;

/** Types whose file extension another format also has. For such an extension, `mime` gives the rarer type. */
const shared = new Set(['video/mp2t']);

const unknown = 'application/octet-stream';

/**
 * The media type of a file. The extension of its name decides, because a browser that saves a file may change the
 * extension to fit the type. If the name has no extension, the first bytes decide if they are certain. If nothing
 * decides, the type is `application/octet-stream`.
 *
 * @param head the first bytes of the file, `tellingBytes` of them if it has so many.
 */
export async function contentTypeOf(head: Buffer, name: string): Promise<string> {
  if (/.\.[^. ]+$/.test(name)) {
    const byName = mime.getType(name) ?? unknown;
    return shared.has(byName) && (await fileTypeFromBuffer(head))?.mime !== byName ? unknown : byName;
  }
  const byBytes = (await fileTypeFromBuffer(head))?.mime ?? unknown;
  return certain.test(byBytes) && (byBytes === 'application/pdf' || !isText(head)) ? byBytes : unknown;
}

/** Whether all bytes can be characters of a text. */
const isText = (head: Buffer): boolean => !/[^\t\n\v\f\r\x20-\x7e\x80-\xff]/.test(head.toString('latin1'));
