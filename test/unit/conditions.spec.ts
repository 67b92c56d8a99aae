import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { answerTo, type Conditions } from '../../src/downloads/conditions.js';

const etag = `"${'0123456789abcdef'.repeat(4)}"`;
const lastModified = new Date('2026-03-01T10:20:30.456Z');
const fileOf = (size: number) => ({ etag, size, lastModified });

const size = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const space = fc.constantFrom('', ' ', '\t', '  ');
const tag = fc
  .tuple(fc.constantFrom('', 'W/'), fc.stringMatching(/^[!#-~]*$/))
  .map(([weak, text]) => `${weak}"${text}"`);

/** Anything that a client may send, near the grammar and far from it. */
const anyHeader = fc.oneof(
  fc.string(),
  tag,
  fc.constantFrom(etag, `W/${etag}`, '*', 'bytes=', 'bytes=0-', 'bytes=-1', lastModified.toUTCString()),
  fc.stringMatching(/^(bytes|lines)?=?[ \d,-]{0,20}$/),
  fc.date({ noInvalidDate: true }).map((date) => date.toUTCString()),
);
const anyConditions: fc.Arbitrary<Conditions> = fc.record(
  {
    range: anyHeader,
    'if-range': anyHeader,
    'if-match': anyHeader,
    'if-none-match': anyHeader,
    'if-modified-since': anyHeader,
    'if-unmodified-since': anyHeader,
  },
  { requiredKeys: [] },
);

describe('whatever a client asks', () => {
  it('a part lies inside of the file, and only a GET with a range gets one', () => {
    fc.assert(
      fc.property(fc.constantFrom('GET', 'HEAD'), anyConditions, fc.nat(), (method, conditions, length) => {
        const answer = answerTo(method, conditions, fileOf(length));
        expect([200, 206, 304, 412, 416]).toContain(answer.status);
        if (answer.status === 206) {
          expect(answer.range.start).toBeGreaterThanOrEqual(0);
          expect(answer.range.end).toBeGreaterThanOrEqual(answer.range.start);
          expect(answer.range.end).toBeLessThan(length);
        }
        if (method === 'HEAD' || conditions.range === undefined) expect([206, 416]).not.toContain(answer.status);
      }),
      { numRuns: 2_000 },
    );
  });

  it('an answer without conditions is the whole', () => {
    fc.assert(fc.property(fc.nat(), (length) => answerTo('GET', {}, fileOf(length)).status === 200));
  });
});

describe('a range', () => {
  it('from a first to a last byte is cut off at the end of the file', () => {
    fc.assert(
      fc.property(size, fc.maxSafeNat(), fc.maxSafeNat(), (length, one, other) => {
        const [first, last] = one < other ? [one, other] : [other, one];
        const answer = answerTo('GET', { range: `bytes=${first}-${last}` }, fileOf(length));
        if (first >= length) expect(answer).toEqual({ status: 416 });
        else expect(answer).toEqual({ status: 206, range: { start: first, end: Math.min(last, length - 1) } });
      }),
    );
  });

  it('from a byte on reaches to the end', () => {
    fc.assert(
      fc.property(size, fc.nat(), (length, offset) => {
        const start = offset % length;
        const answer = answerTo('GET', { range: `bytes=${start}-` }, fileOf(length));
        expect(answer).toEqual({ status: 206, range: { start, end: length - 1 } });
      }),
    );
  });

  it('of last bytes is at most the whole', () => {
    fc.assert(
      fc.property(size, size, (length, count) => {
        const answer = answerTo('GET', { range: `bytes=-${count}` }, fileOf(length));
        expect(answer).toEqual({ status: 206, range: { start: Math.max(0, length - count), end: length - 1 } });
      }),
    );
  });

  it('is never there in an empty file', () => {
    for (const range of ['bytes=0-', 'bytes=0-0', 'bytes=-1', 'bytes=-0', 'bytes=5-9'])
      expect(answerTo('GET', { range }, fileOf(0))).toEqual({ status: 416 });
  });

  it('that is backwards, one of several, or of another unit gets the whole', () => {
    fc.assert(
      fc.property(size, fc.nat(), fc.nat(), (length, a, b) => {
        for (const range of [
          `bytes=${a + b + 1}-${a}`,
          `bytes=${a}-${a + b},${a}-`,
          `items=${a}-${a + b}`,
          `bytes ${a}-`,
        ])
          expect(answerTo('GET', { range }, fileOf(length))).toEqual({ status: 200 });
      }),
    );
  });
});

describe('a tag', () => {
  const others = fc.array(tag.filter((one) => !one.includes(etag)));
  const listWith = (member: string) =>
    fc.tuple(others, others, space).map(([before, after, gap]) => [...before, member, ...after].join(`${gap},${gap}`));

  it('in If-None-Match is compared weakly: whatever stands around it, it is not sent again', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(etag, `W/${etag}`, '*').chain(listWith),
        fc.constantFrom('GET', 'HEAD'),
        (list, method) => {
          expect(answerTo(method, { 'if-none-match': list }, fileOf(9)).status).toBe(304);
        },
      ),
    );
  });

  it('in If-Match is compared strongly', () => {
    fc.assert(fc.property(listWith(etag), (list) => answerTo('GET', { 'if-match': list }, fileOf(9)).status === 200));
    fc.assert(
      fc.property(listWith(`W/${etag}`), (list) => answerTo('GET', { 'if-match': list }, fileOf(9)).status === 412),
    );
  });

  it('in If-Range holds the range only where it is the very one', () => {
    fc.assert(
      fc.property(fc.oneof(tag, fc.constant(`W/${etag}`)), (one) => {
        fc.pre(one !== etag);
        expect(answerTo('GET', { range: 'bytes=0-0', 'if-range': one }, fileOf(9)).status).toBe(200);
      }),
    );
    expect(answerTo('GET', { range: 'bytes=0-0', 'if-range': etag }, fileOf(9)).status).toBe(206);
  });

  it('that is none of ours and not there leaves the file as it is', () => {
    fc.assert(
      fc.property(others, (list) => {
        expect(answerTo('GET', { 'if-none-match': list.join() }, fileOf(9)).status).toBe(200);
        expect(answerTo('GET', { 'if-match': list.join() }, fileOf(9)).status).toBe(412);
      }),
    );
  });
});

