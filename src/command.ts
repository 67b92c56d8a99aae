import { runCommand } from './commands/command-line.js';
import { exitCodeOf } from './commands/exit-code.js';
import { remark } from './commands/output.js';
import type { WithSite } from './commands/site.js';

/** Runs one command of the operator's, and tells by the exit code how it went: see `--help`. */
async function main(): Promise<void> {
  // what it writes is for the site's user and group, as what the server writes
  process.umask(0o027);
  process.stdout.on('error', endQuietly);
  await runCommand(process.argv.slice(2), { environment: process.env, withSite });
}

/** Help needs nothing of the site, so it is loaded only when a command opens it. */
const withSite: WithSite = async (work) => (await import('./site-beside.js')).withSite(process.env, work);

/** Whoever reads has enough, as `head` does. */
function endQuietly(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit();
  throw error;
}

async function fail(error: unknown): Promise<void> {
  process.exitCode = exitCodeOf(error);
  // what is wrong with the command line was said already
  if (process.exitCode === 1) remark((await import('./commands/failure.js')).wordsOfFailure(error));
}

main().catch(fail);
