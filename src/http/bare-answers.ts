import { Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { Settings } from '../config/settings.js';
import { adviceFor } from './error-advice.js';
import { Pages } from './pages.js';
import { securityHeaders } from './security-headers.js';

/** What Node says of a request that it could not read. */
interface ClientError extends Error {
  readonly code?: string;
  /** What it could not read, from some point on. */
  readonly rawPacket?: Buffer;
}

const statuses: Readonly<Record<string, number>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  HPE_HEADER_OVERFLOW: 431,
};

const sentences: Readonly<Record<number, string>> = {
  400: 'The request could not be read.',
  408: 'The request took too long to arrive.',
  413: 'That is more than this address takes at once.',
  431: 'The headers of the request are too long. A browser may hold too many cookies of this site.',
};

/** Milliseconds that a client gets to read why it was refused, though it may still be sending. */
const readingTime = 2_000;

/**
 * Answers on a connection itself, for requests that are refused before, or while, they can be handled as one: as the site
 * answers all else, as a problem under `/api` and as a page elsewhere, with the headers that every answer carries.
 */
@Injectable()
export class BareAnswers {
  constructor(
    private readonly pages: Pages,
    private readonly settings: Settings,
  ) {}

  /** Answers what Node could not read; gives the status, or undefined where nobody is left to be answered. */
  refuse({ code = '', rawPacket }: ClientError, socket: Duplex): number | undefined {
    if (code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return undefined;
    }
    const status = statuses[code] ?? 400;
    const isApi = /^[A-Z-]+ (?:https?:\/\/[^/?# ]*)?\/api\//i.test(rawPacket?.toString('latin1', 0, 300) ?? '');
    this.send(socket, status, isApi);
    return status;
  }

  /** Answers with an error, after which the connection is closed. */
  send(socket: Duplex, status: number, isApi: boolean): void {
    // what has begun to be answered cannot be answered anew
    const { _httpMessage: begun } = socket as Duplex & { _httpMessage?: { readonly headersSent: boolean } | null };
    if (begun?.headersSent) return void socket.destroy();
    socket.end(this.textOf(status, isApi));
    const timer = setTimeout(() => socket.destroy(), readingTime).unref();
    socket.once('close', () => clearTimeout(timer));
  }

  private textOf(status: number, isApi: boolean): string {
    const requestId = randomUUID();
    const title = STATUS_CODES[status] ?? 'Error';
    const detail = sentences[status] ?? 'The request could not be read.';
    const { heading, advice } = adviceFor(status, {});
    const page = { title: heading, status, heading, message: detail, advice, hideMenu: true, requestId };
    const body = isApi
      ? JSON.stringify({ type: 'about:blank', title, status, detail, requestId })
      : this.pages.alone('errors/error', page);
    const headers = {
      ...securityHeaders(this.settings),
      'x-request-id': requestId,
      'cache-control': 'no-store',
      'content-type': isApi ? 'application/problem+json' : 'text/html; charset=utf-8',
      'content-length': Buffer.byteLength(body),
      connection: 'close',
      date: new Date().toUTCString(),
    };
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    return `HTTP/1.1 ${status} ${title}\r\n${lines.join('')}\r\n${body}`;
  }
}
