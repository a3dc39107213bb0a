import { plainToInstance, Transform } from 'class-transformer';
import { registerDecorator, validateSync, type ValidationError } from 'class-validator';
import { addMs, isInstant } from '../../domain/values/instant.js';

/** A place in a request that has not the agreed form, and what is expected there. Never the value. */
export interface FormError {
  /** JSON pointer into the body; '' is the body as a whole, or nothing of it. */
  readonly pointer: string;
  /** Name of the query parameter or of the header field, where it is one. */
  readonly parameter?: string;
  readonly header?: string;
  /** Name of the part of an upload, where it is one. A pointer then begins in that part. */
  readonly part?: string;
  readonly expected: string;
}

/** A query parameter that is not as expected. */
export function parameterError(parameter: string, expected: string): FormError {
  return { pointer: '', parameter, expected: `the query parameter ${parameter} ${expected}` };
}

const DATE = '[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])';
const TIME = '(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]';

/** How an instant that is signed is written: in UTC, to the millisecond at most. No `format` beside it: what reads a
 * date-time writes it again in a way of its own, and then the signature is over another text. */
export const SIGNED_INSTANT = new RegExp(`^${DATE}T${TIME}(?:\\.[0-9]{1,3})?Z$`);

/** How an instant in whichever offset is described to those who send one. */
export const ANY_INSTANT = {
  format: 'date-time',
  pattern: `^${DATE}[Tt]${TIME}(?:\\.[0-9]{1,9})?(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])$`,
} as const;

/** RFC 3339 with its offset; in a query string the plus of an offset becomes a space, which nobody means. */
const DATE_TIME = /^(\d{4}-\d{2}-\d{2})[Tt](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(?:[Zz]|([+ -])(\d{2}):(\d{2}))$/;
const OFFSET_MINUTES_MAX = 24 * 60;

/** An instant that somebody wrote in whichever offset, as events hold it: `2026-11-23T17:15:30+09:00` is
 *  `2026-11-23T08:15:30.000Z`. What is finer than a millisecond is cut off. @returns null for what is no instant */
export function utcInstantOf(text: string): string | null {
  const [, date, time, fraction = '', sign = '+', hours = '00', minutes = '00'] = DATE_TIME.exec(text) ?? [];
  if (date === undefined || Number(minutes) > 59) return null;
  const utc = `${date}T${time}.${fraction.slice(0, 3).padEnd(3, '0')}Z`;
  // A 30 February would be read as the second of March.
  if (!isInstant(utc) || new Date(utc).toISOString() !== utc) return null;
  const offset = Number(hours) * 60 + Number(minutes);
  if (offset >= OFFSET_MINUTES_MAX) return null;
  const instant = addMs(utc, (sign === '-' ? offset : -offset) * 60_000);
  // In UTC it may be in a year that has not four digits.
  return isInstant(instant) ? instant : null;
}

export type Validated<T> = { readonly value: T } | { readonly errors: readonly FormError[] };

const ERRORS_MAX = 20;

/** Checks a decoded JSON value against a class with class-validator marks. Members that the class does not name are
 * errors. */
export function validated<T extends object>(shape: new () => T, value: unknown): Validated<T> {
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    return { errors: [{ pointer: '', expected: 'a JSON object' }] };
  const instance = plainToInstance(shape, value);
  const found = validateSync(instance, {
    whitelist: true,
    forbidNonWhitelisted: true,
    forbidUnknownValues: true,
    stopAtFirstError: true,
    validationError: { target: false, value: false },
  });
  return found.length === 0
    ? { value: instance }
    : { errors: found.flatMap((e) => formErrors(e, '')).slice(0, ERRORS_MAX) };
}

function formErrors(error: ValidationError, parent: string): FormError[] {
  const pointer = `${parent}/${error.property.slice(0, 64).replaceAll('~', '~0').replaceAll('/', '~1')}`;
  const own = Object.entries(error.constraints ?? {}).map(([rule, message]) => ({
    pointer,
    expected: rule === 'whitelistValidation' ? 'no such member' : message,
  }));
  return [...own, ...(error.children ?? []).flatMap((child) => formErrors(child, pointer))];
}

/** An instant in UTC, as events hold it. */
export function IsUtcInstant(): PropertyDecorator {
  return custom(
    'isUtcInstant',
    'must be an ISO-8601 instant in UTC, e.g. 2026-11-23T08:15:30.123Z',
    (value) => typeof value === 'string' && SIGNED_INSTANT.test(value) && isInstant(value),
  );
}

/** An instant in whichever offset; the body holds it in UTC, as events do. */
export function IsAnyInstant(): PropertyDecorator {
  const message = 'must be an instant with its offset, like 2026-11-23T08:15:30Z or 2026-11-23T17:15:30+09:00';
  const read = Transform(({ value }: { value: unknown }) =>
    typeof value === 'string' ? (utcInstantOf(value) ?? value) : value,
  );
  const check = custom('isAnyInstant', message, (value) => typeof value === 'string' && isInstant(value));
  return (target, name) => [read, check].forEach((decorate) => decorate(target, name));
}

/** Describes a place in the log, or a number of its entries: up to fifteen digits. */
export const PLACE = { type: 'integer', minimum: 0, maximum: 999_999_999_999_999 } as const;

/** Describes what {@link IsBase64Bytes} takes. */
export function base64Schema({ min, max }: { readonly min: number; readonly max: number }): object {
  const digit = '[A-Za-z0-9+/]';
  const [one, two] = [`${digit}[AQgw]==`, `${digit}{2}[AEIMQUYcgkosw048]=`];
  const exact = `(?:${digit}{4}){${Math.floor(max / 3)}}${['', one, two][max % 3]}`;
  return {
    type: 'string',
    contentEncoding: 'base64',
    minLength: Math.ceil(min / 3) * 4,
    maxLength: Math.ceil(max / 3) * 4,
    pattern: min === max ? `^${exact}$` : `^(?:${digit}{4})*(?:${one}|${two})?$`,
  };
}

/** Canonical base64 with padding of `min` to `max` bytes. */
export function IsBase64Bytes({ min, max }: { readonly min: number; readonly max: number }): PropertyDecorator {
  const size = min === max ? `exactly ${min}` : `${min} to ${max}`;
  return custom('isBase64Bytes', `must be base64 of ${size} bytes`, (value) => {
    if (typeof value !== 'string' || value.length > Math.ceil(max / 3) * 4) return false;
    const bytes = Buffer.from(value, 'base64');
    // Encoding it again must give the same text: Node's decoder forgives what the standard does not.
    return bytes.length >= min && bytes.length <= max && bytes.toString('base64') === value;
  });
}

function custom(name: string, message: string, holds: (value: unknown) => boolean): PropertyDecorator {
  return (target, propertyName) => {
    registerDecorator({
      name,
      target: target.constructor,
      propertyName: String(propertyName),
      options: { message: () => message },
      validator: { validate: holds },
    });
  };
}
