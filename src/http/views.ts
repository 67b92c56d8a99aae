import Handlebars from 'handlebars';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Assets } from './assets.js';
import { withNext } from './safe-path.js';

const extension = '.hbs';
const partials = 'partials/';

/** What has been compiled in this process, by folder: many applications of one process share it. */
const compiledFolders = new Map<string, ReadonlyMap<string, HandlebarsTemplateDelegate>>();

/**
 * Compiles every view of a folder, once a process. `{{> name}}` is `partials/name.hbs`, `{{asset "site.css"}}` the address of an
 * asset, `{{eq a b}}` compares, `{{withNext "/login" next}}` is a page of the login with where it leads in the end.
 *
 * @throws Error where a view has a fault in its syntax, an unknown helper, or a partial or an asset that is not there.
 */
export function compileViews(folder: string, assets: Assets): ReadonlyMap<string, HandlebarsTemplateDelegate> {
  const known = compiledFolders.get(folder);
  if (known) return known;
  const handlebars = Handlebars.create();
  handlebars.registerHelper('eq', (left: unknown, right: unknown) => left === right);
  // every character of it may stand in an attribute as it is
  handlebars.registerHelper(
    'withNext',
    (page: string, next: unknown) => new Handlebars.SafeString(withNext(page, next)),
  );
  const parsed = parseViews(folder);
  const compiled = new Map<string, HandlebarsTemplateDelegate>();
  for (const [name, view] of parsed) compiled.set(name, compile(handlebars, flatten(view, name, parsed, assets), name));
  for (const [name, template] of compiled)
    if (name.startsWith(partials)) handlebars.registerPartial(name.slice(partials.length), template);
  compiledFolders.set(folder, compiled);
  return compiled;
}

function parseViews(folder: string): Map<string, hbs.AST.Program> {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith(extension));
  return new Map(
    files.map((file) => {
      const name = file.slice(0, -extension.length).replaceAll('\\', '/');
      const source = readFileSync(join(folder, file), 'utf8');
      return [name, naming(name, () => Handlebars.parse(source))];
    }),
  );
}

/**
 * Lays into a view what is the same for every reader: partials that take no parameters, and the addresses of assets.
 * A call of a partial costs more than most of what is in it.
 */
function flatten(
  view: hbs.AST.Program,
  name: string,
  views: ReadonlyMap<string, hbs.AST.Program>,
  assets: Assets,
): hbs.AST.Program {
  const lay = (program: hbs.AST.Program): hbs.AST.Program => ({ ...program, body: program.body.flatMap(statement) });
  const statement = (node: hbs.AST.Statement): hbs.AST.Statement[] => {
    if (isBlock(node)) {
      // an empty inverse is undefined, whatever the types say
      const inverse = node.inverse as hbs.AST.Program | undefined;
      return [{ ...node, program: lay(node.program), ...(inverse && { inverse: lay(inverse) }) } as typeof node];
    }
    if (isPartial(node)) {
      const called = (node.name as hbs.AST.PathExpression).original;
      const partial = views.get(partials + called);
      if (!partial) throw new Error(`views/${name}${extension} uses a partial that is not there: ${called}.`);
      return hasParameters(node) ? [node] : lay(partial).body;
    }
    if (isMustache(node) && (node.path as hbs.AST.PathExpression).original === 'asset') {
      const [file] = node.params as hbs.AST.StringLiteral[];
      const value = assets.addressOf(file?.value ?? '');
      return [{ type: 'ContentStatement', loc: node.loc, value, original: value } as hbs.AST.Statement];
    }
    return [node];
  };
  return lay(view);
}

const hasParameters = ({ hash, params }: hbs.AST.PartialStatement) =>
  (hash as hbs.AST.Hash | undefined) !== undefined || params.length > 0;
const isBlock = (node: hbs.AST.Statement): node is hbs.AST.BlockStatement => node.type === 'BlockStatement';
const isPartial = (node: hbs.AST.Statement): node is hbs.AST.PartialStatement => node.type === 'PartialStatement';
const isMustache = (node: hbs.AST.Statement): node is hbs.AST.MustacheStatement => node.type === 'MustacheStatement';

function compile(handlebars: typeof Handlebars, view: hbs.AST.Program, name: string): HandlebarsTemplateDelegate {
  const options = { knownHelpers: { eq: true, withNext: true }, knownHelpersOnly: true, data: false };
  // compile() puts its work off until the first use; precompile() shows faults now
  naming(name, () => handlebars.precompile(view, options));
  return handlebars.compile(view, options);
}

/** Says of a fault that Handlebars finds in which view it is. */
function naming<Result>(view: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    throw new Error(`views/${view}${extension}: ${(error as Error).message}`, { cause: error });
  }
}
