/** A range of bytes. `start` is the first byte and `end` the last; both belong to the range. The first byte is 0. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}
