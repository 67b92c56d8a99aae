import { Command } from 'commander';
import type { Tools } from './site.js';

/** A command: its description, and the module that makes it. The module is loaded only if the command is asked for. */
interface Entry {
  readonly description: string;
  readonly load: () => Promise<(tools: Tools) => Command>;
}

const entries: Readonly<Record<string, Entry>> = {
  members: {
    description: 'who there is, and who may do what',
    load: async () => (await import('./members.command.js')).membersCommand,
  },
  files: {
    description: 'what stands on the shelf',
    load: async () => (await import('./files.command.js')).filesCommand,
  },
  groups: {
    description: 'members who are given files together',
    load: async () => (await import('./groups.command.js')).groupsCommand,
  },
  collections: {
    description: 'files that are given together',
    load: async () => (await import('./collections.command.js')).collectionsCommand,
  },
  registration: {
    description: 'who may register',
    load: async () => (await import('./registration.command.js')).registrationCommand,
  },
  backup: {
    description: 'back up the database, all files, the key and mails that wait, while the site runs',
    load: async () => (await import('./backup.command.js')).backupCommand,
  },
  restore: {
    description: 'put a backup in the place of the site, which must be empty or stopped',
    load: async () => (await import('./backup.command.js')).restoreCommand,
  },
  key: {
    description: 'the key of the site: APP_SECRET, or the file app-secret',
    load: async () => (await import('./key.command.js')).keyCommand,
  },
  'setup-link': {
    description: 'print a link that makes the first admin, once and within a day, while the site has none',
    load: async () => (await import('./setup-link.command.js')).setupLinkCommand,
  },
  settings: {
    description: 'show the settings that are in effect, secrets masked',
    load: async () => (await import('./settings.command.js')).settingsCommand,
  },
  doctor: {
    description: 'check folders, permissions, database, mail, clock and address; exit code 1 if there is a problem',
    load: async () => (await import('./doctor.command.js')).doctorCommand,
  },
};

/**
 * Runs a command of the operator's command line, on the site's own machine and beside the running server.
 *
 * @param given are the arguments, such as `['members', 'list']`.
 * @throws an error that `exitCodeOf` turns into an exit code.
 */
export async function runCommand(given: readonly string[], tools: Tools): Promise<void> {
  const program = await commandLine(given, tools);
  await program.parseAsync(given, { from: 'user' });
}

/**
 * The program with all its commands. Only the command that is asked for has its options and subcommands; the others
 * have just a name and a description.
 */
export async function commandLine(given: readonly string[], tools: Tools): Promise<Command> {
  const program = new Command('gatehouse')
    .description('Runs one command on a Gatehouse site, beside its running server.')
    .addHelpText('after', notes);
  for (const [name, { description, load }] of Object.entries(entries)) {
    const command = given.includes(name) ? (await load())(tools) : new Command(name);
    program.addCommand(command.description(description));
  }
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
