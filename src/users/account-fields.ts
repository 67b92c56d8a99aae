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

/** Unicode's composed form: the same letters typed on two keyboards are the same text (NIST SP 800-63B 3.1.1.2). */
const composed = (value: unknown) => (typeof value === 'string' ? value.normalize('NFC') : value);

/** A name as it looks: two that look the same are the same. */
const nameForm = (name: string): string =>
  visibleText(name)
    .replace(/\p{Zs}+/gu, ' ')
    .trim();

/** Text of a person's own choosing that stands on one line, such as a name; `what` is wanted, `most` characters of it. */
export const NameField = (what: string, example: string, most = 100) =>
  applyDecorators(
    ApiProperty({ example, maxLength: most }),
    // what is too long is refused as it came
    Transform(({ value }) =>
      typeof value === 'string' && charactersIn(value) <= most ? nameForm(value) : (value as unknown),
    ),
    // of several faults, the one that stands first here is told
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

/** Text on any number of lines, at most 1,000 characters; empty for nothing. */
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

/** The email address that somebody gives as theirs. */
export const EmailField = () =>
  applyDecorators(
    ApiProperty({ example: 'ada@example.com', format: 'email', maxLength: 254 }),
    Transform(({ value }) => emailForm(value)),
    IsEmail({}, { message: 'Please give an email address, such as ada@example.com.' }),
    // a quoted local part may hold what nobody sees, or what would be another address in a mail's header
    Matches(/^[^\s\p{C}\p{Default_Ignorable_Code_Point}\u2800<>]*$/u, {
      message: 'Please give an email address, such as ada@example.com.',
    }),
    Matches(/^.{0,254}$/su, { message: 'Please give an email address of at most 254 characters.' }),
  );

/** The email address of an account that may or may not be there. */
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

/** A password that somebody has. Says nothing of which are good: an old one must still be able to log in. */
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

/** Why a new password will not do, or undefined. Length in Unicode characters; any character goes (ASVS 5.0 6.2). */
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

/** In Unicode code points, not in the halves that JavaScript counts. */
const charactersIn = (text: string) => Array.from(text).length;
