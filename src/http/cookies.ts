import { Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Settings } from '../config/settings.js';

/**
 * Sets and reads this site's cookies: never readable by scripts, SameSite=Lax, and over TLS Secure with the
 * `__Host-` prefix (RFC 6265bis), which ties them to this very host.
 */
@Injectable()
export class Cookies {
  constructor(
    private readonly host: HttpAdapterHost,
    private readonly settings: Settings,
  ) {}

  /** The value of the first cookie of that name, or undefined. */
  read(request: FastifyRequest, name: string): string | undefined {
    return cookieValue(request.headers.cookie, this.fullName(name));
  }

  /** Without `maxAgeSeconds` the cookie ends with the browser. */
  set(reply: FastifyReply, name: string, value: string, maxAgeSeconds?: number): void {
    this.host.httpAdapter.setCookie(reply, this.fullName(name), value, {
      ...this.attributes(),
      ...(maxAgeSeconds !== undefined && { maxAge: maxAgeSeconds }),
    });
  }

  clear(reply: FastifyReply, name: string): void {
    this.host.httpAdapter.clearCookie(reply, this.fullName(name), this.attributes());
  }

  private fullName(name: string): string {
    return `${this.settings.isSecure ? '__Host-' : ''}gatehouse-${name}`;
  }

  private attributes() {
    return { path: '/', httpOnly: true, secure: this.settings.isSecure, sameSite: 'lax' } as const;
  }
}

function cookieValue(header: string | undefined, name: string): string | undefined {
  for (const pair of header?.split(';') ?? []) {
    const at = pair.indexOf('=');
    if (at > 0 && pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim();
  }
  return undefined;
}
