/** A result of the doctor: `ok`, a `warning` that may be intended, or a `problem` that must be fixed. */
export interface Finding {
  readonly state: 'ok' | 'warning' | 'problem';
  readonly check: string;
  /** What was found and, if it is not right, what to do. */
  readonly words: string;
}

export const ok = (check: string, words: string): Finding => ({ state: 'ok', check, words });
export const warning = (check: string, words: string): Finding => ({ state: 'warning', check, words });
export const problem = (check: string, words: string): Finding => ({ state: 'problem', check, words });

/** The message of an error, on one line. */
export const wordsOf = (error: unknown): string => {
  // if a host has several addresses and all of them refuse, the error has no message
  const { message, code = '' } = error as NodeJS.ErrnoException;
  return (message === '' ? code : message).replace(/\s+/g, ' ').trim();
};
