import { ValidateIf } from 'class-validator';

/**
 * A field that may be left out. Unlike class-validator's `IsOptional`, it lets no `null` past what the field must be:
 * `null` is given, and is no text, number or list.
 */
export const IfGiven = () => ValidateIf((_, value) => value !== undefined);
