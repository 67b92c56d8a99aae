import { Dicer } from '@fastify/busboy';
import { BadRequestException, createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { IncomingMessage } from 'node:http';
import { finished, type Readable, type Transform } from 'node:stream';
import { InvalidInput } from './errors.js';
import { disposition, isFile, type PartHeader } from './part-header.js';
import { utf8 } from './text-body.js';
import { within } from './within.js';

/** The name of the one form field that holds a file. */
const field = 'file';
/** The most bytes of all other fields of such a form together. Nothing uses their values. */
const mostBesides = 16 * 1_024;

/** A file from a form. */
export interface SentFile {
  /** The name without the folders that some programs put before it. Empty if no file was chosen. */
  readonly name: string;
  /** Ends after the whole form has been read and is right. If the form is wrong, it fails with that error. */
  readonly bytes: Readable;
}

/** The file of a form. Undefined if the form or the request has no file. */
export const FormFile = createParamDecorator(
  (_: unknown, context: ExecutionContext) => context.switchToHttp().getRequest<FastifyRequest>().sentFile,
);

/**
 * Reads a form (RFC 7578) up to its file. The bytes of the file then come as they are read.
 *
 * @param most the most bytes of the file. If there are more, the stream of bytes fails with 413.
 * @returns undefined if the form has no file.
 * @throws BadRequestException if the form cannot be read, breaks off, or its text is not UTF-8.
 * @throws InvalidInput if there is a file in another field. A second file makes the bytes of the first fail with this
 * error.
 */
export function readForm(raw: IncomingMessage, most: number): Promise<SentFile | undefined> {
  const boundary = boundaryOf(raw.headers['content-type'] ?? '');
  return new Promise((resolve, reject) => new FormReader(raw, boundary, most, resolve, reject).begin());
}

function boundaryOf(contentType: string): string {
  const [, quoted, bare] = /;\s*boundary\s*=\s*(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i.exec(contentType) ?? [];
  return quoted ?? bare ?? unreadable();
}

class FormReader {
  private readonly parser: Dicer;
  private file: Transform | undefined;
  private besides = 0;
  private isOver = false;

  constructor(
    private readonly raw: IncomingMessage,
    boundary: string,
    private readonly most: number,
    private readonly found: (file?: SentFile) => void,
    private readonly failed: (error: unknown) => void,
  ) {
    this.parser = new Dicer({ boundary, maxHeaderPairs: 20 });
  }

  begin(): void {
    this.parser.on('part', (part) => {
      // the parser reports the same error
      part.on('error', () => undefined);
      part.on('header', (header) => this.attempt(() => this.take(part, header as PartHeader)));
    });
    this.parser.on('finish', () => this.end());
    this.parser.on('error', () => this.end(new BadRequestException(brokenOff)));
    finished(this.raw, (error) => error && this.end(new BadRequestException(brokenOff)));
    this.raw.pipe(this.parser);
  }

  private take(part: Readable, header: PartHeader): void {
    const { name, filename } = disposition(header);
    if (!isFile(header, filename)) this.judge(part);
    else if (this.file) throw wrongFile('Please send one file at a time. Nothing of these was kept.');
    else if (name !== field) throw wrongFile(`Please send the file in the field “${field}”.`);
    else {
      const bytes = within(this.most);
      this.file = bytes;
      // it may fail before it is read; without a listener that would end the process, and the reader still gets the
      // error
      bytes.on('error', () => undefined).once('close', () => this.letGo());
      part.pipe(bytes, { end: false });
      this.found({ name: (filename ?? '').split(/[\\/]/).at(-1) ?? '', bytes });
    }
  }

  /** Reads the other fields. Nothing needs them, but they must be text. */
  private judge(part: Readable): void {
    const chunks: Buffer[] = [];
    part.on('data', (chunk: Buffer) => {
      this.besides += chunk.length;
      if (this.besides > mostBesides) this.end(new BadRequestException('The form holds too much beside the file.'));
      else chunks.push(chunk);
    });
    part.on('end', () => this.attempt(() => utf8(Buffer.concat(chunks))));
  }

  private attempt(work: () => unknown): void {
    try {
      work();
    } catch (error) {
      this.end(error as Error);
    }
  }

  private end(error?: Error): void {
    if (this.isOver) return;
    this.isOver = true;
    if (error) {
      this.letGo();
      this.file?.destroy(error);
      // this does nothing if a file was found before
      this.failed(error);
    } else {
      this.file?.end();
      this.found(undefined);
    }
  }

  /** Reads and discards the rest, because the answer uses the same connection. */
  private letGo(): void {
    this.isOver = true;
    this.raw.unpipe(this.parser);
    this.raw.resume();
  }
}

const brokenOff = 'The form broke off before its end. Please send it again.';

const wrongFile = (message: string) => new InvalidInput([{ field, message }]);

function unreadable(): never {
  throw new BadRequestException('The form cannot be read: it does not say what stands between its parts.');
}
