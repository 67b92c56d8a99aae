import { Command } from 'commander';
import { readSettings, SettingsError, type Settings } from '../config/settings.js';
import { checkDatabase } from './database.checks.js';
import { ok, problem, type Finding } from './finding.js';
import { checkFolder } from './folder.checks.js';
import { checkMail } from './mail.checks.js';
import { print, printJson } from './output.js';
import { checkAddress, checkSettings } from './settings.checks.js';
import type { Environment } from './site.js';

/** Looks whether the site has what it needs. It changes nothing, and needs nothing to be right. */
export function doctorCommand(environment: Environment): Command {
  return new Command('doctor')
    .description('check folders, permissions, database, mail, clock and address; exit code 1 where there is a problem')
    .option('--json', 'for scripts')
    .action(async ({ json }: { json?: true }) => {
      const findings = await examine(environment);
      if (json) printJson(findings);
      else for (const { state, check, words } of findings) print(`${state.padEnd(8)} ${check.padEnd(13)} ${words}`);
      if (findings.some(({ state }) => state === 'problem')) process.exitCode = 1;
    });
}

async function examine(environment: Environment): Promise<Finding[]> {
  const { settings, faults } = settingsOf(environment);
  if (!settings) return faults.map((fault) => problem('settings', fault));
  const findings = await Promise.all([
    checkFolder(settings),
    checkDatabase(settings),
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
