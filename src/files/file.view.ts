import { ApiProperty } from '@nestjs/swagger';
import { memoize } from '../database/memoize.js';
import { checksumLine } from './checksum-line.js';
import type { FileVersion } from './file-version.entity.js';
import type { ShelfFile } from './shelf-row.js';
import type { StoredFile } from './stored-file.entity.js';

/** A file as the API shows it. */
export class FileView {
  @ApiProperty({ format: 'uuid' })
  readonly id!: string;

  @ApiProperty({ example: 'welcome.pdf' })
  readonly name!: string;

  @ApiProperty({ example: 'application/pdf' })
  readonly contentType!: string;

  @ApiProperty({ description: 'In bytes.' })
  readonly size!: number;

  @ApiProperty({ description: 'Of the bytes, in lower-case hex.', pattern: '^[0-9a-f]{64}$' })
  readonly sha256!: string;

  @ApiProperty({ type: String, format: 'date-time' })
  readonly createdAt!: string;

  @ApiProperty({ description: 'What an admin says of it; empty where nothing.' })
  readonly note!: string;

  @ApiProperty({ type: 'integer', minimum: 1, description: 'Which version of it the bytes are.' })
  readonly version!: number;

  @ApiProperty({ type: String, format: 'date-time', description: 'When that version came.' })
  readonly versionedAt!: string;

  @ApiProperty({ type: String, format: 'date-time', description: 'From when on members may have it.' })
  readonly availableAt!: string;

  @ApiProperty({ type: String, format: 'date-time', nullable: true, description: 'Until when members may have it.' })
  readonly expiresAt!: string | null;

  @ApiProperty({ description: 'Whether only admins see it, whatever its times say.' })
  readonly hidden!: boolean;

  @ApiProperty({ type: 'integer', nullable: true, description: 'How many downloads of a version each member has.' })
  readonly memberLimit!: number | null;

  @ApiProperty({ type: 'integer', nullable: true, description: 'How many there are for all members together.' })
  readonly totalLimit!: number | null;
}

/** A file as the API shows it to a member. */
export class ShelfFileView extends FileView {
  @ApiProperty({ enum: ['whole', 'part', 'none'], description: 'How much of this version you have been sent.' })
  readonly downloaded!: ShelfFile['downloaded'];

  @ApiProperty({ description: 'The same in bytes.' })
  readonly downloadedBytes!: number;
}

/** A page of the list of files. */
export class FilePage {
  @ApiProperty({ type: [ShelfFileView] })
  readonly items!: ShelfFileView[];

  @ApiProperty({ type: String, nullable: true, description: 'Send it as `cursor` for the next part; null at the end.' })
  readonly nextCursor!: string | null;
}

/** Picks the fields of a file that the API shows. */
export const presentFile = (file: StoredFile): FileView => ({
  id: file.id,
  name: file.name,
  contentType: file.contentType,
  size: file.size,
  sha256: file.sha256,
  createdAt: file.createdAt.toISOString(),
  note: file.note,
  version: file.versionNumber,
  versionedAt: file.versionedAt.toISOString(),
  availableAt: file.availableAt.toISOString(),
  expiresAt: file.expiresAt?.toISOString() ?? null,
  hidden: file.isHidden,
  memberLimit: file.memberLimit,
  totalLimit: file.totalLimit,
});

export const presentShelfFile = (file: ShelfFile): ShelfFileView => ({
  ...presentFile(file),
  downloaded: file.downloaded,
  downloadedBytes: file.coveredBytes,
});

/** A version of a file as the API shows it. */
export class FileVersionView {
  @ApiProperty({ type: 'integer', minimum: 1 })
  readonly version!: number;

  @ApiProperty({ example: 'application/pdf' })
  readonly contentType!: string;

  @ApiProperty({ description: 'In bytes.' })
  readonly size!: number;

  @ApiProperty({ description: 'Of the bytes, in lower-case hex.', pattern: '^[0-9a-f]{64}$' })
  readonly sha256!: string;

  @ApiProperty({ type: String, format: 'date-time' })
  readonly createdAt!: string;
}

/** A page of the versions of a file. */
export class FileVersionPage {
  @ApiProperty({ type: [FileVersionView] })
  readonly items!: FileVersionView[];

  @ApiProperty({ type: String, nullable: true, description: 'Send it as `cursor` for the next part; null at the end.' })
  readonly nextCursor!: string | null;
}

export const presentVersion = ({ number, contentType, size, sha256, createdAt }: FileVersion): FileVersionView => ({
  version: number,
  contentType,
  size,
  sha256,
  createdAt: createdAt.toISOString(),
});

const dateFormat = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeZone: 'UTC' });

