import { runCommand } from './commands/command-line.js';
import { exitCodeOf } from './commands/exit-code.js';
import { remark } from './commands/output.js';
import type { WithSite } from './commands/site.js';

/** Runs one command for the operator. The exit code says how it went: see `--help`. */
async function main(): Promise<void> {
  // like the server, this writes files that only the site's user and group can read
  process.umask(0o027);
  process.stdout.on('error', endQuietly);
  await runCommand(process.argv.slice(2), { environment: process.env, withSite });
}

/** Loads the site only when a command opens it, because help does not need it. */
const withSite: WithSite = async (work) => (await import('./site-beside.js')).withSite(process.env, work);

/** Ends quietly if the reader closes the pipe, as `head` does. */
function endQuietly(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit();
  throw error;
}

async function fail(error: unknown): Promise<void> {
  process.exitCode = exitCodeOf(error);
  // the command has already printed what is wrong with the command line
  if (process.exitCode === 1) remark((await import('./commands/failure.js')).wordsOfFailure(error));
}

main().catch(fail);
