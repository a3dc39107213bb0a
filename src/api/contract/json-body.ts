import type { IncomingHttpHeaders } from 'node:http';
import { holdsMyNumber } from '../../domain/values/my-number.js';

export type ParsedJson =
  | { readonly outcome: 'parsed'; readonly value: unknown }
  | { readonly outcome: 'my_number' }
  | { readonly outcome: 'malformed' };

/** Deeper than anything of ours; keeps every later walk over the value shallow. */
const DEPTH_MAX = 8;
const FORBIDDEN_NAMES = new Set(['__proto__', 'constructor', 'prototype']);
/** A UUID is hexadecimal in fixed groups, and one in 120 random ones has digits where a My Number would have them. */
const UUID = /(?<![0-9a-z])[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![0-9a-z])/giu;
/** HTTP libraries choose boundaries themselves, and a common one ends in exactly twelve digits. */
const BOUNDARY = /;\s*boundary\s*=\s*("(?:[^"\\]|\\.)*"|[^;\s]*)/giu;

/** Reads a JSON text that somebody sent. Looks for a My Number before anything else: in the text as it came, and in
 * every name, string and number after decoding, because escapes (`\u0031`) and exponents hide digits. @req R2 */
export function parseJson(bytes: Uint8Array): ParsedJson {
  const text = utf8(bytes);
  if (text === null) return { outcome: 'malformed' };
  if (textHoldsMyNumber(text)) return { outcome: 'my_number' };
  if (!isShallow(text)) return { outcome: 'malformed' };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's message quotes the text, which may be personal data: only the fact is kept.
    return { outcome: 'malformed' };
  }
  if (valueHoldsMyNumber(value)) return { outcome: 'my_number' };
  return hasForbiddenName(value) ? { outcome: 'malformed' } : { outcome: 'parsed', value };
}

/** True when a name or value of the header fields could hold a My Number. */
export function headersHoldMyNumber(headers: IncomingHttpHeaders): boolean {
  return Object.entries(headers).some(([name, value]) => {
    const values = typeof value === 'string' ? [value] : (value ?? []);
    return (
      textHoldsMyNumber(name) ||
      values.some((v) => textHoldsMyNumber(name === 'content-type' ? v.replace(BOUNDARY, '') : v))
    );
  });
}

/** `holdsMyNumber` for texts in which UUIDs occur by right. */
export function textHoldsMyNumber(text: string): boolean {
  return holdsMyNumber(text.replace(UUID, ' '));
}

function valueHoldsMyNumber(value: unknown): boolean {
  if (typeof value === 'string') return textHoldsMyNumber(value);
  if (typeof value === 'number') return holdsMyNumber(String(value));
  if (value === null || typeof value !== 'object') return false;
  return Object.entries(value).some(([name, member]) => textHoldsMyNumber(name) || valueHoldsMyNumber(member));
}

function hasForbiddenName(value: unknown): boolean {
  if (value === null || typeof value !== 'object') return false;
  return Object.entries(value).some(([name, member]) => FORBIDDEN_NAMES.has(name) || hasForbiddenName(member));
}

function utf8(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    // Not UTF-8, so not JSON (RFC 8259, section 8.1).
    return null;
  }
}

/** Counts brackets outside strings before parsing, so that the depth is bounded before any object exists. */
function isShallow(text: string): boolean {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (inString) {
      if (c === '\\') i++;
      else if (c === '"') inString = false;
    } else if (c === '"') inString = true;
    else if (c === '{' || c === '[') {
      if (++depth > DEPTH_MAX) return false;
    } else if (c === '}' || c === ']') depth--;
  }
  return true;
}