/** Picks what a web page shows of a file, in words. */
export const presentFileInWords = memoize((file: StoredFile) => ({
  id: file.id,
  name: file.name,
  note: file.note,
  href: `/files/${file.id}`,
  downloadHref: `/files/${file.id}/download`,
  type: typeInWords(file),
  size: sizeInWords(file.size),
  date: dayInWords(file.createdAt),
  sha256: file.sha256,
}));

/** Picks what a member's page shows of a file, in words. `since` is the time of the member's visit before this one. */
export const presentShelfFileInWords = (file: ShelfFile, since: Date) => ({
  ...shelfFileInWords(file),
  news: newsOf(file, since),
});

const shelfFileInWords = memoize((file: ShelfFile) => ({
  ...presentFileInWords(file),
  date: dayInWords(file.availableAt),
  limit: file.memberLimit,
  expires: file.expiresAt && dayInWords(file.expiresAt),
  version: file.versionNumber,
  isReplaced: file.versionNumber > 1,
  versioned: dayInWords(file.versionedAt),
  downloaded: downloadedInWords(file),
  isWhole: file.downloaded === 'whole',
}));

/** Picks what a member's page shows of an older version of a file. */
export const presentVersionInWords = ({ number, createdAt, size, sha256 }: FileVersion) => ({
  number,
  date: dayInWords(createdAt),
  size: sizeInWords(size),
  sha256,
});

/**
 * Commands that compare a downloaded file with its checksum, one for each operating system. The command for Windows
 * finds the file by its checksum, because no quotes are safe for every name in both of its shells.
 *
 * @param name the name under which the file was saved.
 */
export function commandsToVerify(name: string, { size, sha256 }: Pick<StoredFile, 'size' | 'sha256'>) {
  const line = checksumLine(`./${name}`, sha256);
  const print = `printf '%s\\n' '${line.replaceAll("'", `'\\''`)}'`;
  const find = `Get-ChildItem -File | Where-Object Length -eq ${size} | Get-FileHash | Where-Object Hash -eq ${sha256}`;
  return [
    { system: 'Linux', command: `${print} | sha256sum -c` },
    { system: 'macOS', command: `${print} | shasum -a 256 -c` },
    {
      system: 'Windows, which shows the file if it is whole, and else nothing',
      command: `powershell -NoProfile -Command "${find} | Format-List Path"`,
    },
  ];
}

function newsOf({ availableAt, versionedAt, downloaded, isHidden }: ShelfFile, since: Date): string | undefined {
  if (isHidden) return 'Hidden';
  if (availableAt > new Date()) return 'Not out yet';
  if (downloaded === 'whole') return undefined;
  if (availableAt > since) return 'New';
  return versionedAt > since ? 'New version' : undefined;
}

function downloadedInWords({ downloaded, coveredBytes, size }: ShelfFile): string {
  if (downloaded === 'whole') return 'Downloaded';
  if (downloaded === 'none') return 'Not downloaded yet';
  return `${Math.min(99, Math.max(1, Math.round((100 * coveredBytes) / size)))} % downloaded`;
}

const dayInWords = (instant: Date) => ({ iso: instant.toISOString(), words: dateFormat.format(instant) });

const kinds: Record<string, string> = {
  audio: 'Audio',
  font: 'Font',
  image: 'Image',
  text: 'Text',
  video: 'Video',
};

const types: Record<string, string> = {
  'application/pdf': 'PDF document',
  'application/zip': 'ZIP archive',
  'application/gzip': 'Compressed file',
  'application/epub+zip': 'E-book',
  'text/csv': 'Table (CSV)',
};

function typeInWords({ contentType, name }: StoredFile): string {
  const known = types[contentType] ?? kinds[contentType.split('/')[0] ?? ''];
  if (known) return known;
  const extension = /\.([a-z0-9]{1,8})$/i.exec(name)?.[1];
  return extension ? `${extension.toUpperCase()} file` : 'File';
}

/** A size in words, such as "84 KB". A KB is 1,000 bytes, as in file managers and browsers. */
export function sizeInWords(bytes: number): string {
  const units = ['bytes', 'KB', 'MB', 'GB', 'TB'];
  // rounds before it picks the unit, so that 999,999 bytes are 1.0 MB and not 1000 KB
  const shown = Number(Math.max(bytes, 1).toPrecision(3));
  const power = Math.min(Math.floor(Math.log10(shown) / 3), units.length - 1);
  const amount = bytes / 1_000 ** power;
  if (power === 0) return bytes === 1 ? '1 byte' : `${bytes} bytes`;
  return `${amount < 9.95 ? amount.toFixed(1) : Math.round(amount)} ${units[power]}`;
}
