import { BadRequestException } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** A request target with scheme and authority (RFC 9112 3.2.2), and the rest after them. */
const absoluteForm = /^https?:\/\/([^/?#]*)(.*)$/is;
/** `uri-host [ ":" port ]` (RFC 9110 7.2): a name, an IPv4 address, or an IPv6 address in brackets. */
const authority = /^(?:[\w.~!$&'()*+,;=%-]+|\[[\da-f:.]+\])(?::\d{0,5})?$/i;
/** An id that is safe to put in logs, headers and pages. The maximum length is that of its database column. */
const safeId = /^[\w.~:@/+=#-]{1,128}$/;

/**
 * The target of a request as a path. If the target includes scheme and host, its host replaces the Host header (RFC
 * 9112 3.2.2).
 */
export function originForm(raw: IncomingMessage): string {
  const target = raw.url ?? '/';
  if (target.startsWith('/')) return target;
  const [, host, rest = ''] = absoluteForm.exec(target) ?? [];
  if (host === undefined) return target;
  raw.headers.host = host;
  return rest.startsWith('/') ? rest : `/${rest}`;
}

/** Refuses a request whose Host header is missing, repeated or unreadable (RFC 9112 3.2). */
export function checkHost({ raw }: FastifyRequest, _reply: FastifyReply, done: (error?: Error) => void): void {
  const { host } = raw.headers;
  const isMissing = host === undefined && raw.httpVersion !== '1.0';
  const isWrong = isMissing || (host !== undefined && !authority.test(host)) || hasSecondHost(raw.rawHeaders);
  done(isWrong ? new BadRequestException('The Host header is missing, doubled, or cannot be read.') : undefined);
}

function hasSecondHost(rawHeaders: readonly string[]): boolean {
  let count = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    if (name?.length === 4 && name.toLowerCase() === 'host') count += 1;
  }
  return count > 1;
}

/**
 * Gives each request an id. It keeps the id from a trusted proxy, so that people can match both logs. Otherwise it
 * makes a new id.
 */
export const requestIds =
  (isTrusted: (address: string | undefined) => boolean) =>
  ({ headers, socket }: IncomingMessage): string => {
    const given = headers['x-request-id'];
    if (typeof given === 'string' && safeId.test(given) && isTrusted(socket.remoteAddress)) return given;
    return randomUUID();
  };
