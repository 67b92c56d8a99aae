import { Command } from 'commander';
import { properties, readSettings, variableOf } from '../config/settings.js';
import { masked } from './masked.js';
import { printJson, printTable } from './output.js';
import type { Environment, Tools } from './site.js';

/** Shows the settings in effect. Needs no database. */
export function settingsCommand({ environment }: Tools): Command {
  return new Command('settings')
    .option('--json', 'for scripts')
    .action(({ json }: { json?: true }) => show(environment, json));
}

function show(environment: Environment, json = false): void {
  const settings = readSettings(environment);
  const effective = properties.map((property) => [variableOf(property), masked(property, settings[property])] as const);
  if (json) return printJson(Object.fromEntries(effective));
  const rows = effective.map(([variable, value]) => [variable, inWords(value), originOf(environment[variable])]);
  printTable(['VARIABLE', 'VALUE', 'FROM'], rows);
}

const inWords = (value: ReturnType<typeof masked>) =>
  (Array.isArray(value) ? value.join(',') : String(value ?? '')) || 'not set';

const originOf = (given: string | undefined) => (given?.trim() ? 'the environment' : 'default');
