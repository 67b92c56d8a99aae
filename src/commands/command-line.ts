import { Command } from 'commander';
import { backupCommand, restoreCommand } from './backup.command.js';
import { collectionsCommand } from './collections.command.js';
import { doctorCommand } from './doctor.command.js';
import { filesCommand } from './files.command.js';
import { groupsCommand } from './groups.command.js';
import { keyCommand } from './key.command.js';
import { membersCommand } from './members.command.js';
import { registrationCommand } from './registration.command.js';
import { settingsCommand } from './settings.command.js';
import { setupLinkCommand } from './setup-link.command.js';
import type { Environment, WithSite } from './site.js';

/**
 * The operator's command line: what can be done to a site from its own machine, beside the running server. It throws
 * what `exitCodeOf` gives the exit code of.
 */
export function commandLine(environment: Environment, withSite: WithSite): Command {
  const program = new Command('gatehouse')
    .description('Runs one command on a Gatehouse site, beside its running server.')
    .addHelpText('after', notes)
    .addCommand(membersCommand(withSite))
    .addCommand(filesCommand(withSite))
    .addCommand(groupsCommand(withSite))
    .addCommand(collectionsCommand(withSite))
    .addCommand(registrationCommand(withSite))
    .addCommand(backupCommand(environment))
    .addCommand(restoreCommand(environment))
    .addCommand(keyCommand(environment, withSite))
    .addCommand(setupLinkCommand(withSite))
    .addCommand(settingsCommand(environment))
    .addCommand(doctorCommand(environment));
  for (const command of [program, ...program.commands, ...program.commands.flatMap(({ commands }) => commands)])
    command.exitOverride().showHelpAfterError();
  return program;
}

const notes = `
It reads the same environment variables as the server: give it the same DATA_DIR, DATABASE_URL, PUBLIC_URL
and APP_SECRET, and run it as the same user. Mails that it asks for are sent by the server. What it does holds from the server's next request on, and stands in the activity log.

Exit code: 0 it is done; 1 it could not be done, and standard error says why; 2 the command line is not right.

Through npm, arguments come after two dashes, and -s keeps npm's own words out of a script's input:
  npm run gatehouse -- members add ada@example.com --name "Ada Lovelace" --admin
  npm run -s gatehouse -- members list --json`;
