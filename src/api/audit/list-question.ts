import { applyDecorators } from '@nestjs/common';
import { ApiQuery } from '@nestjs/swagger';
import type { AskedMoment } from '../../application/audit/moments.js';
import type { ListQuestion } from '../../application/audit/audit-lists.js';
import { FILTERS_OF, type ListFilter } from '../../domain/audit/lists/list-certificate.js';
import { REQUEST_STAGES, type ListName } from '../../domain/audit/lists/list-drawer.js';
import { BOOTH_ID } from '../../domain/booth/booth.js';
import { invalid } from '../signed-in-request.js';
import { ANY_INSTANT, parameterError, PLACE, utcInstantOf } from '../contract/validation.js';

export type QueryParameters = Readonly<Record<string, unknown>>;

const LIMIT_DEFAULT = 50;
const LIMIT_MAX = 200;
const REQUEST_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const PAGING = ['limit', 'cursor'];
const BOUNDS: ReadonlySet<keyof ListFilter> = new Set(['from', 'to']);
const FORM_OF: Readonly<
  Record<keyof ListFilter, { readonly is: (text: string) => boolean; readonly expected: string }>
> = {
  from: { is: isAnyInstant, expected: 'an instant with its offset, like 2026-11-23T00:00:00+09:00' },
  to: { is: isAnyInstant, expected: 'an instant with its offset, like 2026-11-23T23:59:59.999+09:00' },
  boothId: { is: (text) => BOOTH_ID.test(text), expected: 'the id of a booth' },
  stage: { is: (text) => REQUEST_STAGES.includes(text), expected: `one of ${REQUEST_STAGES.join(', ')}` },
  include: { is: (text) => text === 'resolved', expected: 'absent or "resolved"' },
  requestId: { is: (text) => REQUEST_ID.test(text), expected: 'a request id' },
};

function isAnyInstant(text: string): boolean {
  return utcInstantOf(text) !== null;
}

/** What the query string asks of a list. @throws {ProblemError} `invalid_request` for a parameter that the list does
 * not know, or of another form */
export function listQuestion(list: ListName, given: QueryParameters, { isNowOnly = false } = {}): ListQuestion {
  const known = [...FILTERS_OF[list], ...PAGING, ...(isNowOnly ? [] : ['at', 'position', 'withNames'])];
  refuseOthers(given, known);
  return {
    list,
    filter: filterOf(list, given),
    moment: isNowOnly ? 'now' : momentOf(given),
    withNames: flagOf(given, 'withNames'),
    cursor: textOf(given, 'cursor'),
    limit: limitOf(given['limit']),
  };
}

export function filterOf(list: ListName, given: QueryParameters, names = FILTERS_OF[list]): ListFilter {
  const filter: ListFilter = Object.fromEntries(
    names.flatMap((name) => {
      const text = textOf(given, name);
      if (text === null) return [];
      if (!FORM_OF[name].is(text)) throw invalid(parameterError(name, `is ${FORM_OF[name].expected}`));
      return [[name, BOUNDS.has(name) ? utcInstantOf(text) : text]];
    }),
  );
  if (filter.from !== undefined && filter.to !== undefined && Date.parse(filter.from) > Date.parse(filter.to))
    throw invalid(parameterError('from', 'is not later than to'));
  return filter;
}

/** Filters of a list that is compared at two moments: its `from` and `to` are those moments. */
export function filtersOfComparison(list: ListName): readonly (keyof ListFilter)[] {
  return FILTERS_OF[list].filter((name) => !BOUNDS.has(name));
}

/** `at` (an instant) or `position` (a place in the log), or neither. @throws {ProblemError} `invalid_request` */
export function momentOf(given: QueryParameters): AskedMoment {
  if (given['at'] !== undefined && given['position'] !== undefined)
    throw invalid({ pointer: '', parameter: 'at', expected: 'at most one of the query parameters at and position' });
  if (given['at'] !== undefined) return { atUtc: instantOf(given['at'], 'at') };
  return given['position'] === undefined ? 'now' : { position: placeOf(given['position'], 'position') };
}

/** A moment in one parameter: digits are a place in the log, anything else an instant. @throws {ProblemError}
 * `invalid_request` */
