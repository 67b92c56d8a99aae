import { type Readable } from 'node:stream';
import yazl from 'yazl';

/** A file in a zip: under which name, how many bytes, and since when they are these. */
export interface ZipEntry {
  readonly name: string;
  readonly size: number;
  readonly modified: Date;
}

/** The one entry whose bytes are at hand; it comes first. */
export interface ZipText {
  readonly name: string;
  readonly bytes: Buffer;
  readonly modified: Date;
}

/** A zip that is made while it is read. */
export interface Zip<Entry> {
  /** In bytes. */
  readonly length: number;
  /** Where in the zip the bytes of each entry begin. */
  readonly starts: ReadonlyMap<Entry, number>;
  /**
   * The bytes, for the one who reads them: no faster than that, and with one entry open at a time, which is closed when
   * the stream is destroyed. It fails where an entry cannot be read, or is not as long as was said.
   */
  stream(open: (entry: Entry) => Promise<Readable>): Readable;
}

/**
 * Lays out a zip whose entries are stored as they are, so that its length is known before a byte is read; in the format
 * for more than 4 GiB (zip64) where it must be. Checksums follow the bytes (APPNOTE.TXT 4.3.9).
 */
export function zipOf<Entry extends ZipEntry>(text: ZipText, entries: readonly Entry[]): Zip<Entry> {
  const zip = new yazl.ZipFile();
  // an entry is asked for when it is its turn, which for the first is now
  let begin!: (open: (entry: Entry) => Promise<Readable>) => void;
  const begun = new Promise<(entry: Entry) => Promise<Readable>>((resolve) => (begin = resolve));
  const output = zip.outputStream as Readable;
  let current: Readable | undefined;
  output.once('close', () => current?.destroy());
  zip.on('error', (error: Error) => output.destroy(error));

  zip.addBuffer(text.bytes, text.name, { mtime: text.modified, compress: false });
  for (const entry of entries)
    zip.addReadStreamLazy(entry.name, { mtime: entry.modified, compress: false, size: entry.size }, (give) => {
      const open = async () => {
        const bytes = await (await begun)(entry);
        // whoever read it may have gone meanwhile
        if (output.destroyed) return void bytes.destroy();
        current = bytes;
        bytes.once('error', (error) => output.destroy(error));
        give(null, bytes);
      };
      open().catch((error: unknown) => output.destroy(error as Error));
    });
  return { length: end(zip, text, entries), starts: startsOf(text, entries), stream };

  function stream(open: (entry: Entry) => Promise<Readable>): Readable {
    begin(open);
    return output;
  }
}

/** Says that there are no more entries, and gives the length of the whole. */
function end(zip: yazl.ZipFile, text: ZipText, entries: readonly ZipEntry[]): number {
  // yazl counts this format in from 64 KiB of directory on, but writes it only where it must: so it is told to
  const isLong = [text, ...entries].reduce((sum, { name }) => sum + 83 + Buffer.byteLength(name), 0) >= 0xffff;
  let length = -1;
  const options = { forceZip64Format: isLong, comment: '' };
  (zip.end as (options: yazl.EndOptions, tell: (size: number) => void) => void).call(zip, options, (size) => {
    length = size;
  });
  return length;
}

function startsOf<Entry extends ZipEntry>(text: ZipText, entries: readonly Entry[]): Map<Entry, number> {
  const starts = new Map<Entry, number>();
  let header = headerOf(text) + text.bytes.length;
  for (const entry of entries) {
    const start = header + headerOf(entry);
    starts.set(entry, start);
    const isLarge = Math.max(entry.size, header) > 0xffff_fffe;
    header = start + entry.size + (isLarge ? 24 : 16);
  }
  return starts;
}

const headerOf = ({ name }: { readonly name: string }) => 30 + Buffer.byteLength(name);
