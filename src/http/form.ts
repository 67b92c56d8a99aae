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
