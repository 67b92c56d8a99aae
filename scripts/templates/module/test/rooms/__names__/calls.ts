import type { Prepare } from '../../support/calls.js';

/** How to call each operation of __words__. */
export const calls: Readonly<Record<string, Prepare>> = {
  list__Names__: () => ({}),
  add__One__: ({ admin }) => ({ by: admin, json: { title: 'A title', text: 'A text' } }),
};
