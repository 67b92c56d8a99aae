import Handlebars from 'handlebars';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectFolder } from '../config/settings.js';
import type { Assets } from './assets.js';
import { withNext } from './safe-path.js';

/** The folder of the site's views. */
export const viewsFolder = join(projectFolder, 'views');

const extension = '.hbs';
const partials = 'partials/';
const options = { knownHelpers: { eq: true, withNext: true }, knownHelpersOnly: true, data: false };

/**
 * The views of a folder. Each is compiled when it is first rendered. `files/secrets` is `files/secrets.hbs`.
 * - `{{> name}}` is `partials/name.hbs`.
 * - `{{asset "site.css"}}` is the address of an asset.
 * - `{{eq a b}}` compares two values.
 * - `{{withNext "/login" next}}` is the address of a login page that leads to `next` in the end.
 */
export class Views {
  private readonly handlebars = Handlebars.create();
  private readonly compiled = new Map<string, HandlebarsTemplateDelegate>();
  private readonly names: ReadonlySet<string>;

  constructor(
    private readonly folder: string,
    private readonly assets: Assets,
  ) {
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith(extension));
    this.names = new Set(files.map((file) => file.slice(0, -extension.length).replaceAll('\\', '/')));
    this.handlebars.registerHelper('eq', (left: unknown, right: unknown) => left === right);
    // every character of the result is safe in an attribute
    this.handlebars.registerHelper(
      'withNext',
      (page: string, next: unknown) => new Handlebars.SafeString(withNext(page, next)),
    );
    for (const name of this.names) if (name.startsWith(partials)) this.registerPartial(name);
  }

  has(name: string): boolean {
    return this.names.has(name);
  }

  /**
   * The function that renders a view.
   *
   * @throws Error if there is no such view, or if it has a syntax error, an unknown helper, or a missing partial or
   * asset. The error names the view.
   */
  template(name: string): HandlebarsTemplateDelegate {
    const known = this.compiled.get(name);
    if (known) return known;
    if (!this.has(name)) throw new Error(`There is no view views/${name}${extension}.`);
    const template = this.compile(name);
    this.compiled.set(name, template);
    return template;
  }

  /**
   * Compiles all views to find their errors.
   *
   * @throws Error as `template` does.
   */
  check(): void {
    for (const name of this.names) {
      const source = this.sourceOf(name);
      naming(name, () => this.handlebars.precompile(source, options));
    }
  }

  private registerPartial(name: string): void {
    this.handlebars.registerPartial(name.slice(partials.length), (context: unknown, given?: RuntimeOptions) =>
      this.template(name)(context, given),
    );
  }

  private compile(name: string): HandlebarsTemplateDelegate {
    const template = this.handlebars.compile(this.sourceOf(name), options);
    return (context, given) => naming(name, () => template(context, given));
  }

  /**
   * The source of a view, with everything that is the same for every reader filled in: partials without parameters, and
   * addresses of assets. This is faster, because the call of a partial costs more than most of its content.
   */
  private sourceOf(name: string): string {
    const source = readFileSync(join(this.folder, name + extension), 'utf8');
    return naming(name, () =>
      source
        .replace(/\{\{> *([\w-]+) *([^}]*)\}\}/g, (call: string, partial: string, parameters: string) => {
          if (!this.has(partials + partial)) throw new Error(`it uses a partial that is not there: ${partial}.`);
          return parameters === '' ? this.sourceOf(partials + partial) : call;
        })
        .replace(/\{\{asset "([^"]*)"\}\}/g, (_, file: string) => this.assets.addressOf(file)),
    );
  }
}

/** Adds the name of the view to an error. */
function naming<Result>(view: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    throw new Error(`views/${view}${extension}: ${(error as Error).message}`, { cause: error });
  }
}
