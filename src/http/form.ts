import { configureRoute } from './route-config.js';

/** What a page's form shows again after a fault: its view, its title, and the fields whose values are kept. */
export interface Form {
  readonly view: string;
  readonly title: string;
  readonly keep: readonly string[];
}

declare module 'fastify' {
  interface FastifyContextConfig {
    form?: Form;
    /** The path of the page that the form of this route stands on, such as `/files/:id`. */
    formPage?: string;
    /** What is kept of a form that has no `form` to name it. */
    typed?: readonly string[];
  }

  interface FastifyRequest {
    /** What was typed into the form of this page before its member had to prove who they are. */
    typed?: Readonly<Record<string, string>> | undefined;
  }
}

/**
 * Names the form that a page's POST comes from, so that bad input shows it again (422) with a message at each field
 * and what was typed kept, but for what is not in `keep`, such as a password.
 */
export const FromForm = (form: Form) => configureRoute({ form });

/**
 * Names the page that a POST's form stands on, with the route's own parameters in it, where that is not the nearest page
 * above the route: whoever must log in or prove who they are first is led back there.
 */
export const OnPage = (formPage: string) => configureRoute({ formPage });

/** Names the fields that are kept of a form which waits for a proof, where bad input does not show that form again. */
export const KeepTyped = (...typed: string[]) => configureRoute({ typed });

/** What was typed into fields that are kept: at most so many characters of each, where they go into a cookie. */
export function typedInto(fields: readonly string[], body: unknown, most?: number): Record<string, string> {
  const typed = body as Record<string, unknown> | undefined;
  return Object.fromEntries(
    fields.flatMap((field) => {
      const value = typed?.[field];
      return typeof value === 'string' ? [[field, value.slice(0, most)]] : [];
    }),
  );
}
