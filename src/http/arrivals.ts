import {
  applyDecorators,
  Injectable,
  UseInterceptors,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { of, type Observable } from 'rxjs';
import { Cookies } from './cookies.js';
import { Pages } from './pages.js';
import { pathOf } from './safe-path.js';
import { configureRoute } from './route-config.js';
import { RouteList } from './route-list.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Whether a browser saves the answer of this route as a file and stays on the page it was on. */
    isDownload?: true;
  }
}

const cookie = 'arrival';
const lifetimeSeconds = 60;

/**
 * Logins that lead to a download. A browser saves a download and stays on the login form. So the first answer after
 * such a login is a page that says that the person is logged in, and that starts the download.
 */
@Injectable()
export class Arrivals {
  constructor(
    private readonly cookies: Cookies,
    private readonly routes: RouteList,
  ) {}

  /** Call this with the path that a login leads to. */
  note(reply: FastifyReply, location: string): void {
    if (this.routes.configOf(pathOf({ url: location }))?.isDownload)
      this.cookies.set(reply, cookie, nameOf(location), lifetimeSeconds);
  }

  /** Whether a browser asks for the download that its login led to. True once for each login. */
  take(request: FastifyRequest, reply: FastifyReply): boolean {
    const noted = this.cookies.read(request, cookie);
    if (noted === undefined || noted !== nameOf(request.url)) return false;
    this.cookies.clear(reply, cookie);
    // a program that follows redirects wants the bytes
    return request.method === 'GET' && /\btext\/html\b/.test(request.headers.accept ?? '');
  }
}

/** A path in characters that are allowed in a cookie. */
const nameOf = (location: string) => Buffer.from(location).toString('base64url');

@Injectable()
class ArrivalInterceptor implements NestInterceptor {
  constructor(
    private readonly arrivals: Arrivals,
    private readonly pages: Pages,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const http = context.switchToHttp();
    const [request, reply] = [http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>()];
    if (!this.arrivals.take(request, reply)) return next.handle();
    const data = { title: 'You are logged in', startsAt: request.url };
    return of(this.pages.send(request, reply, 'files/arrival', data));
  }
}

/** A route whose answer a browser saves as a file. Its handler sends the answer itself, through `@Res()`. */
export const IsDownload = (): MethodDecorator =>
  applyDecorators(configureRoute({ isDownload: true }), UseInterceptors(ArrivalInterceptor));
