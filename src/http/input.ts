import { ValidationPipe, type ArgumentMetadata, type ValidationError } from '@nestjs/common';
import { InvalidInput, type FieldError } from './errors.js';

/** No input of ours is this deep. A deeper body is refused before any recursive code sees it. */
const maxDepth = 16;

/** Turns a body or query into its class-validator class, and drops fields that the class does not name. */
class InputPipe extends ValidationPipe {
  /** Classes that are valid with no fields, as most queries are. They are not validated again when empty. */
  private readonly rightWhenEmpty = new Set<unknown>();

  constructor() {
    super({
      whitelist: true,
      transform: true,
      stopAtFirstError: true,
      validationError: { target: false, value: false },
      exceptionFactory: (errors) => new InvalidInput(errors.flatMap((error) => fieldErrors(error))),
    });
  }

  override async transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    const { metatype } = metadata;
    const isEmpty = isObject(value) && Object.keys(value).length === 0;
    if (isEmpty && metatype && this.rightWhenEmpty.has(metatype)) return new metatype();
    const input: unknown = await super.transform(value, metadata);
    if (isEmpty && metatype) this.rightWhenEmpty.add(metatype);
    return input;
  }
}

export const inputPipe = new InputPipe();

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

/** Whether a parsed body is an object (not an array or a single value) that is not nested too deep. */
export function isReadableBody(body: unknown): body is object {
  if (!isObject(body) || Array.isArray(body)) return false;
  let level: object[] = [body];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth === maxDepth) return false;
    level = level.flatMap((value) => Object.values(value).filter(isObject));
  }
  return true;
}

/** A field of a body as text. Empty if it is not text. */
export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

function fieldErrors({ property, constraints, children = [] }: ValidationError, path = ''): FieldError[] {
  const field = path + property;
  return [
    ...Object.values(constraints ?? {}).map((message) => ({ field, message })),
    ...children.flatMap((child) => fieldErrors(child, `${field}.`)),
  ];
}
