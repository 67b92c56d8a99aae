import { Command } from 'commander';
import { examine } from './examination.js';
import { print, printJson } from './output.js';
import type { Tools } from './site.js';

/** Reports, one line for each check, what is right with the site and what is not. */
export function doctorCommand({ environment }: Tools): Command {
  return new Command('doctor').option('--json', 'for scripts').action(async ({ json }: { json?: true }) => {
    const findings = await examine(environment);
    if (json) printJson(findings);
    else for (const { state, check, words } of findings) print(`${state.padEnd(8)} ${check.padEnd(13)} ${words}`);
    if (findings.some(({ state }) => state === 'problem')) process.exitCode = 1;
  });
}
