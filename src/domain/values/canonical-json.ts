import type { Json } from '../event-envelope.js';

/** RFC 8785 (JSON Canonicalization Scheme): one text for one value, so that it can be signed and hashed. Members are
 * sorted by UTF-16 code units; numbers and strings are written as ECMAScript writes them, which is what the RFC asks
 * for.
 * @throws {RangeError} for what JSON would drop or change silently: NaN, infinities, `undefined`, bigint, functions,
 *   `Date`, other classes. */
export function canonicalJson(value: Json): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new RangeError('JSON has no infinite numbers and no NaN');
    return JSON.stringify(value);
  }
  if (isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (!isPlainObject(value))
    throw new RangeError(`a value of type ${Object.prototype.toString.call(value)} cannot be written as JSON`);
  const members = Object.keys(value)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key] as Json)}`);
  return `{${members.join(',')}}`;
}

function isArray(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

/** Plain also across realms (a test runner has its own global `Object`): judged by the shape of the prototype chain,
 * not by identity. */
function isPlainObject(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return (
    prototype === null ||
    (Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, 'hasOwnProperty'))
  );
}
