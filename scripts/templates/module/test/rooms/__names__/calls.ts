import type { Prepare } from '../../support/calls.js';

/** What it takes to call the operations of __words__. */
export const calls: Readonly<Record<string, Prepare>> = {
  list__Names__: () => ({}),
  add__One__: ({ admin }) => ({ by: admin, json: { title: 'A title', text: 'A text' } }),
};
