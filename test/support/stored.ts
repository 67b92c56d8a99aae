import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { FilesService } from '../../src/files/files.service.js';
import type { StoredFile } from '../../src/files/stored-file.entity.js';
import type { TestApp } from './app.js';

/** A file on the shelf of a test app, with its bytes at hand. */
export interface Shelved {
  readonly file: StoredFile;
  readonly bytes: Buffer;
  /** Where a script, and where a browser, gets it. */
  readonly content: string;
  readonly download: string;
}

/** More than the file store keeps in memory, so that it is sent as a stream; and no round number. */
export const largeSize = 4 * 1_024 * 1_024 + 54_321;

export async function shelve(site: TestApp, bytes: Buffer | number, name = 'file.bin'): Promise<Shelved> {
  const content = typeof bytes === 'number' ? randomBytes(bytes) : bytes;
  const file = await site.app.get(FilesService).add(Readable.from(content.length > 0 ? [content] : []), { name });
  if (!file) throw new Error('The file was not added.');
  return { file, bytes: content, content: `/api/v1/files/${file.id}/content`, download: `/files/${file.id}/download` };
}

/** Where the file store keeps the bytes of a key. */
export const pathOfBytes = ({ settings }: TestApp, { storageKey }: { storageKey: string }): string =>
  join(settings.dataDir, 'files', storageKey.slice(0, 2), storageKey.slice(2));
