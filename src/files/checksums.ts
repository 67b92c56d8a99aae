import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Readable } from 'node:stream';
import { eachInTurn, LongWork, sortedInTurn, type InTurn } from '../database/long-work.js';
import type { Viewer } from '../http/access.js';
import { searchForm } from '../http/paging.input.js';
import { Transfers } from '../sessions/transfers.js';
import { unbuffered } from './downloads.js';
import { numbered } from './file-name.js';
import type { StoredFile } from './stored-file.entity.js';

/** What a list of checksums is made of. */
export interface Checksum extends Pick<StoredFile, 'id' | 'name' | 'sha256'> {
  /** Whether it stands in the list; else it only counts among those that may be called the same. */
  readonly fits?: boolean;
}

/** Sends lists of checksums that `sha256sum -c` reads. */
@Injectable()
export class Checksums {
  constructor(
    private readonly transfers: Transfers,
    private readonly work: LongWork,
  ) {}

  /** Answers with a line a file, under the name that it is saved by, and no longer than the session lasts. */
  async send(
    slices: AsyncIterable<readonly Checksum[]>,
    viewer: Viewer,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<FastifyReply> {
    void reply.headers({
      ...unbuffered,
      'content-type': 'text/plain; charset=utf-8',
      'content-disposition': 'attachment; filename="SHA256SUMS"',
      'cache-control': 'private, no-cache',
    });
    // a body that ends at once has no length, like the one that GET sends
    if (request.method === 'HEAD') return reply.send(Readable.from([]));
    this.transfers.follow(reply.raw, viewer);
    const files: Checksum[] = [];
    for await (const slice of slices)
      files.push(...slice.map(({ id, name, sha256, fits }) => ({ id, name, sha256, fits: fits ?? true })));
    return reply.send(Readable.from(linesOf(files, this.work.of(viewer)), { objectMode: false }));
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

/**
 * The names under which files are saved that are there together, by id: of several that are called the same, in any
 * case, all but the oldest get a number that no other has. As `SavedNames` gives them one by one.
 */
export async function savedNames(
  files: readonly Pick<StoredFile, 'id' | 'name'>[],
  inTurn: InTurn,
  reserved: readonly string[] = [],
): Promise<ReadonlyMap<string, string>> {
  const taken = new Set(reserved.map(searchForm));
  await eachInTurn(inTurn, files, ({ name }) => taken.add(searchForm(name)));
  const counts = new Map<string, number>(reserved.map((name) => [searchForm(name), 1]));
  const names = new Map<string, string>();
  await eachInTurn(inTurn, await sortedInTurn(inTurn, files, ({ id }) => id), ({ id, name }) => {
    const form = searchForm(name);
    let count = (counts.get(form) ?? 0) + 1;
    while (count > 1 && taken.has(searchForm(numbered(name, count)))) count++;
    counts.set(form, count);
    names.set(id, numbered(name, count));
  });
  return names;
}

const linesAtOnce = 500;

/** A piece for so many files, with a turn for others after each. */
async function* linesOf(files: readonly Checksum[], inTurn: InTurn): AsyncGenerator<string> {
  const names = await savedNames(files, inTurn);
  for (let start = 0; start < files.length; start += linesAtOnce) {
    const lines = await inTurn(() =>
      files
        .slice(start, start + linesAtOnce)
        .filter(({ fits }) => fits !== false)
        .map(({ id, name, sha256 }) => `${checksumLine(names.get(id) ?? name, sha256)}\n`),
    );
    if (lines.length > 0) yield lines.join('');
  }
}