export function eitherMomentOf(given: QueryParameters, name: string): AskedMoment {
  const value = given[name];
  if (value === undefined)
    throw invalid(parameterError(name, 'is an instant with its offset, or a position in the log'));
  return typeof value === 'string' && /^-?\d+$/.test(value)
    ? { position: placeOf(value, name) }
    : { atUtc: instantOf(value, name) };
}

export function refuseOthers(given: QueryParameters, known: readonly string[]): void {
  const other = Object.keys(given).find((name) => !known.includes(name));
  if (other === undefined) return;
  throw invalid({
    pointer: '',
    parameter: other.slice(0, 64),
    expected: known.length === 0 ? 'there are no query parameters' : `the query parameters are ${known.join(', ')}`,
  });
}

function instantOf(value: unknown, name: string): string {
  const instant = typeof value === 'string' ? utcInstantOf(value) : null;
  if (instant !== null) return instant;
  throw invalid(
    parameterError(name, 'is an instant with its offset, like 2026-11-23T08:15:30Z or 2026-11-23T17:15:30+09:00'),
  );
}

function placeOf(value: unknown, name: string): number {
  if (typeof value === 'string' && /^\d{1,15}$/.test(value)) return Number(value);
  throw invalid(parameterError(name, 'is a position in the log: a whole number from 0'));
}

function textOf(given: QueryParameters, name: string): string | null {
  const value = given[name];
  if (value === undefined) return null;
  if (typeof value !== 'string' || value === '') throw invalid(parameterError(name, 'comes once and with a value'));
  return value;
}

function flagOf(given: QueryParameters, name: string): boolean {
  const value = given[name];
  if (value !== undefined && value !== 'true' && value !== 'false')
    throw invalid(parameterError(name, 'is true or false'));
  return value === 'true';
}

function limitOf(text: unknown): number {
  if (text === undefined) return LIMIT_DEFAULT;
  const limit = typeof text === 'string' && /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (limit < 1 || limit > LIMIT_MAX) throw invalid(parameterError('limit', `is an integer 1..${LIMIT_MAX}`));
  return limit;
}

/** Documents `limit` and `cursor`. */
export function PagingQuery(): MethodDecorator {
  return applyDecorators(
    ApiQuery({
      name: 'limit',
      required: false,
      schema: { type: 'integer', minimum: 1, maximum: LIMIT_MAX, default: LIMIT_DEFAULT },
    }),
    ApiQuery({
      name: 'cursor',
      required: false,
      description: '`next` of the page before: the same list at the same moment goes on',
      schema: { type: 'string', pattern: '^[1-9][0-9]{0,14}-[1-9][0-9]{0,14}$' },
    }),
  );
}

/** Documents `from` and `to` of lists. @param lists which of them have a time, where not all that the route gives do */
export function BoundsQuery(lists = ''): MethodDecorator {
  const bound = (name: 'from' | 'to', says: string) =>
    ApiQuery({
      name,
      required: false,
      description: `${lists}Only rows of this instant or ${says}, in any offset; clipped to what the log tells of, and the answer says so`,
      schema: { type: 'string', ...ANY_INSTANT },
    });
  return applyDecorators(bound('from', 'later'), bound('to', 'earlier'));
}

/** Documents `at` and `position`. */
export function MomentQuery(): MethodDecorator {
  return applyDecorators(
    ApiQuery({
      name: 'at',
      required: false,
      description: 'An instant in any offset, inclusive; not in the future and not before the first event',
      schema: { type: 'string', ...ANY_INSTANT },
    }),
    ApiQuery({
      name: 'position',
      required: false,
      description: 'A position in the log, inclusive, instead of `at`',
      schema: PLACE,
    }),
  );
}

/** Documents a moment in one parameter. */
export function EitherMomentQuery(name: string): MethodDecorator {
  return ApiQuery({
    name,
    required: true,
    description:
      'An instant in any offset, or a position in the log, inclusive; one outside of the log is clipped, and the answer says so',
    // One string: of a choice between instant and number some generators make code that does not compile.
    schema: { type: 'string', pattern: `^(?:[0-9]{1,15}|${ANY_INSTANT.pattern.slice(1, -1)})$` },
  });
}
