import { RequestMethod } from '@nestjs/common';
import { METHOD_METADATA, PATH_METADATA, RENDER_METADATA } from '@nestjs/common/constants.js';
import { Injectable } from '@nestjs/common';
import { DiscoveryService, MetadataScanner, Reflector } from '@nestjs/core';
import type { FastifyContextConfig, FastifyRequest, RouteOptions } from 'fastify';
import Router from 'find-my-way';
import { ACCESS, type Access } from './access.js';
import { pathOf } from './safe-path.js';

/** One route of the running server, and who may call it (undefined if the code does not say). */
export interface Route {
  readonly method: string;
  readonly path: string;
  readonly access: Access | undefined;
  /** The view that it renders, if `@Render` names one. */
  readonly view: string | undefined;
  /** Fastify's config of the route. */
  readonly config: FastifyContextConfig | undefined;
}

/**
 * The routes of the running server, with what their controllers declare. The server's own onRoute hook fills the list.
 * So a route that was added without Nest is in the list too, with no access.
 */
@Injectable()
export class RouteList {
  private readonly served: { method: string; path: string; config: FastifyContextConfig | undefined }[] = [];
  /** Made on first use, because commands never need it. */
  private made: Router.Instance<Router.HTTPVersion.V1> | undefined;

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
    private readonly reflector: Reflector,
  ) {}

  add({ method, url, config }: Pick<RouteOptions, 'method' | 'url' | 'config'>): void {
    for (const one of [method].flat()) this.served.push({ method: one, path: url, config });
  }

  all(): Route[] {
    const declared = this.declared();
    return this.served.map(({ method, path, config }) => {
      // the server answers HEAD if there is a GET
      const route = declared.get(`${method} ${path}`) ?? (method === 'HEAD' ? declared.get(`GET ${path}`) : undefined);
      return { method, path, config, access: route?.access, view: route?.view };
    });
  }

  /** The methods that a request's path answers to. Empty if the path does not exist. */
  methodsOf(path: string): string[] {
    const methods = new Set(this.served.map(({ method }) => method));
    return [...methods].filter((method) => this.router.find(method as Router.HTTPMethod, path) !== null).sort();
  }

  /**
   * The path without its extra slashes, such as `/secrets` for `/secrets/`. Undefined if it has none, or if no route
   * has that path. The result never begins with two slashes, because a browser would read them as another host.
   */
  withoutExtraSlashes(path: string): string | undefined {
    const plain = path.replace(/\/{2,}/g, '/').replace(/(?<=.)\/$/, '');
    return plain !== path && this.methodsOf(plain).length > 0 ? plain : undefined;
  }

  /** Fastify's config of the route that answers a GET at a path. Undefined if there is none. */
  configOf(path: string): FastifyContextConfig | undefined {
    return this.router.find('GET', path)?.store as FastifyContextConfig | undefined;
  }

  /** The path of the page that a browser asks for, or of the page with the form that it sends. */
  pageOf({ method, url, params, routeOptions }: FastifyRequest): string {
    // despite the types, there is no route if the router could not read the path
    const { formPage } = (routeOptions.config as FastifyContextConfig | undefined) ?? {};
    if (formPage !== undefined) return filledIn(formPage, params as Record<string, string>);
    if (method === 'GET' || method === 'HEAD') return url;
    // a form posts to its own page, or to a path below it
    for (let path = pathOf({ url }); path; path = path.slice(0, path.lastIndexOf('/')))
      if (this.router.find('GET', path) !== null) return path;
    return '/';
  }

  private get router(): Router.Instance<Router.HTTPVersion.V1> {
    if (this.made) return this.made;
    this.made = Router({ maxParamLength: 200 });
    for (const { method, path, config } of this.served)
      this.made.on(method as Router.HTTPMethod, path, () => undefined, config);
    return this.made;
  }

  private declared(): Map<string, Pick<Route, 'access' | 'view'>> {
    const routes = new Map<string, Pick<Route, 'access' | 'view'>>();
    for (const { metatype } of this.discovery.getControllers()) {
      if (!metatype) continue;
      const prototype = metatype.prototype as Record<string, object>;
      for (const name of this.scanner.getAllMethodNames(prototype)) {
        const handler = prototype[name] as () => unknown;
        const method = Reflect.getMetadata(METHOD_METADATA, handler) as RequestMethod | undefined;
        if (method === undefined) continue;
        const access = this.reflector.getAllAndOverride<Access | undefined>(ACCESS, [handler, metatype]);
        const view = Reflect.getMetadata(RENDER_METADATA, handler) as string | undefined;
        for (const path of pathsOf(metatype, handler)) routes.set(`${RequestMethod[method]} ${path}`, { access, view });
      }
    }
    return routes;
  }
}

const filledIn = (path: string, params: Record<string, string>) =>
  path.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(params[name] ?? ''));

function pathsOf(controller: object, handler: object): string[] {
  const of = (target: object) => [Reflect.getMetadata(PATH_METADATA, target) as string | string[]].flat();
  return of(controller).flatMap((prefix) =>
    of(handler).map(
      (path) =>
        `/${[prefix, path]
          .map((part) => part.replace(/^\/|\/$/g, ''))
          .filter(Boolean)
          .join('/')}`,
    ),
  );
}
