import type { Json, JsonObject } from '../../domain/event-envelope.js';
import { canonicalJson } from '../../domain/values/canonical-json.js';
import { shortText } from '../audit/print-table.js';
import { UsageError } from '../command.js';

/** Values of a policy with some of them changed, each written as `name=value`: `holdDueHours=48`,
 *  `photoQualityMin.EyesVisible=50`, `consentTextVersions=["2026-11","2027-01"]`.
 *  @throws {UsageError} for what has not that form, or names no value that there is */
export function changedValues(values: JsonObject, settings: readonly string[]): JsonObject {
  const changed = structuredClone(values) as Record<string, Json>;
  for (const setting of settings) {
    const [, name = '', text = ''] = /^([A-Za-z]+(?:\.[A-Za-z]+)?)=(.+)$/s.exec(setting) ?? [];
    if (name === '') throw new UsageError(`--set ${setting}: is written as NAME=VALUE, like holdDueHours=48`);
    const [outer = '', inner] = name.split('.');
    if (!Object.hasOwn(values, outer))
      throw new UsageError(`--set ${setting}: there is no ${outer}; there are ${Object.keys(values).join(', ')}`);
    const value = valueOf(text);
    const whole = changed[outer];
    if (inner === undefined) changed[outer] = value;
    else if (isObject(whole)) changed[outer] = { ...whole, [inner]: value };
    else throw new UsageError(`--set ${setting}: ${outer} has no members`);
  }
  return changed;
}

/** What differs, one line for each value, members of values apart. */
export function differenceLines(before: JsonObject, after: JsonObject, prefix = ''): readonly string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((name) => {
    const [was, is] = [before[name], after[name]];
    if (canonicalJson(was ?? null) === canonicalJson(is ?? null)) return [];
    if (isObject(was) && isObject(is)) return differenceLines(was, is, `${prefix}${name}.`);
    return [`${prefix}${name}  ${inWords(was)} → ${inWords(is)}`];
  });
}

function inWords(value: Json | undefined): string {
  return value === undefined ? 'nothing' : shortText(value);
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** JSON where it is some; else a text. */
function valueOf(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    // A name without quotes: the server says whether the value may be a text.
    return text;
  }
}
