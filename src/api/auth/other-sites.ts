import type { FastifyRequest } from 'fastify';
import { ProblemError } from '../contract/problems.js';

const READS = new Set(['GET', 'HEAD']);

/** A browser shows its cookie whoever made it ask; for what changes something it has to say that our own page did.
 *  @throws {ProblemError} `other_site` */
export function refuseOtherSites(request: FastifyRequest): void {
  if (!READS.has(request.method) && request.headers['sec-fetch-site'] !== 'same-origin')
    throw new ProblemError('other_site');
}