describe('a date', () => {
  const seconds = fc.integer({ min: 0, max: 4_000_000_000 });
  const header = (second: number) => new Date(second * 1_000).toUTCString();
  const ours = Math.floor(lastModified.getTime() / 1_000);

  it('in If-Modified-Since lets the file be sent only where it is the earlier one', () => {
    fc.assert(
      fc.property(fc.oneof(seconds, fc.constant(ours)), (second) => {
        const { status } = answerTo('GET', { 'if-modified-since': header(second) }, fileOf(9));
        expect(status).toBe(second < ours ? 200 : 304);
      }),
    );
  });

  it('in If-Unmodified-Since lets it be sent only where it is not', () => {
    fc.assert(
      fc.property(fc.oneof(seconds, fc.constant(ours)), (second) => {
        const { status } = answerTo('GET', { 'if-unmodified-since': header(second) }, fileOf(9));
        expect(status).toBe(second < ours ? 412 : 200);
      }),
    );
  });

  it('in If-Range holds the range only where it is exactly ours', () => {
    fc.assert(
      fc.property(fc.oneof(seconds, fc.constant(ours)), (second) => {
        const { status } = answerTo('GET', { range: 'bytes=0-0', 'if-range': header(second) }, fileOf(9));
        expect(status).toBe(second === ours ? 206 : 200);
      }),
    );
  });

  it('is read in each of the three forms', () => {
    for (const date of ['Sun, 01 Mar 2026 10:20:30 GMT', 'Sunday, 01-Mar-26 10:20:30 GMT', 'Sun Mar  1 10:20:30 2026'])
      expect(answerTo('GET', { range: 'bytes=0-0', 'if-range': date }, fileOf(9)).status).toBe(206);
  });

  it('counts for nothing beside a tag', () => {
    fc.assert(
      fc.property(seconds, (second) => {
        const date = { 'if-modified-since': header(second), 'if-unmodified-since': header(second) };
        expect(answerTo('GET', { ...date, 'if-match': etag, 'if-none-match': '"x"' }, fileOf(9)).status).toBe(200);
      }),
    );
  });
});
