import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyReply } from 'fastify';
import type { ServerResponse } from 'node:http';
import type { Flash, FlashMessages } from './flash.js';
import type { Pages } from './pages.js';

/** The answer of a page's controller that sends a browser on to another page (303), which shows the message once. */
export class Redirection {
  constructor(
    readonly url: string,
    readonly flash?: Flash,
  ) {}
}

/** The answer of a page's controller that shows one page of several; a route that shows always the same has `@Render`. */
export class Page {
  constructor(
    readonly view: string,
    readonly data: object,
  ) {}
}

/** Sends a browser on to another page of this site. A message that is a text says what went well. */
export function seeOther(url: string, message?: string | Flash): Redirection {
  return new Redirection(url, typeof message === 'string' ? { kind: 'status', message } : message);
}

/** Sends a browser on to another page of this site, which says what went wrong. */
export const sendBack = (url: string, message: string): Redirection => seeOther(url, { kind: 'alert', message });

export const page = (view: string, data: object): Page => new Page(view, data);

/** Nest's adapter for Fastify, which sends a `Redirection` and a `Page` too. */
export class AnswersAdapter extends FastifyAdapter {
  private answering: { pages: Pages; flashes: FlashMessages } | undefined;

  /** To be called before the site listens: what sends them is made by the application, which is made with this. */
  answerWith(pages: Pages, flashes: FlashMessages): void {
    this.answering = { pages, flashes };
  }

  override reply(response: FastifyReply | ServerResponse, body: unknown, statusCode?: number): FastifyReply {
    const { answering } = this;
    if (!answering || this.isRaw(response)) return super.reply(response, body, statusCode);
    if (body instanceof Redirection) {
      if (body.flash) answering.flashes.put(response, body.flash);
      return response.redirect(body.url, 303);
    }
    if (body instanceof Page) return answering.pages.send(response.request, response.status(200), body.view, body.data);
    return super.reply(response, body, statusCode);
  }

  private isRaw(response: FastifyReply | ServerResponse): response is ServerResponse {
    return !('request' in response);
  }
}
