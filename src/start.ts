import { readFileSync } from 'node:fs';
import { openFilesLimit } from './http/listening.js';

// import only Node's own modules here, because this must also run on an old Node or without installed packages

/**
 * Loads a program of this site and runs it. If it cannot be loaded, one sentence on standard error says why and what to
 * do, and the exit code is 1.
 */
export async function start(load: () => Promise<unknown>): Promise<void> {
  const { engines } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    engines: { node: string };
  };
  const least = engines.node.replace(/[^\d.]/g, '');
  if (isOlder(process.versions.node, least))
    fail(`Gatehouse needs Node ${least} or later, and this is Node ${process.versions.node}: install a newer one.`);
  if (openFilesLimit() < leastFiles) fail(tooFewFiles);
  try {
    await load();
  } catch (error) {
    fail(wordsOf(error as NodeJS.ErrnoException));
  }
}

/**
 * The open-file limit that Node needs. When Node loads the site, it opens hundreds of modules at once, about 410 files.
 * It treats a module that it cannot open as missing, so there is no use in a try with a lower limit.
 */
const leastFiles = 512;

function isOlder(version: string, least: string): boolean {
  const [[major = 0, minor = 0], [leastMajor = 0, leastMinor = 0]] = [version, least].map((text) =>
    text.split('.').map(Number),
  ) as [number[], number[]];
  return major < leastMajor || (major === leastMajor && minor < leastMinor);
}

/** Why a start failed: one sentence if an operator can fix it, or else the whole stack. */
export function wordsOf({ code, message, stack }: NodeJS.ErrnoException): string {
  if (code === 'EMFILE' || code === 'ENFILE') return tooFewFiles;
  if (code === 'ERR_DLOPEN_FAILED' || message.includes('bindings file'))
    return 'sqlite3, or another package that is compiled, does not fit this machine or this Node: run npm rebuild.';
  if (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND')
    return `What Gatehouse needs is not installed, or not whole (${message.split('\n', 1)[0] ?? ''}): run npm ci.`;
  return stack ?? message;
}

/** The message if the system lets this process open too few files. */
export const tooFewFiles =
  'The system lets this process open too few files: raise the limit (ulimit -n 4096, or LimitNOFILE= in a systemd unit).';

function fail(words: string): never {
  process.stderr.write(`${words}\n`);
  process.exit(1);
}
