import { Command } from 'commander';
import { isArchive, packed, unpacked } from '../backups/archive.js';
import { backUp } from '../backups/backup.js';
import { BackupFault } from '../backups/manifest.js';
import { restore } from '../backups/restore.js';
import { faultsIn, type BackupFinding } from '../backups/verify.js';
import { readSettings } from '../config/settings.js';
import { refuseOtherOwner } from './owner.js';
import { print, printJson, remark } from './output.js';
import type { Environment, Tools } from './site.js';

interface Options {
  readonly json?: true;
  readonly full?: true;
}

const target = '<target>';
const where = 'a folder, or a file whose name ends in .tar';

/** Makes a backup while the site runs, and verifies a backup. */
export function backupCommand({ environment }: Tools): Command {
  const backup = new Command('backup')
    .argument(target, where)
    .option('--full', 'copy every byte again, also what the target has already')
    .option('--json', 'for scripts')
    .action((given: string, options: Options) => make(environment, given, options));
  backup
    .command('verify')
    .description('prove that a backup can be restored, without restoring it; exit code 1 if it cannot')
    .argument(target, where)
    .option('--json', 'for scripts')
    .action((given: string, _: Options, command: Command) => verify(environment, given, command.optsWithGlobals()));
  return backup;
}

/** Restores a backup to a site that is empty or stopped. */
export function restoreCommand({ environment }: Tools): Command {
  return new Command('restore')
    .argument(target, where)
    .option('--json', 'for scripts')
    .action((given: string, options: Options) => putBack(environment, given, options));
}

async function make(environment: Environment, given: string, { json, full }: Options): Promise<void> {
  const settings = readSettings(environment);
  refuseOtherOwner(settings);
  const work = (folder: string) => backUp(settings, folder, { full: full === true });
  const done = { ...(await (isArchive(given) ? packed(given, work) : work(given))), target: given };
  if (json) printJson(done);
  else print(`Backed up to ${given}: the database and ${done.files} versions of files, ${done.copied} copied anew.`);
  if (settings.appSecret !== undefined) remark('APP_SECRET is not in it: keep it where you keep your settings.');
  if (!done.isOfKey)
    throw new BackupFault(
      'The backup is made, but the database is of another key than the one here: run it with the settings of the site.',
    );
  if (done.missing.length > 0)
    throw new BackupFault(`The site has not the right bytes of ${done.missing.join(', ')}: see files verify.`);
}

async function verify(environment: Environment, given: string, { json }: Options): Promise<void> {
  const settings = readSettings(environment);
  const found: BackupFinding[] = [];
  const look = async (folder: string) => {
    for await (const finding of faultsIn(settings, folder)) {
      found.push(finding);
      if (!json) print(`${finding.kind.padEnd(8)}  ${finding.what}  ${finding.words}`);
    }
  };
  await (isArchive(given) ? unpacked(given, look) : look(given));
  if (json) printJson(found);
  if (found.length > 0)
    throw new BackupFault(found.length === 1 ? 'There is 1 fault.' : `There are ${found.length} faults.`);
  remark('The backup is whole, and can be restored.');
}

async function putBack(environment: Environment, given: string, { json }: Options): Promise<void> {
  const settings = readSettings(environment);
  refuseOtherOwner(settings);
  const work = (folder: string) => restore(settings, folder);
  const done = await (isArchive(given) ? unpacked(given, work) : work(given));
  if (json) printJson(done);
  else print(`${done.dataDir} is the site of ${done.createdAt} now, with ${done.files} versions of files.`);
  if (done.missing.length > 0) remark(`The backup never had the bytes of ${done.missing.length} of them: see doctor.`);
  if (!done.isOfKey)
    remark(
      settings.appSecret === undefined
        ? 'The key is not in the backup: set APP_SECRET as the site had it before you start. If it is lost, see docs/backup.md.'
        : 'APP_SECRET is not the key of this backup: set it as the site had it or, if the backup has the key, restore again without it.',
    );
}
