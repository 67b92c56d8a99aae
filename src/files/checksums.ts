import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Readable } from 'node:stream';
import type { Viewer } from '../http/access.js';
import { searchForm } from '../http/paging.input.js';
import { Transfers } from '../sessions/transfers.js';
import type { StoredFile } from './stored-file.entity.js';

/** What stands in a list of checksums: the name under which a file is looked for, and its SHA-256 in hex. */
export type Checksum = Pick<StoredFile, 'name' | 'sha256'>;

/** Sends lists of checksums that `sha256sum -c` reads. */
@Injectable()
export class Checksums {
  constructor(private readonly transfers: Transfers) {}

  /** Answers with a line a file, as the slices come and no longer than the session lasts. */
  send(
    slices: AsyncIterable<readonly Checksum[]>,
    viewer: Viewer,
    request: FastifyRequest,
    reply: FastifyReply,
  ): FastifyReply {
    void reply.headers({
      'content-type': 'text/plain; charset=utf-8',
      'content-disposition': 'attachment; filename="SHA256SUMS"',
      'cache-control': 'private, no-cache',
    });
    // a body that ends at once has no length, like the one that GET sends
    if (request.method === 'HEAD') return reply.send(Readable.from([]));
    this.transfers.follow(reply.raw, viewer);
    return reply.send(Readable.from(linesOf(slices), { objectMode: false }));
  }
}

/**
 * A line of GNU's format: where the name has a backslash or a line's end, they are escaped, and a backslash before the
 * checksum says so.
 */
export function checksumLine(name: string, sha256: string): string {
  // alone, it would stand for what is piped in
  const path = name === '-' ? './-' : name;
  const escaped = path.replace(/[\\\n\r]/g, (character) => escapes[character] ?? character);
  return `${escaped === path ? '' : '\\'}${sha256}  ${escaped}`;
}

const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r' };

/** Gives names of which no two are the same, in any case: the second `report.pdf` is `report (2).pdf`. */
export class UniqueNames {
  private readonly taken = new Set<string>();
  private readonly counts = new Map<string, number>();

  constructor(taken: readonly string[] = []) {
    for (const name of taken) this.taken.add(searchForm(name));
  }

  take(name: string): string {
    const [, stem = name, extension = ''] = /^(.+?)((?:\.tar)?\.[^.]{1,16})$/s.exec(name) ?? [];
    let count = this.counts.get(searchForm(name)) ?? 1;
    let unique = count === 1 ? name : `${stem} (${count})${extension}`;
    while (this.taken.has(searchForm(unique))) unique = `${stem} (${++count})${extension}`;
    this.taken.add(searchForm(unique));
    this.counts.set(searchForm(name), count);
    return unique;
  }
}

/** A piece for each slice: no more than that is in memory, beside the names. */
async function* linesOf(slices: AsyncIterable<readonly Checksum[]>): AsyncGenerator<string> {
  const names = new UniqueNames();
  for await (const slice of slices)
    if (slice.length > 0)
      // what no system has in a name, browsers save as an underscore
      yield slice
        .map(({ name, sha256 }) => `${checksumLine(names.take(name.replaceAll('/', '_')), sha256)}\n`)
        .join('');
}
