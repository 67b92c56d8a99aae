import { NestFactory } from '@nestjs/core';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { LogController, type FastifyBaseLogger, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { AppModule } from './app.module.js';
import { secondMs } from './config/durations.js';
import { openKeys } from './config/keys.js';
import type { Settings } from './config/settings.js';
import { refuseForeignData } from './database/owners.js';
import { isApi } from './http/access.js';
import { AnswersAdapter } from './http/answers.js';
import { addressOf, trustedProxies } from './http/address.js';
import { checkHost, originForm, requestIds } from './http/arrival.js';
import { BareAnswers } from './http/bare-answers.js';
import { Busy } from './http/errors.js';
import { ErrorsFilter } from './http/errors.filter.js';
import { leaveBodies } from './http/body.js';
import { FlashMessages } from './http/flash.js';
import { inputPipe } from './http/input.js';
import { Lifecycle } from './http/lifecycle.js';
import { NestLogger } from './http/logging.js';
import { lingering } from './http/lingering.js';
import { Pages } from './http/pages.js';
import { pathOf } from './http/safe-path.js';
import { RouteList } from './http/route-list.js';
import { securityHeaders } from './http/security-headers.js';
import { ApiDescription } from './site/api-description.js';
import { takeTusSpellings } from './uploads/tus-spellings.js';

const KiB = 1_024;

/** Limits on each request, before its sender is known. */
const limits = {
  /** The longest path parameter, in characters. */
  routerOptions: { maxParamLength: 200 },
  /**
   * No limit on the time of a whole request, because uploads may take long. The code that reads the body sets its own
   * limit.
   */
  requestTimeout: 0,
  /** How long the headers of a request may take to arrive, and how often that is checked, in milliseconds. */
  http: {
    headersTimeout: 15 * secondMs,
    connectionsCheckingInterval: 5 * secondMs,
    maxHeaderSize: 16 * KiB,
    // `checkHost` refuses such a request with the site's own error
    requireHostHeader: false,
  },
  /**
   * How long a connection may stay without any data before it is closed, in milliseconds, such as a download that
   * nobody reads.
   */
  connectionTimeout: 300 * secondMs,
  /**
   * How long a connection may be idle between two requests, in milliseconds. Longer than Caddy (120 s) and Traefik (90 s) keep
   * theirs: a proxy that sends a request on a connection just as the site closes it answers 502.
   */
  keepAliveTimeout: 130 * secondMs,
};

/**
 * Makes the whole application, ready to listen. Production and every test start here.
 *
 * @throws Error with a message for an operator if the data folder, the database or a view is not right.
 */
export async function createApp(settings: Settings, logger: Logger): Promise<NestFastifyApplication> {
  refuseForeignData(settings);
  const keys = openKeys(settings);
  const headers = securityHeaders(settings);
  const isTrusted = trustedProxies(settings.trustProxy);
  const adapter = new AnswersAdapter({
    ...limits,
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: requestIds(isTrusted),
    rewriteUrl: originForm,
    trustProxy: settings.trustProxy.length > 0 ? isTrusted : false,
    clientErrorHandler: (error: Error, socket) => {
      const status = app.get(BareAnswers).refuse(error, socket);
      if (status !== undefined) logger.info({ status, err: error }, 'a request could not be read');
    },
    // no hook runs for a path that the router cannot read
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) =>
      app.get(ErrorsFilter).catch(error, new ExecutionContextHost([request, reply])),
    // a child logger for each request costs more than a page's template; each log line names its request itself
    childLoggerFactory: (parent: FastifyBaseLogger) => parent,
    forceCloseConnections: true,
  });
  // the first hook, so that every answer has these headers, whatever refuses the request
  adapter.setOnRequestHook((request, reply, done) => {
    void reply.headers(headers).header('x-request-id', request.id);
    checkHost(request, reply, done);
  });
  const server = adapter.getInstance();
  server.server.maxConnections = settings.maxConnections;

  const app = await NestFactory.create<NestFastifyApplication>(AppModule.with(settings, keys), adapter, {
    logger: new NestLogger(logger),
    abortOnError: false,
    bodyParser: false,
    forceCloseConnections: true,
  });
  const lifecycle = app.get(Lifecycle);
  const routes = app.get(RouteList);
  const pages = app.get(Pages);
  adapter.answerWith(pages, app.get(FlashMessages));

  app.useGlobalPipes(inputPipe);
  // a browser does not send bearer tokens by itself, so nobody can forge a request to the API
  app.enableCsrfProtection({ trustedOrigins: [settings.publicUrl], exclude: isApi });

  takeTusSpellings(server.server);
  leaveBodies(server);
  server.decorateRequest('user', undefined);
  server.decorateReply('view', function (this: FastifyReply, view: string, data: object) {
    return pages.send(this.request, this, view, data);
  });
  server.addHook('onRoute', (route) => routes.add(route));
  let hasWarned = settings.trustProxy.length > 0;
  server.addHook('onRequest', (request, reply, done) => {
    if (!hasWarned && request.headers['x-forwarded-for'] !== undefined) {
      hasWarned = true;
      logger.warn(
        `${addressOf(request)} forwards for others: if it is your proxy, name it in TRUST_PROXY, or all look like one.`,
      );
    }
    // health checks and refused requests must not delay the shutdown
    if (['/ready', '/health'].includes(pathOf(request))) return done();
    if (lifecycle.isDraining) {
      void reply.header('connection', 'close');
      return done(new Busy(5, 'The site is restarting. Please try again in a few seconds.'));
    }
    lifecycle.track(reply.raw);
    done();
  });
  server.addHook('onRequest', lingering(10 * secondMs));
  server.addHook('onResponse', (request, reply, done) => {
    if (logger.isLevelEnabled('info')) logAnswer(request, reply);
    done();
  });

  try {
    await app.init();
    app.get(ApiDescription).describe(app);
    await server.ready();
  } catch (error) {
    await app.close();
    throw error;
  }
  return app;
}

/** Refuses new requests, waits for those in flight (at most `shutdownSeconds`), then closes everything. */
export async function shutDown(app: NestFastifyApplication, { shutdownSeconds }: Settings): Promise<void> {
  await app.get(Lifecycle).drain(shutdownSeconds);
  await app.close();
}

/** Logs one line for each answer. It leaves out the query of the path, because a query can hold secrets. */
function logAnswer(request: FastifyRequest, reply: FastifyReply): void {
  const { id, method, user } = request;
  const milliseconds = Math.round(reply.elapsedTime * 10) / 10;
  request.log.info(
    {
      requestId: id,
      method,
      path: pathOf(request),
      status: reply.statusCode,
      milliseconds,
      address: addressOf(request),
      member: user?.id,
    },
    'answered',
  );
}
