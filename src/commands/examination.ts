import { readSettings, SettingsError, type Settings } from '../config/settings.js';
import { checkBackup } from './backup.checks.js';
import { checkDatabase } from './database.checks.js';
import { ok, problem, type Finding } from './finding.js';
import { checkFolder } from './folder.checks.js';
import { checkMail } from './mail.checks.js';
import { checkAddress, checkSettings } from './settings.checks.js';
import type { Environment } from './site.js';

/** Runs all checks of a site. It changes nothing, and works even if everything is wrong. */
export async function examine(environment: Environment): Promise<Finding[]> {
  const { settings, faults } = settingsOf(environment);
  if (!settings) return faults.map((fault) => problem('settings', fault));
  const findings = await Promise.all([
    checkFolder(settings),
    checkDatabase(settings),
    checkBackup(settings),
    checkMail(settings),
    checkAddress(settings),
    checkSettings(settings),
  ]);
  return [ok('settings', 'every variable can be read'), ...findings.flat()];
}

function settingsOf(environment: Environment): { settings?: Settings; faults: string[] } {
  try {
    return { settings: readSettings(environment), faults: [] };
  } catch (error) {
    if (error instanceof SettingsError) return { faults: error.faults };
    throw error;
  }
}
