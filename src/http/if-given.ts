import { ValidateIf } from 'class-validator';

/**
 * A field that may be left out. Unlike class-validator's `IsOptional`, it refuses `null`, because `null` is a value but
 * not text, a number or a list.
 */
export const IfGiven = () => ValidateIf((_, value) => value !== undefined);
