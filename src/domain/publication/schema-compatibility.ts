import type { Json, JsonObject } from '../event-envelope.js';
import { canonicalJson } from '../values/canonical-json.js';

/** Words about a schema that change nothing about which documents fit. */
const ANNOTATIONS = new Set([
  '$id',
  '$schema',
  '$comment',
  'title',
  'description',
  'examples',
  'deprecated',
  'default',
]);

export interface Incompatibility {
  /** JSON Pointer into the schema. */
  readonly at: string;
  readonly problem: string;
}

/** What keeps two revisions of one type from being compatible in both directions, so that producers and consumers can
 * be upgraded in any order. Only optional properties may come and go, and words may change; every other difference is
 * named. Compare a candidate with every earlier revision (transitivity): a property that went and comes back with
 * another meaning is found that way. */
export function incompatibilities(earlier: JsonObject, candidate: JsonObject, at = ''): readonly Incompatibility[] {
  const keywords = [...new Set([...Object.keys(earlier), ...Object.keys(candidate)])].filter(
    (keyword) => !ANNOTATIONS.has(keyword) && keyword !== 'properties' && keyword !== 'required',
  );
  return [
    ...keywords
      .filter((keyword) => !same(earlier[keyword], candidate[keyword]))
      .map((keyword) => ({ at: `${at}/${keyword}`, problem: changed(keyword, earlier[keyword], candidate[keyword]) })),
    ...requiredDifferences(earlier, candidate, at),
    ...propertyDifferences(earlier, candidate, at),
  ];
}

function requiredDifferences(earlier: JsonObject, candidate: JsonObject, at: string): Incompatibility[] {
  const [before, after] = [namesIn(earlier['required']), namesIn(candidate['required'])];
  return [
    ...after
      .filter((name) => !before.includes(name))
      .map((name) => ({
        at: `${at}/required`,
        problem: `${name} has become required: events stored before it do not have it`,
      })),
    ...before
      .filter((name) => !after.includes(name))
      .map((name) => ({
        at: `${at}/required`,
        problem: `${name} is no longer required: consumers of the earlier revision rely on it`,
      })),
  ];
}

function propertyDifferences(earlier: JsonObject, candidate: JsonObject, at: string): Incompatibility[] {
  const [before, after] = [objectIn(earlier['properties']), objectIn(candidate['properties'])];
  const shared = Object.keys(before).filter((name) => Object.hasOwn(after, name));
  return shared.flatMap((name) => [
    ...incompatibilities(objectIn(before[name]), objectIn(after[name]), `${at}/properties/${name}`),
  ]);
}

function changed(keyword: string, before: Json | undefined, after: Json | undefined): string {
  if (before === undefined) return `${keyword} was added`;
  return after === undefined
    ? `${keyword} was removed`
    : `${keyword} changed from ${canonicalJson(before)} to ${canonicalJson(after)}`;
}

function same(a: Json | undefined, b: Json | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return canonicalJson(a) === canonicalJson(b);
}

function namesIn(value: Json | undefined): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

function objectIn(value: Json | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}
