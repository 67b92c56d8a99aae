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

/** A file, with what a list of checksums needs of it. */
export interface Checksum extends Pick<StoredFile, 'id' | 'name' | 'sha256'> {
  /** Whether the file is in the list. If not, it still counts when files with the same name are numbered. */
  readonly fits?: boolean;
}

/** A file's checksum, and the name under which the file is saved. */
type NamedChecksum = Pick<Checksum, 'name' | 'sha256'>;

/** Sends lists of checksums that `sha256sum -c` reads. */
@Injectable()
export class Checksums {
  constructor(
    private readonly transfers: Transfers,
    private readonly work: LongWork,
  ) {}

  /** Answers with one line for each file, under the name that the file is saved by. Stops if the session ends. */
  send(
    slices: AsyncIterable<readonly Checksum[]>,
    viewer: Viewer,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<FastifyReply> {
    return this.sendNamed((inTurn) => savedBy(slices, inTurn), viewer, request, reply);
  }

  /** The same, for files that already have the name they are saved by. A HEAD request does not read them. */
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
    // an empty stream has no `content-length`, and neither has the answer to a GET
    if (request.method === 'HEAD') return reply.send(Readable.from([]));
    this.transfers.follow(reply.raw, viewer);
    const inTurn = this.work.of(viewer);
    return reply.send(Readable.from(linesOf(await read(inTurn), inTurn), { objectMode: false }));
  }
}

/**
 * The names under which files are saved if they are saved together, by file id. If several files have the same name in
 * any case, the first one keeps it and each other one gets a number that makes its name unique. If the oldest file
 * comes first, the names are those that `SavedNames` gives.
 *
 * @param reserved names that no file may get.
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

/**
 * The files that are in the list, in the order in which they come. Each has the name that it is saved by among all
 * files.
 */
export async function savedBy(
  slices: AsyncIterable<readonly Checksum[]>,
  inTurn: InTurn,
): Promise<readonly NamedChecksum[]> {
  const files: Checksum[] = [];
  for await (const slice of slices) files.push(...slice);
  // each audience's files come sorted by name, but numbers go by age
  const names = await savedNames(await sortedInTurn(inTurn, files, ({ id }) => id), inTurn);
  const named: NamedChecksum[] = [];
  await eachInTurn(inTurn, files, ({ id, name, sha256, fits }) => {
    if (fits !== false) named.push({ name: names.get(id) ?? name, sha256 });
  });
  return named;
}

const linesAtOnce = 500;

/** The lines of the list, up to `linesAtOnce` in a piece. Other work gets a turn after each piece. */
export async function* linesOf(files: readonly NamedChecksum[], inTurn: InTurn): AsyncGenerator<string> {
  for (let start = 0; start < files.length; start += linesAtOnce)
    yield await inTurn(() =>
      files
        .slice(start, start + linesAtOnce)
        .map(({ name, sha256 }) => `${checksumLine(name, sha256)}\n`)
        .join(''),
    );
}
