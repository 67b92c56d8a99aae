/** The precondition headers of a request (RFC 9110 13.1), as they came. */
export interface Preconditions {
  readonly 'if-match'?: string | undefined;
  readonly 'if-none-match'?: string | undefined;
  readonly 'if-modified-since'?: string | undefined;
  readonly 'if-unmodified-since'?: string | undefined;
}

/** The entity tags of a list: weak ones with their `W/`, or `*`. */
export const tagsOf = (list: string): string[] => list.match(/\*|(?:W\/)?"[^"]*"/g) ?? [];

/** The same tags for the weak comparison (8.8.3.2), which ignores `W/`. */
export const opaqueTagsOf = (list: string): string[] => tagsOf(list).map((tag) => tag.replace(/^W\//, ''));

/** Whether a header's date is before a time. Undefined if the date is missing or cannot be read. */
export function isBefore(date: string | undefined, time: Date): boolean | undefined {
  const seconds = date === undefined ? undefined : readDate(date);
  return seconds === undefined ? undefined : seconds < toSeconds(time);
}

/**
 * An HTTP-date (5.6.7) in whole seconds, or undefined if it is not one. It is always in GMT, although one of its forms
 * does not say so.
 */
export function readDate(text: string): number | undefined {
  const [, date] = /^((?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[^+]*?)(?: GMT)?$/.exec(text.trim()) ?? [];
  const milliseconds = Date.parse(`${date} GMT`);
  return Number.isNaN(milliseconds) ? undefined : toSeconds(new Date(milliseconds));
}

export const toSeconds = (time: Date) => Math.floor(time.getTime() / 1_000);
