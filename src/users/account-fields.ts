import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsEmail, IsString, Matches, MaxLength, MinLength, ValidateBy, ValidateIf } from 'class-validator';
import { emailForm } from '../config/email-address.js';
import { isVisible, visibleText } from '../http/visible-text.js';
import { isCommonPassword } from './common-passwords.js';

export { emailForm };

const minPasswordCharacters = 8;
const maxPasswordBytes = 1_024;

/**
 * Unicode's composed form (NFC), so that the same letters typed on two keyboards are the same text (NIST SP 800-63B
 * 3.1.1.2).
 */
const composed = (value: unknown) => (typeof value === 'string' ? value.normalize('NFC') : value);

/** A name in the form that people see, so that two names that look the same are the same. */
const nameForm = (name: string): string =>
  visibleText(name)
    .replace(/\p{Zs}+/gu, ' ')
    .trim();

/**
 * A text on one line that somebody chooses, such as a name. `what` names it in messages; `most` is its limit in
 * characters.
 */
export const NameField = (what: string, example: string, most = 100) =>
  applyDecorators(
    ApiProperty({ example, maxLength: most }),
    // a text that is too long is left unchanged, and the check below refuses it
    Transform(({ value }) =>
      typeof value === 'string' && charactersIn(value) <= most ? nameForm(value) : (value as unknown),
    ),
    // if several checks fail, the one that stands first here is shown
    IsString({ message: `Please give ${what}.` }),
    ValidateBy({
      name: 'isVisible',
      validator: {
        validate: (value) => typeof value === 'string' && isVisible(value),
        defaultMessage: () => `Please give ${what}.`,
      },
    }),
    Matches(/^[^\p{Cc}\p{Cs}\p{Zl}\p{Zp}]*$/u, { message: 'Please give a name on one line.' }),
    Matches(new RegExp(`^.{0,${most}}$`, 'su'), { message: `Please give a name of at most ${most} characters.` }),
  );

/** Text on any number of lines, of at most 1,000 characters. An empty text means no note. */
export const NoteField = (description: string) =>
  applyDecorators(
    ApiPropertyOptional({ maxLength: 1_000, description }),
    ValidateIf((_, value) => value !== undefined),
    Transform(({ value }) =>
      typeof value === 'string' ? value.normalize('NFC').replace(/\r\n?/g, '\n').trim() : (value as unknown),
    ),
    Matches(/^[^]{0,1000}$/u, { message: 'Please write at most 1,000 characters.' }),
    Matches(/^(?:[^\p{Cc}\p{Cs}]|[\n\t])*$/u, { message: 'Please write text without control characters.' }),
    IsString({ message: 'note is text.' }),
  );

/** The email address that somebody gives as their own. */
export const EmailField = () =>
  applyDecorators(
    ApiProperty({ example: 'ada@example.com', format: 'email', maxLength: 254 }),
    Transform(({ value }) => emailForm(value)),
    IsEmail({}, { message: 'Please give an email address, such as ada@example.com.' }),
    // a quoted local part may hold invisible characters, or characters that a mail's header reads as another address
    Matches(/^[^\s\p{C}\p{Default_Ignorable_Code_Point}\u2800<>]*$/u, {
      message: 'Please give an email address, such as ada@example.com.',
    }),
    Matches(/^.{0,254}$/su, { message: 'Please give an email address of at most 254 characters.' }),
  );

/** The email address of an account that may or may not exist. */
export const KnownEmailField = () =>
  applyDecorators(
    ApiProperty({ example: 'ada@example.com', format: 'email' }),
    Transform(({ value }) => emailForm(value)),
    IsString({ message: 'Please give your email address.' }),
    MinLength(1, { message: 'Please give your email address.' }),
    Matches(/^\P{Cc}*$/u, { message: 'Please give the email address you registered with.' }),
    MaxLength(254, { message: 'Please give the email address you registered with.' }),
  );

/** A password that somebody chooses. */
export const NewPasswordField = () =>
  applyDecorators(
    ApiProperty({
      example: 'a sentence only you would write',
      format: 'password',
      minLength: minPasswordCharacters,
      description: `At least ${minPasswordCharacters} characters and at most ${maxPasswordBytes} bytes; the commonest passwords are refused.`,
    }),
    Transform(({ value }) => composed(value)),
    ValidateBy({
      name: 'isGoodPassword',
      validator: {
        validate: (value) => passwordFault(value) === undefined,
        defaultMessage: (args) => passwordFault(args?.value) ?? '',
      },
    }),
  );

/**
 * A password that somebody already has. This does not check how good it is, because an old password must still work.
 */
export const KnownPasswordField = (message = 'Please give your password.') =>
  applyDecorators(
    ApiProperty({ example: 'a sentence only you would write', format: 'password' }),
    Transform(({ value }) => composed(value)),
    ValidateBy({
      name: 'isPassword',
      validator: {
        validate: (value) =>
          typeof value === 'string' && value.length > 0 && Buffer.byteLength(value) <= maxPasswordBytes,
        defaultMessage: () => message,
      },
    }),
  );

/**
 * Why a new password is refused, or undefined. Counts its length in Unicode characters, and allows any character (ASVS
 * 5.0 6.2).
 */
export function passwordFault(password: unknown): string | undefined {
  if (typeof password !== 'string' || password === '') return 'Please choose a password.';
  if (charactersIn(password) < minPasswordCharacters)
    return `Please choose a password of at least ${minPasswordCharacters} characters.`;
  if (Buffer.byteLength(password) > maxPasswordBytes)
    return 'Please choose a shorter password: 1,024 bytes is the most.';
  if (isCommonPassword(password))
    return 'That password is one of the commonest, the first that anyone would try. Please choose another.';
  return undefined;
}

/** Counts Unicode code points. JavaScript's `length` counts some characters as two. */
const charactersIn = (text: string) => Array.from(text).length;
