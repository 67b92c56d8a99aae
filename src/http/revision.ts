import {
  applyDecorators,
  createParamDecorator,
  PreconditionFailedException,
  SetMetadata,
  type ExecutionContext,
} from '@nestjs/common';
import { ApiHeader } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isBefore, opaqueTagsOf, tagsOf, type Preconditions } from './preconditions.js';
import { ApiProblem } from './problem.js';

/** What counts its changes. */
export interface Revised {
  /** 1 at first; one more with each change of what is told of it. */
  readonly revision: number;
  /** When it changed last. */
  readonly revisedAt: Date;
  /** Of its bytes, if it has any: their tag, which a download tells, is one of its own too. */
  readonly sha256?: string;
}

/** The columns that a row must still have when it is written, so that the client's condition holds in that very moment. */
export type Expected = Partial<Pick<Revised, 'revision' | 'sha256'>>;

/** Whether anything is expected. */
export const isConditional = (expected: Expected): boolean => Object.keys(expected).length > 0;

declare module 'fastify' {
  interface FastifyRequest {
    expected?: Expected;
  }
}

export const HAS_REVISION = 'gatehouse:has-revision';

/** A write on something that has tags, which sees to it that what it was given by `@Expects` holds. */
export const ChangesRevision = () =>
  applyDecorators(
    SetMetadata(HAS_REVISION, true),
    ApiHeader({ name: 'if-match', required: false, description: 'Only if it has one of these entity tags.' }),
    ApiHeader({ name: 'if-unmodified-since', required: false, description: 'Only if it has not changed since.' }),
    ApiProblem(412),
  );

/** What a write must still find: see `ChangesRevision`. */
export const Expects = createParamDecorator(
  (_: unknown, context: ExecutionContext): Expected =>
    context.switchToHttp().getRequest<FastifyRequest>().expected ?? {},
);

/**
 * Judges the preconditions of a write (RFC 9110 13.2.2) on what is there.
 *
 * @param found undefined if the address names nothing that was there before; nothing has tags but what counts its changes.
 * @throws PreconditionFailedException if one does not hold.
 */
export function expectedBy(headers: Preconditions, found?: Partial<Revised>): Expected {
  const { revision, revisedAt, sha256 } = found ?? {};
  let expected: Expected = {};
  const ifMatch = headers['if-match'];
  if (ifMatch !== undefined) {
    const tags = tagsOf(ifMatch);
    if (revision !== undefined && tags.some((tag) => isTagOf(tag, revision))) expected = { revision };
    else if (sha256 !== undefined && tags.includes(`"${sha256}"`)) expected = { sha256 };
    else if (ifMatch.trim() !== '*' || !found) refuseChanged();
  } else if (revision !== undefined && revisedAt) {
    const isOlder = isBefore(headers['if-unmodified-since'], revisedAt);
    if (isOlder) refuseChanged();
    if (isOlder === false) expected = { revision };
  }
  const ifNoneMatch = headers['if-none-match'];
  if (ifNoneMatch !== undefined && found) {
    const isOurs = (tag: string) =>
      tag === '*' || tag === `"${sha256 ?? ''}"` || (revision !== undefined && isTagOf(tag, revision));
    if (opaqueTagsOf(ifNoneMatch).some(isOurs)) refuseChanged();
  }
  return expected;
}

/**
 * Tells the tag of what an answer shows, and answers 304 if the client has that.
 *
 * @param own what else the answer depends on, such as who asks: it stands in the tag behind the revision.
 */
export function tell<View>(
  reply: FastifyReply,
  { revision, revisedAt }: Revised,
  view: View,
  own = '',
): View | undefined {
  const etag = `"${revision}${own && `.${own}`}"`;
  const { method, headers } = reply.request;
  void reply.header('etag', etag).header('last-modified', revisedAt.toUTCString());
  if (method !== 'GET' && method !== 'HEAD') return view;
  const ifMatch = headers['if-match'];
  if (ifMatch !== undefined && !tagsOf(ifMatch).some((tag) => tag === '*' || isTagOf(tag, revision))) refuseChanged();
  if (!opaqueTagsOf(headers['if-none-match'] ?? '').some((tag) => tag === '*' || tag === etag)) return view;
  void reply.code(304);
  return undefined;
}

/** Whether a strong tag names a revision, as it is told of a write or to one who asks. */
const isTagOf = (tag: string, revision: number) => tag === `"${revision}"` || tag.startsWith(`"${revision}.`);

/** @throws PreconditionFailedException */
export function refuseChanged(): never {
  throw new PreconditionFailedException(
    'It has changed since, or never was what your condition names. Nothing was done.',
  );
}
