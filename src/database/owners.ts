import { accessSync, constants, readdirSync, statSync, type Stats } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { SettingsError, type Settings } from '../config/settings.js';
import { sqlitePath } from './data-source.js';
import { siteLockIn } from './site-lock.js';

/** Something that a site must be able to read and write, and whose it is. */
export interface Belonging {
  readonly path: string;
  /** The user's number. */
  readonly owner: number;
  /** In octal, such as `0640`. */
  readonly mode: string;
  /** Whether this process may do both. */
  readonly isOpen: boolean;
}

/** What a site has on the disk, but for the bytes of each file: folders, database and key, as far as they are there. */
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

/** Of these, what is not the owner's who has the rest; a folder beyond the data folder may be anybody's. */
export function foreignTo(owner: number | undefined, settings: Settings): Belonging[] {
  if (owner === undefined) return [];
  const path = sqlitePath(settings);
  const isBeyond = (one: string) => one === dirname(path ?? '') && one !== settings.dataDir;
  return belongingsOf(settings).filter((one) => one.owner !== owner && !isBeyond(one.path));
}

/** Whose the site is, by what it has written; undefined where there is nothing, and where the system knows no users. */
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
 * Makes sure that this process may read and write what the site cannot do without. Where it is only the bytes of some files,
 * the others can be served.
 *
 * @throws SettingsError that says whose it is, and what to do.
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

/** The command by which an operator gives a site to one user, with the folder of its database if that is elsewhere. */
export function handOver(settings: Settings, to: number | string = process.getuid?.() ?? 'USER'): string {
  const { dataDir } = settings;
  const path = sqlitePath(settings);
  const isBeyond = path !== undefined && relative(dataDir, path).startsWith('..');
  const folders = isBeyond ? [dataDir, dirname(path)] : [dataDir];
  return `sudo chown -R ${to} ${folders.map(inShell).join(' ')}`;
}

/** As a shell takes it for one word, whatever is in it. */
const inShell = (path: string) => (/^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", String.raw`'\''`)}'`);

function belongingAt(path: string): Belonging | undefined {
  const found = statOf(path);
  if (!found) return undefined;
  const { R_OK, W_OK, X_OK } = constants;
  let isOpen = true;
  try {
    accessSync(path, found.isDirectory() ? R_OK | W_OK | X_OK : R_OK | W_OK);
  } catch (error) {
    // another fault, such as a disk that can only be read, has words of its own
    isOpen = !isRefusal(error);
  }
  return { path, owner: found.uid, mode: (found.mode & 0o777).toString(8).padStart(4, '0'), isOpen };
}

/** Folders of drafts and, named by the first two digits of a key, of whole bytes. */
const isOfStore = /^(incoming|pieces|unsettled|[0-9a-f]{2})$/;
const isOfWholeBytes = /[\\/][0-9a-f]{2}$/;

function foldersIn(folder: string): string[] {
  try {
    // a disk of its own has folders that are none of the site's
    return readdirSync(folder).flatMap((name) => (isOfStore.test(name) ? [join(folder, name)] : []));
  } catch {
    // not there, or closed: said of the folder itself
    return [];
  }
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    // what is not there, or lies behind a closed folder, which is named itself
    return undefined;
  }
}

const isRefusal = (error: unknown) => ['EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '');
