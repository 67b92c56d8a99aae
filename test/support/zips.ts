import { execFileSync } from 'node:child_process';
import { need } from './programs.js';

/** What Info-ZIP's `unzip` says, which is the judge of our zips; it throws where it is not content. */
export const unzip = (given: readonly string[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}): string =>
  execFileSync(need('unzip'), given, { ...options, encoding: 'utf8', stdio: 'pipe' });

/** What GNU's `sha256sum` says of the list in a folder; it throws where a file is not as it should be. */
export const checkSums = (cwd: string, list = 'SHA256SUMS'): string[] =>
  execFileSync('/usr/bin/env', ['sha256sum', '--strict', '-c', list], { cwd, encoding: 'utf8' }).trimEnd().split('\n');
