import { Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { Settings } from '../config/settings.js';
import { adviceFor } from './error-advice.js';
import { Pages } from './pages.js';
import { securityHeaders } from './security-headers.js';

/** Node's error for a request that it could not read. */
interface ClientError extends Error {
  readonly code?: string;
  /** The bytes that it could not read. */
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

/** How long a client that is still sending gets to read the error, in milliseconds. */
const readingTime = 2_000;

/**
 * Answers directly on a connection, if a request is refused before the server can handle it, or while it does. The
 * answer has the same form as the site's other errors: problem+json under `/api`, a page elsewhere, and the headers of
 * every answer.
 */
@Injectable()
export class BareAnswers {
  constructor(
    private readonly pages: Pages,
    private readonly settings: Settings,
  ) {}

  /** Answers a request that Node could not read. Returns the status, or undefined if the connection is gone. */
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

  /** Answers with an error, then closes the connection. */
  send(socket: Duplex, status: number, isApi: boolean): void {
    // an answer that has begun cannot be replaced
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
