/** What the doctor found of one thing: it is as it should be, it may be meant so, or it needs a hand. */
export interface Finding {
  readonly state: 'ok' | 'warning' | 'problem';
  readonly check: string;
  /** What is so and, where that is not right, what to do. */
  readonly words: string;
}

export const ok = (check: string, words: string): Finding => ({ state: 'ok', check, words });
export const warning = (check: string, words: string): Finding => ({ state: 'warning', check, words });
export const problem = (check: string, words: string): Finding => ({ state: 'problem', check, words });

/** What an error says, on one line. */
export const wordsOf = (error: unknown): string => {
  // a host with several addresses that all refuse gives an error without a message
  const { message, code = '' } = error as NodeJS.ErrnoException;
  return (message === '' ? code : message).replace(/\s+/g, ' ').trim();
};
