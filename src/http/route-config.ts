import { RouteConfig } from '@nestjs/platform-fastify';
import { FASTIFY_ROUTE_CONFIG_METADATA } from '@nestjs/platform-fastify/constants.js';
import type { FastifyContextConfig } from 'fastify';

/**
 * Adds to Fastify's config of a route and keeps what other decorators added. `RouteConfig` alone keeps only the last.
 */
export const configureRoute =
  (config: FastifyContextConfig | ((known: FastifyContextConfig) => FastifyContextConfig)): MethodDecorator =>
  (target, name, descriptor) => {
    const handler = descriptor.value as object;
    const known = (Reflect.getMetadata(FASTIFY_ROUTE_CONFIG_METADATA, handler) ?? {}) as FastifyContextConfig;
    const more = typeof config === 'function' ? config(known) : config;
    RouteConfig({ ...known, ...more })(target, name, descriptor);
  };
