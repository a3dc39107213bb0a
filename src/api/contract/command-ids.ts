import { createHash, randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Claims } from '../../application/door/claims.js';
import type { SignedInPerson } from '../auth/roles.js';
import { textHoldsMyNumber } from './json-body.js';
import { ProblemError } from './problems.js';
import { invalid } from '../signed-in-request.js';

const KEY = /^[\x21-\x7e]{1,128}$/;

/** Ids of commands that signed-in people send. */
@Injectable()
export class CommandIds {
  constructor(private readonly claims: Claims) {}

  /** The same id for the same person, Idempotency-Key, route and body, so that a repeated click is carried out once;
   * without the header every request is a command of its own. The key is this command's from here on, also when the
   * command is refused: asked for last, when the request has its form.
   * @throws {ProblemError} `idempotency_key_reused` when the key belongs to another command of this person */
  async of(request: FastifyRequest, { subject }: SignedInPerson): Promise<string> {
    const key = request.headers['idempotency-key'];
    if (key === undefined) return randomUUID();
    if (typeof key !== 'string' || !KEY.test(key))
      throw invalid({
        pointer: '',
        header: 'Idempotency-Key',
        expected: 'one header Idempotency-Key of 1 to 128 visible ASCII characters',
      });
    if (textHoldsMyNumber(key)) throw new ProblemError('my_number_present');
    const body = createHash('sha256')
      .update(Buffer.isBuffer(request.body) ? request.body : '')
      .digest('hex');
    const commandId = await this.claims.claimCommand({ subject, key }, [request.method, request.url, body]);
    if (commandId === null) throw new ProblemError('idempotency_key_reused');
    return commandId;
  }
}
