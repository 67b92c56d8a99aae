import { access, constants, readFile, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { Settings } from '../config/settings.js';
import { foreignTo, handOver } from '../database/owners.js';
import { ok, problem, warning, wordsOf, type Finding } from './finding.js';

const MiB = 1_024 * 1_024;
const GiB = 1_024 * MiB;
const enough = GiB;
const least = 100 * MiB;

/** Checks that the folders and files that the site needs exist, have enough space, and are closed to other users. */
export async function checkFolder(settings: Settings): Promise<Finding[]> {
  const { dataDir, appSecret, smtpUrl, welcomeFile } = settings;
  const check = 'data folder';
  try {
    const found = await stat(dataDir);
    if (!found.isDirectory()) return [problem(check, `${dataDir} is no folder: let DATA_DIR name one.`)];
    await access(dataDir, constants.R_OK | constants.W_OK | constants.X_OK);
    return [
      ok(check, `${dataDir} can be written to`),
      ...checkOwner(settings, found.uid),
      await checkMode(dataDir, found.mode),
      appSecret === undefined ? await checkSecret(join(dataDir, 'app-secret')) : ok('secret', 'APP_SECRET is set'),
      ...(await checkFolderInside('files folder', join(dataDir, 'files'))),
      ...(smtpUrl === undefined ? await checkFolderInside('mail folder', join(dataDir, 'outbox')) : []),
      ...(await checkWelcomeFile(welcomeFile)),
      await checkSpace(dataDir),
    ];
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    const advice = isMissing
      ? 'Start the site, which makes it, or let DATA_DIR name the one it has.'
      : 'See to its owner and mode.';
    return [problem(check, `${dataDir} cannot be used: ${wordsOf(error)}. ${advice}`)];
  }
}

/** Checks a folder that the site creates when it needs it. If the folder exists, it must be usable. */
async function checkFolderInside(check: string, path: string): Promise<Finding[]> {
  try {
    await access(path, constants.R_OK | constants.W_OK | constants.X_OK);
    return (await stat(path)).isDirectory()
      ? [ok(check, `${path} can be written to`)]
      : [problem(check, `${path} is no folder: move it away.`)];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    return [problem(check, `${path} cannot be used: ${wordsOf(error)}. See to its owner and mode.`)];
  }
}

/** Checks the welcome file. A fresh install serves it; later starts do not need it. */
async function checkWelcomeFile(path: string): Promise<Finding[]> {
  try {
    await access(path, constants.R_OK);
    return [];
  } catch (error) {
    return [warning('welcome file', `WELCOME_FILE cannot be read: ${wordsOf(error)}. A fresh install would be empty.`)];
  }
}

/**
 * Checks that one user owns all data and runs this command, because another user may be unable to read what one user
 * writes.
 */
function checkOwner(settings: Settings, owner: number): Finding[] {
  const self = process.getuid?.();
  if (self === undefined) return [];
  const { dataDir } = settings;
  const others = foreignTo(owner, settings).map((one) =>
    warning(
      'owner',
      `${one.path} (mode ${one.mode}) is user ${one.owner}'s, and the data folder is user ${owner}'s: ${handOver(settings, owner)}`,
    ),
  );
  if (self === owner) return others;
  return [
    warning(
      'owner',
      `${dataDir} is user ${owner}'s, and this is user ${self}: run commands as the one that runs the site.`,
    ),
    ...others,
  ];
}

/**
 * Checks whether other users can change or read what is in the data folder. A folder that others can only list is safe
 * (0755, as systemd's `StateDirectory=` makes it), because each folder and file inside is closed.
 */
async function checkMode(dataDir: string, mode: number): Promise<Finding> {
  const check = 'permissions';
  const advice = `chmod 750 ${dataDir}, and in a systemd unit StateDirectoryMode=0750`;
  if ((mode & 0o022) !== 0)
    return warning(check, `others can change what is in ${dataDir} (mode ${inOctal(mode)}): ${advice}`);
  if ((mode & 0o005) === 0) return ok(check, `${dataDir} is for its owner and group alone`);
  for (const name of ['files', 'outbox']) {
    const inside = await stat(join(dataDir, name)).catch(() => undefined);
    if (inside && (inside.mode & 0o007) !== 0)
      return warning(
        check,
        `others can look into ${join(dataDir, name)} (mode ${inOctal(inside.mode)}): chmod 750 ${join(dataDir, name)}`,
      );
  }
  return ok(check, `others can list ${dataDir} (mode ${inOctal(mode)}), but look into nothing in it`);
}

async function checkSecret(path: string): Promise<Finding> {
  const check = 'secret';
  try {
    const { mode } = await stat(path);
    if ((await readFile(path, 'utf8')).trim().length < 32)
      return problem(check, `${path} holds no secret of 32 characters or more: restore it from a backup.`);
    if ((mode & 0o077) !== 0)
      return problem(check, `others can read ${path} (mode ${inOctal(mode)}): chmod 600 ${path}`);
    return ok(check, `${path} is for its owner alone`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return problem(check, `${path}: ${wordsOf(error)}`);
    return problem(
      check,
      `There is no ${path}: restore it from a backup. Without it the site does not start; if it is lost, \`key accept\` says what is lost with it.`,
    );
  }
}

async function checkSpace(dataDir: string): Promise<Finding> {
  const { bavail, bsize } = await statfs(dataDir);
  const free = bavail * bsize;
  const words = `${(free / GiB).toFixed(1)} GiB are free`;
  if (free >= enough) return ok('disk', words);
  const advice = `${words}: make room, since the database and uploads stop without it.`;
  return free >= least ? warning('disk', advice) : problem('disk', advice);
}

const inOctal = (mode: number) => (mode & 0o777).toString(8).padStart(4, '0');
