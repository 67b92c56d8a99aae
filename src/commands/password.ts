import { BadRequestException } from '@nestjs/common';
import { randomBytes } from 'node:crypto';
import { text } from 'node:stream/consumers';
import type { ReadStream } from 'node:tty';

/** A password that nobody knows. The account's owner chooses their own by a link. */
export const randomPassword = (): string => randomBytes(32).toString('base64url');

/**
 * Reads the password from a pipe or a file, without the line break at its end. It is never an argument, because other
 * users of the machine can see those.
 *
 * @throws BadRequestException if the input is a terminal.
 */
export async function passwordFrom(input: ReadStream): Promise<string> {
  // a terminal would show the password as it is typed
  if (input.isTTY) throw new BadRequestException('Send the password through a pipe or from a file: … < FILE');
  return (await text(input)).replace(/\r?\n$/, '');
}
