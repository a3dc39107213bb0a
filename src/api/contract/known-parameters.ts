import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { ACCESS_MARK, type AccessMark } from '../auth/roles.js';
import { refuseOthers, type QueryParameters } from '../audit/list-question.js';

/** Where `@ApiQuery` keeps what an operation is described with. */
const DESCRIBED = 'swagger/apiParameters';

/** Refuses a query parameter that the operation does not describe, of everybody who is signed in: a filter with a
 * slip of the pen in its name would otherwise be answered as if nothing had been filtered. */
@Injectable()
export class KnownParameters implements NestInterceptor {
  constructor(private readonly reflector: Reflector) {}

  /** @throws {ProblemError} `invalid_request` */
  intercept(context: ExecutionContext, next: CallHandler): ReturnType<CallHandler['handle']> {
    const handler = context.getHandler();
    const mark = this.reflector.getAllAndOverride<AccessMark | undefined>(ACCESS_MARK, [handler, context.getClass()]);
    if (mark && 'roles' in mark) {
      const { query } = context.switchToHttp().getRequest<FastifyRequest>();
      refuseOthers(query as QueryParameters, this.described(handler));
    }
    return next.handle();
  }

  private described(handler: ReturnType<ExecutionContext['getHandler']>): readonly string[] {
    const parameters = this.reflector.get<readonly { name: string; in: string }[] | undefined>(DESCRIBED, handler);
    return (parameters ?? []).filter((one) => one.in === 'query').map(({ name }) => name);
  }
}
