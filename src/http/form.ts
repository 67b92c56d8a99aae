import { configureRoute } from './route-config.js';

/** What a form shows again after an error: its view, its title, and the fields whose values are kept. */
export interface Form {
  readonly view: string;
  readonly title: string;
  readonly keep: readonly string[];
}

declare module 'fastify' {
  interface FastifyContextConfig {
    form?: Form;
    /** The path of the page with this route's form, such as `/files/:id`. */
    formPage?: string;
    /** The fields to keep if the route has no `form` that names them. */
    typed?: readonly string[];
  }

  interface FastifyRequest {
    /** What the member typed into this page's form before they had to prove who they are. */
    typed?: Readonly<Record<string, string>> | undefined;
  }
}

/**
 * Names the form that sends a page's POST. Bad input shows the form again (422), with a message at each field. Only the
 * values of fields in `keep` are shown again, so leave out passwords.
 */
export const FromForm = (form: Form) => configureRoute({ form });

/**
 * Names the page with a POST's form, with the route's own parameters in the path. Use it if that is not the nearest
 * page above the route. A person who must first log in or prove who they are is sent back to that page.
 */
export const OnPage = (formPage: string) => configureRoute({ formPage });

/** Names the fields to keep while a form waits for a proof. Use it if bad input does not show that form again. */
export const KeepTyped = (...typed: string[]) => configureRoute({ typed });

/** The values typed into the fields to keep. `most` limits the characters of each, for values that go into a cookie. */
export function typedInto(fields: readonly string[], body: unknown, most?: number): Record<string, string> {
  const typed = body as Record<string, unknown> | undefined;
  return Object.fromEntries(
    fields.flatMap((field) => {
      const value = typed?.[field];
      return typeof value === 'string' ? [[field, value.slice(0, most)]] : [];
    }),
  );
}
