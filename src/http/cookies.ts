import { Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { JwtService } from '@nestjs/jwt';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Keys } from '../config/keys.js';
import { Settings } from '../config/settings.js';

/** Long-lived cookies that browsers may still have under an old name without the site's mark. */
const renamed: readonly string[] = ['session', 'device'];

/**
 * Sets and reads this site's cookies. Scripts cannot read them, and they are SameSite=Lax. Over TLS they are Secure and
 * have the `__Host-` prefix (RFC 6265bis), which ties them to this host. Their names end in a mark of the site's key,
 * because browsers send the cookies of a host to all of its ports. Without the mark, two sites on one host would log
 * each other's members out.
 */
@Injectable()
export class Cookies {
  private readonly site: string;
  private readonly jwt: JwtService;

  constructor(
    private readonly host: HttpAdapterHost,
    private readonly settings: Settings,
    keys: Keys,
  ) {
    this.site = Buffer.from(keys.mark('cookie', 'name'), 'base64url').toString('hex', 0, 4);
    this.jwt = new JwtService({
      secret: keys.signing,
      verifyOptions: { algorithms: ['HS256'], ignoreExpiration: true },
    });
  }

  /** The value of the first cookie with that name, or undefined. */
  read(request: FastifyRequest, name: string): string | undefined {
    return cookieValue(request.headers.cookie, this.fullName(name)) ?? this.readOld(request, name);
  }

  /** Sets a cookie. Without `maxAgeSeconds` it ends when the browser closes. */
  set(reply: FastifyReply, name: string, value: string, maxAgeSeconds?: number): void {
    this.host.httpAdapter.setCookie(reply, this.fullName(name), value, {
      ...this.attributes(),
      ...(maxAgeSeconds !== undefined && { maxAge: maxAgeSeconds }),
    });
    this.clearOld(reply, name);
  }

  clear(reply: FastifyReply, name: string): void {
    this.host.httpAdapter.clearCookie(reply, this.fullName(name), this.attributes());
    this.clearOld(reply, name);
  }

  /** The name that the browser sees. */
  fullName(name: string): string {
    return `${this.oldName(name)}-${this.site}`;
  }

  private oldName(name: string): string {
    return `${this.settings.isSecure ? '__Host-' : ''}gatehouse-${name}`;
  }

  /** The value under the old name, if this site signed it. If not, it belongs to another site. */
  private readOld(request: FastifyRequest, name: string): string | undefined {
    if (!renamed.includes(name)) return undefined;
    const value = cookieValue(request.headers.cookie, this.oldName(name));
    return value !== undefined && this.isOurs(value) ? value : undefined;
  }

  /** Deletes a cookie with the old name, but not another site's. */
  private clearOld(reply: FastifyReply, name: string): void {
    if (this.readOld(reply.request, name) !== undefined)
      this.host.httpAdapter.clearCookie(reply, this.oldName(name), this.attributes());
  }

  private isOurs(token: string): boolean {
    try {
      this.jwt.verify(token);
      return true;
    } catch {
      return false;
    }
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
