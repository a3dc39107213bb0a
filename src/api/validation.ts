import { plainToInstance } from 'class-transformer';
import { registerDecorator, validateSync, type ValidationError } from 'class-validator';
import { isInstant } from '../domain/values/instant.js';

/** The number of an order, a ticket, a file: where more is written about something. */
export const REFERENCE = /^[A-Za-z0-9][A-Za-z0-9._:/#-]{0,63}$/;

/** A place in a request that has not the agreed form: a JSON pointer and what is expected there. Never the value. */
export interface FormError {
  readonly pointer: string;
  readonly expected: string;
}

export type Validated<T> = { readonly value: T } | { readonly errors: readonly FormError[] };

const ERRORS_MAX = 20;

/** Checks a decoded JSON value against a class with class-validator marks. Members that the class does not name are errors. */
export function validated<T extends object>(shape: new () => T, value: unknown): Validated<T> {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return { errors: [{ pointer: '', expected: 'a JSON object' }] };
  const instance = plainToInstance(shape, value);
  const found = validateSync(instance, { whitelist: true, forbidNonWhitelisted: true, forbidUnknownValues: true, stopAtFirstError: true, validationError: { target: false, value: false } });
  return found.length === 0 ? { value: instance } : { errors: found.flatMap((e) => formErrors(e, '')).slice(0, ERRORS_MAX) };
}

function formErrors(error: ValidationError, parent: string): FormError[] {
  const pointer = `${parent}/${error.property.slice(0, 64).replaceAll('~', '~0').replaceAll('/', '~1')}`;
  const own = Object.entries(error.constraints ?? {}).map(([rule, message]) => ({ pointer, expected: rule === 'whitelistValidation' ? 'no such member' : message }));
  return [...own, ...(error.children ?? []).flatMap((child) => formErrors(child, pointer))];
}

/** An instant in UTC, as events hold it. */
export function IsUtcInstant(): PropertyDecorator {
  return custom('isUtcInstant', 'must be an ISO-8601 instant in UTC, e.g. 2026-11-23T08:15:30.123Z', (value) => typeof value === 'string' && value.length <= 24 && isInstant(value));
}

/** Canonical base64 with padding of `min` to `max` bytes. */
export function IsBase64Bytes({ min, max }: { readonly min: number; readonly max: number }): PropertyDecorator {
  return custom('isBase64Bytes', `must be base64 of ${min} to ${max} bytes`, (value) => {
    if (typeof value !== 'string' || value.length > Math.ceil(max / 3) * 4) return false;
    const bytes = Buffer.from(value, 'base64');
    // Encoding it again must give the same text: Node's decoder forgives what the standard does not.
    return bytes.length >= min && bytes.length <= max && bytes.toString('base64') === value;
  });
}

function custom(name: string, message: string, holds: (value: unknown) => boolean): PropertyDecorator {
  return (target, propertyName) => {
    registerDecorator({ name, target: target.constructor, propertyName: String(propertyName), options: { message: () => message }, validator: { validate: holds } });
  };
}
