import { CommanderError } from 'commander';

/** 1 for what could not be done; 2 for a command line that is not right; 0 for help, which is no failure. */
export function exitCodeOf(error: unknown): 0 | 1 | 2 {
  if (!(error instanceof CommanderError)) return 1;
  return error.exitCode === 0 ? 0 : 2;
}
