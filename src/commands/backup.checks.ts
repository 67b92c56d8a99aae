import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { lastBackupFile } from '../backups/backup.js';
import { dayMs } from '../config/durations.js';
import type { Settings } from '../config/settings.js';
import { ok, warning, type Finding } from './finding.js';

const check = 'backup';
const oldestDays = 7;

/** Checks when the last backup was made. A site on its first day does not need one yet. */
export async function checkBackup({ dataDir }: Settings): Promise<Finding[]> {
  const folder = await stat(dataDir).catch(() => undefined);
  if (!folder) return [];
  const how = 'npm run gatehouse -- backup FOLDER makes one.';
  const path = join(dataDir, lastBackupFile);
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) {
    const isNew = folder.birthtimeMs > Date.now() - dayMs;
    return [isNew ? ok(check, `none yet: ${how}`) : warning(check, `There is none: ${how}`)];
  }
  const last = understood(text);
  if (!last) return [warning(check, `${path} cannot be understood: ${how}`)];
  const days = Math.floor((Date.now() - Date.parse(last.at)) / dayMs);
  const words = `the last is of ${last.at}, in ${last.target}`;
  return [days < oldestDays ? ok(check, words) : warning(check, `${words}, ${days} days ago: ${how}`)];
}

function understood(text: string): { at: string; target: string } | undefined {
  try {
    const { at, target } = JSON.parse(text) as { at: string; target: string };
    return Number.isNaN(Date.parse(at)) ? undefined : { at, target };
  } catch {
    return undefined;
  }
}
