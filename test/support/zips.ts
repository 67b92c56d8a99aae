import { execFileSync } from 'node:child_process';

/** What Info-ZIP's `unzip` says, which is the judge of our zips; it throws where it is not content. */
export const unzip = (given: readonly string[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}): string =>
  execFileSync(install(), given, { ...options, encoding: 'utf8', stdio: 'pipe' });

/** What GNU's `sha256sum` says of the list in a folder; it throws where a file is not as it should be. */
export const checkSums = (cwd: string, list = 'SHA256SUMS'): string[] =>
  execFileSync('/usr/bin/env', ['sha256sum', '--strict', '-c', list], { cwd, encoding: 'utf8' }).trimEnd().split('\n');

let path: string | undefined;

/** Where it is. Root on a machine with apt-get gets it installed; of two that come here at once, the second waits. */
function install(): string {
  const script = `
    exec 9> /tmp/gatehouse-unzip.lock && flock 9
    command -v unzip || { apt-get update && apt-get install -y --no-install-recommends unzip; } >&2
    command -v unzip`;
  try {
    path ??= execFileSync('sh', ['-c', script], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
      .trim()
      .split('\n')
      .at(-1);
  } catch (cause) {
    throw new Error('The tests of zips need unzip: install it.', { cause });
  }
  return path ?? 'unzip';
}
