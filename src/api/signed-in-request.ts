import type { FastifyRequest } from 'fastify';
import { parseJson } from './contract/json-body.js';
import { ProblemError } from './contract/problems.js';
import { validated, type FormError } from './contract/validation.js';

/** As the server writes its own ids. */
export const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** The JSON body of a signed-in person's request, in its form. @throws {ProblemError} `invalid_request` or
 * `my_number_present`. */
export function jsonBody<T extends object>(shape: new () => T, request: FastifyRequest): T {
  const parsed = Buffer.isBuffer(request.body) ? parseJson(request.body) : ({ outcome: 'malformed' } as const);
  if (parsed.outcome === 'my_number') throw new ProblemError('my_number_present');
  if (parsed.outcome === 'malformed') throw invalid({ pointer: '', expected: 'a JSON object as application/json' });
  const body = validated(shape, parsed.value);
  if ('errors' in body) throw invalid(...body.errors);
  return body.value;
}

/** A request id out of a path. @throws {ProblemError} `not_found` for anything that cannot be one. */
export function requestIdOf(text: string): string {
  if (!UUID.test(text)) throw new ProblemError('not_found');
  return text;
}

/** A positive number out of a path. @throws {ProblemError} with `code` for anything else. */
export function versionOf(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new ProblemError('policy_version_unknown');
  return Number(text);
}

export function invalid(...errors: readonly FormError[]): ProblemError {
  return new ProblemError('invalid_request', { extensions: { errors } });
}
