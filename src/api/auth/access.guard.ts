import { Injectable, Logger, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { Lockouts } from '../../application/access/lockouts.js';
import { Metrics } from '../metrics.js';
import { ProblemError } from '../contract/problems.js';
import { SESSION_COOKIE, Sessions } from '../session/sessions.js';
import { AccessRefusals } from './access-refusals.js';
import { refuseOtherSites } from './other-sites.js';
import { ACCESS_MARK, rememberPerson, type AccessMark, type Role } from './roles.js';
import { TokenVerifier } from './token-verifier.js';

const BEARER = /^Bearer ([A-Za-z0-9\-._~+/]+=*)$/i;

/** An auditor's export tells what the first officer thinks: who has both roles reviews blind no more. */
const EXCLUSIVE: readonly Role[] = ['officer', 'auditor'];

/** Lets people with the right role in. Closed by default: a route without a mark is a bug and is not served. */
@Injectable()
export class AccessGuard implements CanActivate {
  private readonly logger = new Logger(AccessGuard.name);

  constructor(
    private readonly reflector: Reflector,
    private readonly tokens: TokenVerifier,
    private readonly sessions: Sessions,
    private readonly refusals: AccessRefusals,
    private readonly metrics: Metrics,
    private readonly lockouts: Lockouts,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const mark = this.reflector.getAllAndOverride<AccessMark | undefined>(ACCESS_MARK, [
      context.getHandler(),
      context.getClass(),
    ]);
    if (!mark) throw new Error(`${context.getClass().name}.${context.getHandler().name} says neither @Open nor @Roles`);
    if ('open' in mark) return true;
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const person = await this.personOf(request);
    const what = `${request.method} ${request.routeOptions.url ?? 'unmatched'}`;
    if (await this.lockouts.isLockedOut(person.subject))
      await this.refusals.refuse(person, what, 'locked_out', 'locked_out');
    if (EXCLUSIVE.every((role) => person.roles.includes(role)))
      await this.refusals.refuse(person, what, `roles_incompatible:${EXCLUSIVE.join('|')}`, 'roles_incompatible');
    if (!mark.roles.some((role) => person.roles.includes(role)))
      await this.refusals.refuse(person, what, `needs_role:${mark.roles.join('|')}`);
    rememberPerson(request, person);
    return true;
  }

  private async personOf(request: FastifyRequest) {
    const token = await this.tokenOf(request);
    // RFC 6750, section 3.1: no error code when no token was sent.
    if (token === undefined) throw this.unauthenticated('no_token', 'Bearer');
    const verdict = await this.tokens.verify(token);
    switch (verdict.verdict) {
      case 'valid':
        return verdict.person;
      case 'invalid':
        throw this.unauthenticated(verdict.cause, 'Bearer error="invalid_token"');
      case 'unknown':
        this.logger.warn(`the sign-in service's keys could not be had: ${verdict.cause}`);
        throw new ProblemError('sign_in_unavailable', { retryAfterSeconds: 5 });
      case 'not_configured':
        throw new ProblemError('sign_in_not_configured');
    }
  }

  /** A program's bearer token, or that of a browser that is signed in. */
  private async tokenOf(request: FastifyRequest): Promise<string | undefined> {
    const { authorization } = request.headers;
    if (authorization !== undefined) return BEARER.exec(authorization)?.[1];
    const cookie = request.cookies[SESSION_COOKIE];
    if (cookie === undefined) return undefined;
    refuseOtherSites(request);
    return (await this.sessions.accessTokenOf(cookie)) ?? undefined;
  }

  private unauthenticated(cause: string, wwwAuthenticate: string): ProblemError {
    this.metrics.signInFailures.inc({ cause });
    return new ProblemError('unauthenticated', { wwwAuthenticate });
  }
}
