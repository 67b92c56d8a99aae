import { Command } from 'commander';
import { examine } from './examination.js';
import { print, printJson } from './output.js';
import type { Environment } from './site.js';

/** Says, a line each, what the site has and what it lacks. */
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
