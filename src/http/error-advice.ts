import type { NextStep } from './errors.js';

/** The heading of an error page, and what a person can do next. */
export interface Advice {
  readonly heading: string;
  readonly advice: readonly { readonly text: string; readonly href?: string }[];
}

const home = { text: 'Go to the start page', href: '/' };
const shelf = { text: 'See your files', href: '/secrets' };

const byStatus: Record<number, Advice> = {
  400: { heading: 'That request could not be read', advice: [{ text: 'Go back and try once more.' }, home] },
  403: {
    heading: 'That is not allowed',
    advice: [{ text: 'Open the page on this site and try from there.' }, shelf, home],
  },
  404: { heading: 'Nothing is here', advice: [{ text: 'Check the address for a typing mistake.' }, shelf, home] },
  405: { heading: 'This address works differently', advice: [{ text: 'Go back and use the page as it is.' }, home] },
  408: { heading: 'That took too long', advice: [{ text: 'Go back and try once more.' }, home] },
  413: {
    heading: 'That was too much at once',
    advice: [{ text: 'Go back, shorten what you typed, and send it again.' }, home],
  },
  422: {
    heading: 'Some of that is not right',
    advice: [{ text: 'Go back, mend what is named above, and send it again.' }, home],
  },
  429: { heading: 'Too many tries', advice: [{ text: 'Wait a few minutes, then try again.' }, home] },
  431: {
    heading: 'The browser sent too much',
    advice: [{ text: 'Delete the cookies of this site in the browser, then try again.' }, home],
  },
  507: { heading: 'There is no room left', advice: [{ text: 'Make room on the disk, then try again.' }, home] },
  503: { heading: 'Busy just now', advice: [{ text: 'Wait a few seconds, then load the page again.' }, home] },
};

/** Advice for a status. `next` is the step that the error itself suggests. `retry` is the address to load again. */
export function adviceFor(status: number, { next, retry }: { next?: NextStep; retry?: string }): Advice {
  if (next) return { heading: status === 403 ? 'Not yet' : 'That link is over', advice: [next, home] };
  const known = byStatus[status];
  if (known) return known;
  if (status < 500) return { heading: 'That did not work', advice: [{ text: 'Go back and try once more.' }, home] };
  return {
    heading: 'Something went wrong',
    advice: [
      retry ? { text: 'Load this page again', href: retry } : { text: 'Go back and try once more.' },
      { text: 'If it happens again, tell whoever runs this site, with the request number below.' },
      home,
    ],
  };
}
