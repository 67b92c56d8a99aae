import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import Handlebars from 'handlebars';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectFolder } from '../config/settings.js';
import { Assets } from './assets.js';
import { FlashMessages } from './flash.js';

const extension = '.hbs';

/**
 * Renders pages from `views/`: a page `files/secrets` is `views/files/secrets.hbs` inside `views/layouts/main.hbs`;
 * `{{> name}}` is `views/partials/name.hbs`. All are compiled once, here: a view with a fault in its syntax, an
 * unknown helper or a missing partial stops the start.
 */
@Injectable()
export class Pages {
  private readonly views = new Map<string, HandlebarsTemplateDelegate>();
  private readonly layout: HandlebarsTemplateDelegate;

  constructor(
    assets: Assets,
    private readonly flashes: FlashMessages,
  ) {
    const handlebars = Handlebars.create();
    handlebars.registerHelper('asset', (file: string) => assets.addressOf(file));
    handlebars.registerHelper('eq', (left: unknown, right: unknown) => left === right);

    const sources = readViews(join(projectFolder, 'views'));
    for (const [name, source] of sources)
      if (name.startsWith('partials/')) handlebars.registerPartial(name.slice('partials/'.length), source);
    const known = new Set(Object.keys(handlebars.partials));
    for (const [name, source] of sources) {
      assertPartialsExist(name, source, known);
      this.views.set(name, compile(handlebars, source));
    }
    for (const name of known) handlebars.registerPartial(name, this.template(`partials/${name}`));
    this.layout = this.template('layouts/main');
  }

  has(view: string): boolean {
    return this.views.has(view);
  }

  /** Sends a page. Adds to `data` what every page knows: its path, who looks at it, and the message that waits. */
  send(request: FastifyRequest, reply: FastifyReply, view: string, data: object): FastifyReply {
    const flash = this.flashes.take(request, reply);
    const { user } = request;
    const page = {
      path: pathOf(request),
      viewer: user && { name: user.name, email: user.email, isAdmin: user.role === 'admin' },
      flash,
      values: flash?.values,
      ...data,
    };
    // a member's page must not come back from a cache after logout
    void reply.header('cache-control', user || flash ? 'no-store' : 'private, no-cache');
    void reply.type('text/html; charset=utf-8');
    return reply.send(this.layout({ ...page, body: this.template(view)(page) }));
  }

  private template(view: string): HandlebarsTemplateDelegate {
    const template = this.views.get(view);
    if (!template) throw new Error(`There is no view views/${view}${extension}.`);
    return template;
  }
}

export const pathOf = ({ url }: { url: string }): string => url.split('?', 1)[0] ?? url;

function readViews(folder: string): Map<string, string> {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith(extension));
  return new Map(
    files.map((file) => [
      file.slice(0, -extension.length).replaceAll('\\', '/'),
      readFileSync(join(folder, file), 'utf8'),
    ]),
  );
}

function compile(handlebars: typeof Handlebars, source: string): HandlebarsTemplateDelegate {
  const options = { knownHelpers: { asset: true, eq: true }, knownHelpersOnly: true };
  // compile() puts parsing off until the first use; precompile() shows faults now
  handlebars.precompile(source, options);
  return handlebars.compile(source, options);
}

function assertPartialsExist(view: string, source: string, known: ReadonlySet<string>): void {
  const visitor = new Handlebars.Visitor();
  visitor.PartialStatement = (partial) => {
    const name = (partial.name as hbs.AST.PathExpression).original;
    if (typeof name !== 'string' || !known.has(name))
      throw new Error(`views/${view}${extension} uses a partial that is not there: ${name}.`);
  };
  visitor.accept(Handlebars.parse(source));
}
