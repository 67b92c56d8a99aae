import type { INestApplicationContext } from '@nestjs/common';
import { Argument, Command } from 'commander';
import { MembersService } from '../members/members.service.js';
import { RegistrationRulesInput } from '../members/registration.input.js';
import { modesInWords, presentRules } from '../members/registration.view.js';
import { registrationModes, RegistrationRules } from '../users/registration-rules.js';
import { print, printJson } from './output.js';
import { asOperator, readAs, type Tools } from './site.js';

/** The commands for the rules of registration. */
export function registrationCommand({ withSite }: Tools): Command {
  const registration = new Command('registration');
  registration
    .command('show')
    .description('show who may register')
    .option('--json', 'for scripts')
    .action(({ json }: { json?: true }) => withSite((site) => show(site, json)));
  registration
    .command('set')
    .description('set who may register: anyone, those with an invite, those whom an admin lets in, or nobody')
    .addArgument(new Argument('<mode>').choices(registrationModes))
    .option('--domains <list>', 'only emails of these domains, such as example.org,example.net; "" takes any again')
    .action((mode: string, { domains }: { domains?: string }) => withSite((site) => set(site, mode, domains)));
  return registration;
}

async function show(site: INestApplicationContext, json = false): Promise<void> {
  const rules = await site.get(RegistrationRules).current();
  if (json) {
    printJson(presentRules(rules));
    return;
  }
  print(`${rules.mode}: ${modesInWords[rules.mode]}`);
  if (rules.domains.length > 0) print(`Only emails of: ${rules.domains.join(', ')}`);
}

/** If no domains are given, the domains stay as they are. */
async function set(site: INestApplicationContext, mode: string, domains?: string): Promise<void> {
  const { domains: present } = await site.get(RegistrationRules).current();
  const rules = await readAs(RegistrationRulesInput, { mode, domains: domains ?? present });
  await site.get(MembersService).setRules(rules, asOperator());
  await show(site);
}
