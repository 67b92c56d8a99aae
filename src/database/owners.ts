import { accessSync, constants, readdirSync, statSync, type Stats } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { SettingsError, type Settings } from '../config/settings.js';
import { sqlitePath } from './data-source.js';
import { siteLockIn } from './site-lock.js';

/** A path that a site must be able to read and write, and its owner. */
export interface Belonging {
  readonly path: string;
  /** The id of the user. */
  readonly owner: number;
  /** In octal, such as `0640`. */
  readonly mode: string;
  /** Whether this process may both read and write it. */
  readonly isOpen: boolean;
}

/** The paths of a site that exist on the disk: folders, database and key. The files with stored bytes are left out. */
function belongingsOf(settings: Settings): Belonging[] {
  const { dataDir, appSecret } = settings;
  const path = sqlitePath(settings);
  const files = join(dataDir, 'files');
  const database = path === undefined ? [] : [dirname(path), ...['', '-wal', '-shm'].map((rest) => path + rest)];
  const secret = appSecret === undefined ? [join(dataDir, 'app-secret')] : [];
  const all = [
    dataDir,
    ...secret,
    siteLockIn(dataDir),
    ...database,
    join(dataDir, 'outbox'),
    files,
    ...foldersIn(files),
  ];
  return [...new Set(all)].flatMap((one) => belongingAt(one) ?? []);
}

/** The paths of a site that another user owns. A database folder outside the data folder may have any owner. */
export function foreignTo(owner: number | undefined, settings: Settings): Belonging[] {
  if (owner === undefined) return [];
  const path = sqlitePath(settings);
  const isBeyond = (one: string) => one === dirname(path ?? '') && one !== settings.dataDir;
  return belongingsOf(settings).filter((one) => one.owner !== owner && !isBeyond(one.path));
}

/**
 * The id of the user who owns the site's files. Undefined if the site has no files yet, or if the system has no user
 * ids.
 */
export function ownerOf(settings: Settings): number | undefined {
  if (!process.getuid) return undefined;
  const { dataDir } = settings;
  const written = [sqlitePath(settings), siteLockIn(dataDir), join(dataDir, 'app-secret'), dataDir];
  for (const path of written) {
    const found = path === undefined ? undefined : statOf(path);
    if (found) return found.uid;
  }
  return undefined;
}

/**
 * Checks that this process may read and write everything that the site needs. A folder of stored bytes may be closed,
 * because the other files can still be served.
 *
 * @throws SettingsError that says who owns the files, and what to do.
 */
export function refuseForeignData(settings: Settings): void {
  const closed = belongingsOf(settings).filter(({ path, isOpen }) => !isOpen && !isOfWholeBytes.test(path));
  const [first, ...others] = closed;
  if (!first) return;
  const more = others.length > 0 ? `, and so are ${others.length} more` : '';
  throw new SettingsError([
    `DATA_DIR cannot be used: ${first.path} (mode ${first.mode}) is user ${first.owner}'s${more}; this is user ${process.getuid?.() ?? ''}, who may not read and write it. Run the site as its user, or hand all of it over: ${handOver(settings)}`,
  ]);
}

/**
 * The shell command with which an operator gives the site to one user. It includes the folder of the database if that
 * is outside the data folder.
 */
export function handOver(settings: Settings, to: number | string = process.getuid?.() ?? 'USER'): string {
  const { dataDir } = settings;
  const path = sqlitePath(settings);
  const isBeyond = path !== undefined && relative(dataDir, path).startsWith('..');
  const folders = isBeyond ? [dataDir, dirname(path)] : [dataDir];
  return `sudo chown -R ${to} ${folders.map(inShell).join(' ')}`;
}

/** Quotes a path so that a shell reads it as one word. */
const inShell = (path: string) => (/^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", String.raw`'\''`)}'`);

function belongingAt(path: string): Belonging | undefined {
  const found = statOf(path);
  if (!found) return undefined;
  const { R_OK, W_OK, X_OK } = constants;
  let isOpen = true;
  try {
    accessSync(path, found.isDirectory() ? R_OK | W_OK | X_OK : R_OK | W_OK);
  } catch (error) {
    // any other fault, such as a read-only disk, has an error message of its own
    isOpen = !isRefusal(error);
  }
  return { path, owner: found.uid, mode: (found.mode & 0o777).toString(8).padStart(4, '0'), isOpen };
}

/** The store's folders of drafts, and its folders of complete files. The first two digits of a key name the latter. */
const isOfStore = /^(incoming|pieces|unsettled|[0-9a-f]{2})$/;
const isOfWholeBytes = /[\\/][0-9a-f]{2}$/;

function foldersIn(folder: string): string[] {
  try {
    // if `files` is a disk of its own, it has folders that do not belong to the site
    return readdirSync(folder).flatMap((name) => (isOfStore.test(name) ? [join(folder, name)] : []));
  } catch {
    // missing or closed; the folder itself is in the list, so the fault is reported there
    return [];
  }
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    // missing, or inside a closed folder, which is reported itself
    return undefined;
  }
}

const isRefusal = (error: unknown) => ['EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '');
