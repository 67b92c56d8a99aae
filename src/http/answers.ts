import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyReply } from 'fastify';
import type { ServerResponse } from 'node:http';
import type { Flash, FlashMessages } from './flash.js';
import type { Pages } from './pages.js';

/** A page controller returns this to send a browser to another page (303), which shows the message once. */
export class Redirection {
  constructor(
    readonly url: string,
    readonly flash?: Flash,
  ) {}
}

/**
 * A page controller returns this to show one of several pages. A route that always shows the same page uses `@Render`.
 */
export class Page {
  constructor(
    readonly view: string,
    readonly data: object,
  ) {}
}

/** Sends a browser to another page of this site. If the message is a string, it is shown as a success. */
export function seeOther(url: string, message?: string | Flash): Redirection {
  return new Redirection(url, typeof message === 'string' ? { kind: 'status', message } : message);
}

/** Sends a browser to another page of this site, which shows the message as an error. */
export const sendBack = (url: string, message: string): Redirection => seeOther(url, { kind: 'alert', message });

export const page = (view: string, data: object): Page => new Page(view, data);

/** Nest's adapter for Fastify, which can also send a `Redirection` and a `Page`. */
export class AnswersAdapter extends FastifyAdapter {
  private answering: { pages: Pages; flashes: FlashMessages } | undefined;

  /**
   * Call this before the site listens. It sets the services that send answers. They are not in the constructor because
   * the application makes them, and the application needs this adapter first.
   */
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
