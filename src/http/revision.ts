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

/** Something that counts its changes. */
export interface Revised {
  /** It starts at 1 and grows by one with each change of the details that answers show. */
  readonly revision: number;
  /** When it last changed. */
  readonly revisedAt: Date;
  /** The hash of its bytes, if it has any. A download sends it as an entity tag, so it counts as a tag too. */
  readonly sha256?: string;
}

/** The values that a row must still have when it is written, so that the client's condition is true at that moment. */
export type Expected = Partial<Pick<Revised, 'revision' | 'sha256'>>;

/** Whether there is a condition. */
export const isConditional = (expected: Expected): boolean => Object.keys(expected).length > 0;

declare module 'fastify' {
  interface FastifyRequest {
    expected?: Expected;
  }
}

export const HAS_REVISION = 'gatehouse:has-revision';

/** A write to something that has entity tags. The handler must enforce the conditions that `@Expects` gives it. */
export const ChangesRevision = () =>
  applyDecorators(
    SetMetadata(HAS_REVISION, true),
    ApiHeader({ name: 'if-match', required: false, description: 'Only if it has one of these entity tags.' }),
    ApiHeader({ name: 'if-unmodified-since', required: false, description: 'Only if it has not changed since.' }),
    ApiProblem(412),
  );

/** The values that a write must still find: see `ChangesRevision`. */
export const Expects = createParamDecorator(
  (_: unknown, context: ExecutionContext): Expected =>
    context.switchToHttp().getRequest<FastifyRequest>().expected ?? {},
);

/**
 * Checks the preconditions of a write (RFC 9110 13.2.2) against what exists.
 *
 * @param found undefined if the address named nothing that existed before. Only something that counts its changes has
 * tags.
 * @throws PreconditionFailedException if a precondition is false.
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
 * Sends the entity tag of an answer. If the client already has that version, the answer is 304 and this returns
 * undefined.
 *
 * @param own what else the answer depends on, such as the member who asks. It goes into the tag after the revision.
 * @throws PreconditionFailedException if a read has an If-Match header without this revision.
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

/** Whether a strong tag names a revision, with or without the part that depends on the member. */
const isTagOf = (tag: string, revision: number) => tag === `"${revision}"` || tag.startsWith(`"${revision}.`);

/** @throws PreconditionFailedException */
export function refuseChanged(): never {
  throw new PreconditionFailedException(
    'It has changed since, or never was what your condition names. Nothing was done.',
  );
}
