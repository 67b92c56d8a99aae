import {
  Catch,
  HttpException,
  HttpStatus,
  NotFoundException,
  UnauthorizedException,
  type ArgumentsHost,
  type ExceptionFilter,
} from '@nestjs/common';
import type { FastifyContextConfig, FastifyReply, FastifyRequest } from 'fastify';
import { STATUS_CODES } from 'node:http';
import { Settings } from '../config/settings.js';
import { isUnavailable } from '../database/unavailable.js';
import { isApi } from './access.js';
import { Busy, InvalidInput, NotYet, SeeOther, SpentLink, TooManyRequests } from './errors.js';
import { adviceFor } from './error-advice.js';
import { FlashMessages } from './flash.js';
import { typedInto } from './form.js';
import { Pages } from './pages.js';
import { pathOf } from './safe-path.js';
import { RouteList } from './route-list.js';
import { safePath, withNext } from './safe-path.js';
import { securityHeaders } from './security-headers.js';

/**
 * Answers every error: problem+json (RFC 9457) under `/api`, and elsewhere a page that says what to do next. A stranger
 * on a member's page is sent to log in. An unexpected error is logged with its cause, and the answer shows nothing of
 * it.
 */
@Catch()
export class ErrorsFilter implements ExceptionFilter {
  constructor(
    private readonly pages: Pages,
    private readonly flashes: FlashMessages,
    private readonly routes: RouteList,
    private readonly settings: Settings,
  ) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    const fault = this.seenFromOutside(error, request);
    if (fault.getStatus() >= 500 && !isForeseen(fault))
      request.log.error({ requestId: request.id, err: error }, 'request failed');
    // an answer that has begun cannot be replaced, so cut it off where the client can see it
    if (reply.raw.headersSent) return void reply.raw.destroy();

    // if the router could not read the path, no hook has run
    if (!reply.hasHeader('x-request-id'))
      void reply.headers(securityHeaders(this.settings)).header('x-request-id', request.id);
    for (const name of ofTheContent) void reply.removeHeader(name);
    if (fault instanceof Busy || fault instanceof TooManyRequests) void reply.header('retry-after', fault.retryAfter);
    if (fault.getStatus() === 405) void reply.header('allow', this.routes.methodsOf(pathOf(request)).join(', '));

    const meant = request.is404 ? this.routes.withoutExtraSlashes(pathOf(request)) : undefined;
    if (meant !== undefined) void reply.redirect(meant + request.url.slice(pathOf(request).length), 308);
    else if (isApi(request)) this.sendProblem(fault, request, reply);
    else this.sendPage(fault, request, reply);
  }

  private seenFromOutside(error: unknown, request: FastifyRequest): HttpException {
    if (request.is404 && isNotFound(error)) {
      const others = this.routes.methodsOf(pathOf(request));
      if (others.length > 0 && !others.includes(request.method))
        return new HttpException(`This address does not answer to ${request.method}.`, 405);
      return new NotFoundException('There is nothing at this address.');
    }
    if (error instanceof HttpException) return error;
    if (isFull(error)) return new Busy(60, 'The disk of this site is full. Please try again once there is room.');
    if (isUnavailable(error)) {
      request.log.warn({ requestId: request.id, err: error }, 'the database does not answer');
      return new Busy(5, 'The database of this site does not answer. Please try again shortly.');
    }
    const { statusCode } = error as { statusCode?: unknown };
    if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500)
      return new HttpException(sentences[statusCode] ?? unreadable, statusCode, { cause: error });
    return new HttpException('Something went wrong on our side. It has been noted.', HttpStatus.INTERNAL_SERVER_ERROR);
  }

  private sendProblem(fault: HttpException, request: FastifyRequest, reply: FastifyReply): void {
    const status = fault.getStatus();
    if (status === 401) {
      const sent = request.headers.authorization !== undefined;
      void reply.header('www-authenticate', sent ? 'Bearer error="invalid_token"' : 'Bearer');
    }
    void reply
      .code(status)
      .type('application/problem+json')
      .header('cache-control', 'no-store')
      .send(
        JSON.stringify({
          type: 'about:blank',
          title: STATUS_CODES[status] ?? 'Error',
          status,
          detail: fault.message,
          requestId: request.id,
          ...(fault instanceof InvalidInput && { errors: fault.errors }),
        }),
      );
  }

  private sendPage(fault: HttpException, request: FastifyRequest, reply: FastifyReply): void {
    if (fault instanceof SeeOther) return void reply.redirect(fault.location, 303);
    if (fault instanceof UnauthorizedException) return this.sendToLogin(fault, request, reply);
    // despite the types, there is no route if the router could not read the path
    const form = (request.routeOptions.config as FastifyContextConfig | undefined)?.form;
    const status = fault.getStatus();
    void reply.code(status);
    if (fault instanceof InvalidInput && form) {
      const values = typedInto(form.keep, request.body);
      const errors = Object.fromEntries(fault.errors.toReversed().map(({ field, message }) => [field, message]));
      this.pages.send(request, reply, form.view, {
        title: form.title,
        values,
        errors,
        errorList: fault.errors,
        next: nextOf(request),
        ...fault.page,
      });
    } else {
      const { heading, advice } = adviceFor(status, {
        ...(request.method === 'GET' && { retry: request.url }),
        ...((fault instanceof SpentLink || fault instanceof NotYet) && { next: fault.next }),
      });
      // before the guard has run, the member is unknown and the menu would be a stranger's
      const hideMenu = request.user === undefined;
      const page = { title: heading, status, heading, message: fault.message, advice, hideMenu, requestId: request.id };
      this.pages.send(request, reply, 'errors/error', page);
    }
  }

  private sendToLogin(fault: UnauthorizedException, request: FastifyRequest, reply: FastifyReply): void {
    const page = this.routes.pageOf(request);
    if (page === '/login') {
      // the login failed, so show its form again
      const values = typedInto(['email'], request.body, 300);
      this.flashes.put(reply, { kind: 'alert', message: fault.message, typed: { view: 'auth/login', values } });
    } else if (request.method !== 'GET' && request.method !== 'HEAD')
      this.flashes.put(reply, { kind: 'alert', message: `${fault.message} What you sent was not taken.` });
    // a proof says where it leads; any other form goes back to its own page
    void reply.redirect(withNext('/login', nextOf(request) ?? page), 303);
  }
}

/** Whether the database could not write because the disk is full. SQLite and PostgreSQL use different codes. */
const isFull = (error: unknown) => {
  const { code, driverError } = error as { code?: unknown; driverError?: { code?: unknown } };
  return [code, driverError?.code].some((one) => one === 'SQLITE_FULL' || one === '53100');
};

const isNotFound = (error: unknown) =>
  (error as { status?: unknown }).status === 404 || (error as { statusCode?: unknown }).statusCode === 404;

/** Errors that are not a fault of the site: it is busy, or does not support what was asked. */
const isForeseen = (fault: HttpException) => fault instanceof Busy || fault.getStatus() === 501;

const unreadable = 'The request could not be read.';

/** Messages for errors that the server itself finds. */
const sentences: Record<number, string> = {
  413: 'That is more than this address takes at once.',
  415: 'This address does not take that kind of content.',
};

/** Headers that a route may have set for content that is not sent now. */
const ofTheContent = ['content-length', 'content-disposition', 'etag', 'last-modified', 'repr-digest'];

const nextOf = ({ body }: FastifyRequest): string | undefined =>
  safePath((body as { next?: unknown } | undefined)?.next, '') || undefined;
