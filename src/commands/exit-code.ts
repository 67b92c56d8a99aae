import { CommanderError } from 'commander';

/**
 * The exit code for an error: 1 if the command failed, 2 if the command line is wrong, and 0 if only help was printed.
 */
export function exitCodeOf(error: unknown): 0 | 1 | 2 {
  if (!(error instanceof CommanderError)) return 1;
  return error.exitCode === 0 ? 0 : 2;
}
