import { BadRequestException } from '@nestjs/common';
import { randomBytes } from 'node:crypto';
import { text } from 'node:stream/consumers';
import type { ReadStream } from 'node:tty';

/** A password that nobody knows: its account is opened by a link. */
export const randomPassword = (): string => randomBytes(32).toString('base64url');

/** The password that a pipe or a file brings, without the line break at its end. Never an argument: others see those. */
export async function passwordFrom(input: ReadStream): Promise<string> {
  // a terminal would show what is typed
  if (input.isTTY) throw new BadRequestException('Send the password through a pipe or from a file: … < FILE');
  return (await text(input)).replace(/\r?\n$/, '');
}
