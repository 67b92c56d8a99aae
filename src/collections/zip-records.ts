/** An entry at its place in a zip. The checksum is undefined as long as it is not known. */
export interface Placed {
  readonly name: string;
  /** In bytes. */
  readonly size: number;
  readonly modified: Date;
  /** Where its header begins in the zip, in bytes. */
  readonly offset: number;
  /** The CRC-32 of its bytes. */
  readonly checksum?: number;
}

/** The sizes of the records in bytes, without the names of the entries. */
export const sizes = {
  header: 30,
  descriptor: 16,
  largeDescriptor: 24,
  /** A record in the central directory, with the extra field for the time of change. */
  record: 46 + 9,
  /** The extra field that a large entry (zip64) has in the central directory. */
  largeField: 28,
} as const;

/**
 * The values that stand in a four-byte or two-byte field if the number does not fit (APPNOTE.TXT 4.4.1.4). The number
 * is then in a zip64 field.
 */
const tooLarge = 0xffff_ffff;
const tooMany = 0xffff;
const version = { plain: 20, large: 45, madeBy: (3 << 8) | 63 };
const utf8 = 1 << 11;
const checksumFollows = 1 << 3;
/** The Unix mode of each entry: a regular file that its owner and its group may read and write, and others may read. */
const mode = 0o100664;

/** Whether an entry needs zip64: its size, or its place in the zip, is about 4 GiB or more. */
export const isLarge = ({ size, offset }: Pick<Placed, 'size' | 'offset'>): boolean =>
  Math.max(size, offset) >= tooLarge;

/**
 * The local header, which stands before the bytes (4.3.7). If the checksum is known, no data descriptor follows them.
 */
export function headerOf(entry: Placed): Buffer {
  const name = Buffer.from(entry.name);
  const header = Buffer.alloc(sizes.header);
  header.writeUInt32LE(0x0403_4b50, 0);
  header.writeUInt16LE(version.plain, 4);
  header.writeUInt16LE(entry.checksum === undefined ? utf8 | checksumFollows : utf8, 6);
  header.writeUInt32LE(dosTime(entry.modified), 10);
  if (entry.checksum !== undefined) {
    header.writeUInt32LE(entry.checksum, 14);
    header.writeUInt32LE(entry.size, 18);
    header.writeUInt32LE(entry.size, 22);
  }
  header.writeUInt16LE(name.length, 26);
  return Buffer.concat([header, name]);
}

/** The data descriptor, which stands after the bytes (4.3.9). */
export function descriptorOf(entry: Placed): Buffer {
  const large = isLarge(entry);
  const descriptor = Buffer.alloc(large ? sizes.largeDescriptor : sizes.descriptor);
  descriptor.writeUInt32LE(0x0807_4b50, 0);
  descriptor.writeUInt32LE(entry.checksum ?? 0, 4);
  if (large) for (const at of [8, 16]) descriptor.writeBigUInt64LE(BigInt(entry.size), at);
  else for (const at of [8, 12]) descriptor.writeUInt32LE(entry.size, at);
  return descriptor;
}

/** The record of an entry in the central directory (4.3.12). Only the first entry has its checksum in its header. */
export function recordOf(entry: Placed): Buffer {
  const name = Buffer.from(entry.name);
  const large = isLarge(entry);
  const record = Buffer.alloc(46);
  record.writeUInt32LE(0x0201_4b50, 0);
  record.writeUInt16LE(version.madeBy, 4);
  record.writeUInt16LE(large ? version.large : version.plain, 6);
  record.writeUInt16LE(entry.offset === 0 ? utf8 : utf8 | checksumFollows, 8);
  record.writeUInt32LE(dosTime(entry.modified), 12);
  record.writeUInt32LE(entry.checksum ?? 0, 16);
  record.writeUInt32LE(large ? tooLarge : entry.size, 20);
  record.writeUInt32LE(large ? tooLarge : entry.size, 24);
  record.writeUInt16LE(name.length, 28);
  record.writeUInt16LE(9 + (large ? sizes.largeField : 0), 30);
  record.writeUInt32LE((mode << 16) >>> 0, 38);
  record.writeUInt32LE(large ? tooLarge : entry.offset, 42);
  return Buffer.concat([record, name, timeField(entry.modified), ...(large ? [largeField(entry)] : [])]);
}

/** The records that end the central directory (4.3.14 to 4.3.16). */
export function directoryEnd({ count, start, length }: { count: number; start: number; length: number }): Buffer {
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x0605_4b50, 0);
  const large = count >= tooMany || start >= tooLarge || length >= tooLarge;
  for (const at of [8, 10]) end.writeUInt16LE(large ? tooMany : count, at);
  end.writeUInt32LE(large ? tooLarge : length, 12);
  end.writeUInt32LE(large ? tooLarge : start, 16);
  if (!large) return end;

  const largeEnd = Buffer.alloc(56);
  largeEnd.writeUInt32LE(0x0606_4b50, 0);
  largeEnd.writeBigUInt64LE(44n, 4);
  largeEnd.writeUInt16LE(version.madeBy, 12);
  largeEnd.writeUInt16LE(version.large, 14);
  for (const [index, value] of [count, count, length, start].entries())
    largeEnd.writeBigUInt64LE(BigInt(value), 24 + 8 * index);
  const locator = Buffer.alloc(20);
  locator.writeUInt32LE(0x0706_4b50, 0);
  locator.writeBigUInt64LE(BigInt(start + length), 8);
  locator.writeUInt32LE(1, 16);
  return Buffer.concat([largeEnd, locator, end]);
}

/** The extra field with the sizes and the place of a large entry (zip64, 4.5.3). */
function largeField({ size, offset }: Placed): Buffer {
  const field = Buffer.alloc(sizes.largeField);
  field.writeUInt16LE(0x0001, 0);
  field.writeUInt16LE(sizes.largeField - 4, 2);
  for (const [index, value] of [size, size, offset].entries()) field.writeBigUInt64LE(BigInt(value), 4 + 8 * index);
  return field;
}

/** The extra field with the time of change, in whole seconds of UTC, in the format of Info-ZIP. */
function timeField(modified: Date): Buffer {
  const field = Buffer.alloc(9);
  field.writeUInt16LE(0x5455, 0);
  field.writeUInt16LE(5, 2);
  field.writeUInt8(0b11, 4);
  field.writeInt32LE(Math.min(Math.max(Math.floor(modified.getTime() / 1_000), -0x8000_0000), 0x7fff_ffff), 5);
  return field;
}

const earliest = new Date(1980, 0, 1);
const latest = new Date(2107, 11, 31, 23, 59, 58);

/** The time of change in the time zone of this machine, in steps of two seconds (4.4.6). */
function dosTime(modified: Date): number {
  const time = modified < earliest ? earliest : modified > latest ? latest : modified;
  const date = ((time.getFullYear() - 1980) << 9) | ((time.getMonth() + 1) << 5) | time.getDate();
  const clock = (time.getHours() << 11) | (time.getMinutes() << 5) | Math.floor(time.getSeconds() / 2);
  return ((date << 16) | clock) >>> 0;
}
