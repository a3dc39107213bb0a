import { createParamDecorator, SetMetadata, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';

/** `consumer`: a program that is told what is published, and nothing else. */
export type Role = 'officer' | 'auditor' | 'administrator' | 'consumer';
export const ROLES = ['officer', 'auditor', 'administrator', 'consumer'] as const satisfies readonly Role[];

/** Who is asking, after the guard. */
export interface SignedInPerson {
  /** `sub` of the token: what events call the officer. */
  readonly subject: string;
  readonly roles: readonly Role[];
}

export const ACCESS_MARK = 'honnin:access';
export type AccessMark = { readonly open: true } | { readonly roles: readonly Role[] };

/** Only for people with one of these roles. */
export const Roles = (...roles: readonly [Role, ...Role[]]) => SetMetadata<string, AccessMark>(ACCESS_MARK, { roles });

/** For everybody: booths prove themselves by their signature, receipts by being unguessable. A route without a mark is
 * served to nobody. */
export const Open = () => SetMetadata<string, AccessMark>(ACCESS_MARK, { open: true });

const people = new WeakMap<FastifyRequest, SignedInPerson>();

export function rememberPerson(request: FastifyRequest, person: SignedInPerson): void {
  people.set(request, person);
}

/** The person whom the guard let in. @throws when the route is open, which is a bug in the controller. */
export const SignedIn = createParamDecorator((_: undefined, context: ExecutionContext): SignedInPerson => {
  const person = people.get(context.switchToHttp().getRequest<FastifyRequest>());
  if (!person) throw new Error('a route that asks who is signed in must be marked with @Roles');
  return person;
});
