import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Readable } from 'node:stream';
import { eachInTurn, LongWork, sortedInTurn, type InTurn } from '../database/long-work.js';
import type { Viewer } from '../http/access.js';
import { searchForm } from '../http/paging.input.js';
import { Transfers } from '../sessions/transfers.js';
import { unbuffered } from './downloads.js';
import { checksumLine } from '../files/checksum-line.js';
import { numbered } from '../files/file-name.js';
import type { StoredFile } from '../files/stored-file.entity.js';

/** What a list of checksums is made of. */
export interface Checksum extends Pick<StoredFile, 'id' | 'name' | 'sha256'> {
  /** Whether it stands in the list; else it only counts among those that may be called the same. */
  readonly fits?: boolean;
}

/** A file's checksum under the name that it is saved by. */
type NamedChecksum = Pick<Checksum, 'name' | 'sha256'>;

/** Sends lists of checksums that `sha256sum -c` reads. */
@Injectable()
export class Checksums {
  constructor(
    private readonly transfers: Transfers,
    private readonly work: LongWork,
  ) {}

  /** Answers with a line a file, under the name that it is saved by, and no longer than the session lasts. */
  send(
    slices: AsyncIterable<readonly Checksum[]>,
    viewer: Viewer,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<FastifyReply> {
    return this.sendNamed((inTurn) => savedBy(slices, inTurn), viewer, request, reply);
  }

  /** The same of files that are called as they are saved. A HEAD does not read them. */
  async sendNamed(
    read: (inTurn: InTurn) => Promise<readonly NamedChecksum[]>,
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
    const inTurn = this.work.of(viewer);
    return reply.send(Readable.from(linesOf(await read(inTurn), inTurn), { objectMode: false }));
  }
}

/**
 * The names under which files are saved that are there together, by id: of several that are called the same, in any
 * case, all but the first get a number that no other has. As `SavedNames` gives them one by one, if the oldest comes first.
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
  await eachInTurn(inTurn, files, ({ id, name }) => {
    const form = searchForm(name);
    let count = (counts.get(form) ?? 0) + 1;
    while (count > 1 && taken.has(searchForm(numbered(name, count)))) count++;
    counts.set(form, count);
    names.set(id, numbered(name, count));
  });
  return names;
}

/** Those files that fit, in the order in which they come, each under the name that it is saved by among all. */
export async function savedBy(
  slices: AsyncIterable<readonly Checksum[]>,
  inTurn: InTurn,
): Promise<readonly NamedChecksum[]> {
  const files: Checksum[] = [];
  for await (const slice of slices) files.push(...slice);
  // they come by name, of several audiences in a row
  const names = await savedNames(await sortedInTurn(inTurn, files, ({ id }) => id), inTurn);
  const named: NamedChecksum[] = [];
  await eachInTurn(inTurn, files, ({ id, name, sha256, fits }) => {
    if (fits !== false) named.push({ name: names.get(id) ?? name, sha256 });
  });
  return named;
}

const linesAtOnce = 500;

/** A piece for so many files, with a turn for others after each. */
export async function* linesOf(files: readonly NamedChecksum[], inTurn: InTurn): AsyncGenerator<string> {
  for (let start = 0; start < files.length; start += linesAtOnce)
    yield await inTurn(() =>
      files
        .slice(start, start + linesAtOnce)
        .map(({ name, sha256 }) => `${checksumLine(name, sha256)}\n`)
        .join(''),
    );
}
