import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Settings } from '../config/settings.js';
import { Assets } from './assets.js';
import { FlashMessages } from './flash.js';
import { Menus } from './menus.js';
import { pathOf } from './safe-path.js';
import { Views, viewsFolder } from './views.js';

/** The compiled views of this process. All applications in the process share them. */
let shared: Views | undefined;

/** Sends pages: `files/secrets` is `views/files/secrets.hbs` inside `views/layouts/main.hbs`. */
@Injectable()
export class Pages {
  private readonly rendered = new Map<string, string>();
  private views: Views;

  constructor(
    private readonly assets: Assets,
    private readonly flashes: FlashMessages,
    private readonly menus: Menus,
    private readonly settings: Settings,
  ) {
    this.views = shared ??= new Views(viewsFolder, assets);
  }

  /** Reads views and assets again, for a developer who changes them. */
  reload(): void {
    this.assets.read();
    this.views = shared = new Views(viewsFolder, this.assets);
    this.rendered.clear();
  }

  has(view: string): boolean {
    return this.views.has(view);
  }

  /** Sends a page. Adds to `data` what every page needs: its path, its viewer, and the message to show once. */
  send(request: FastifyRequest, reply: FastifyReply, view: string, data: object): FastifyReply {
    const { user } = request;
    const flash = this.flashes.take(request, reply);
    void reply.header('content-type', 'text/html; charset=utf-8');
    if (!user && !flash && isEmpty(data)) {
      void reply.header('cache-control', 'private, no-cache');
      return reply.send(this.forStrangers(view, request.routeOptions.url ?? pathOf(request)));
    }
    // a page of a member, or with the secret of a link, must not come back from a cache
    void reply.header('cache-control', 'no-store');
    const viewer = user && { name: user.name, email: user.email, isAdmin: user.role === 'admin' };
    const values = flash?.typed?.view === view ? flash.typed.values : undefined;
    const menus = user && this.menus.for(user.role);
    const page = { path: pathOf(request), viewer, menus, flash, values, ...data };
    const { typed } = request;
    return reply.send(this.render(view, typed ? { ...page, values: { ...page.values, ...typed } } : page));
  }

  /** The HTML of a page for a person of whom nothing is known, not even the path they asked for. */
  alone(view: string, data: object): string {
    return this.render(view, { path: '', ...data });
  }

  /** A page without data is the same for every stranger, so it is rendered only once. */
  private forStrangers(view: string, path: string): string {
    const html = this.rendered.get(view) ?? this.render(view, { path });
    this.rendered.set(view, html);
    return html;
  }

  private render(view: string, page: object): string {
    const whole = { sendsMail: this.settings.sendsMail, ...page };
    return this.views.template('layouts/main')({ ...whole, body: this.views.template(view)(whole) });
  }
}

const isEmpty = (data: object) => Object.keys(data).length === 0;
