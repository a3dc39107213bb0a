import { Controller, Get, Header, Post, Req, Res } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { RequestStatusRow } from '../../application/ports/store/read-models.js';
import { GetRequestStatus, ReadSideBehindError } from '../../application/queries/questions.js';
import { holdsMyNumber } from '../../domain/values/my-number.js';
import { Open } from '../auth/roles.js';
import { writtenReceipt } from '../booth/receipt.js';
import { ProblemError, PROBLEMS, type ProblemCode } from '../contract/problems.js';
import { EdgeLimits } from '../edge/edge-limits.js';
import { receiptPage, UNKNOWN, type ShownStatus, type Words } from './receipt-page.js';

const PAGE_POLICY = "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/** Where holders of a receipt look, without a program: the same neutral status as the interface gives, in words.
 *  @req A11 */
@ApiExcludeController()
@Controller('receipt')
export class ReceiptPageController {
  constructor(
    private readonly queries: QueryBus,
    private readonly limits: EdgeLimits,
  ) {}

  @Get()
  @Open()
  @Header('content-type', 'text/html; charset=utf-8')
  @Header('content-security-policy', PAGE_POLICY)
  page(): string {
    return receiptPage(null);
  }

  @Post()
  @Open()
  @Header('content-type', 'text/html; charset=utf-8')
  @Header('content-security-policy', PAGE_POLICY)
  async show(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<string> {
    try {
      await this.limits.admit(request, 'statusPerMinute');
      const found = await this.statusOf(request.body);
      reply.code(found === null ? 404 : 200);
      return receiptPage(found ?? UNKNOWN);
    } catch (error) {
      // People read words here, and not the problem document of programs.
      const problem = error instanceof ReadSideBehindError ? new ProblemError('read_side_behind') : error;
      if (!(problem instanceof ProblemError)) throw error;
      reply.code(PROBLEMS[problem.code].status).header('retry-after', '5');
      return receiptPage(wordsOf(problem.code));
    }
  }

  private async statusOf(body: unknown): Promise<ShownStatus | null> {
    const typed = Buffer.isBuffer(body) ? new URLSearchParams(body.toString('utf8')).get('number') : null;
    const receipt = writtenReceipt(typed);
    if (receipt === null && typed !== null && holdsMyNumber(typed)) throw new ProblemError('my_number_present');
    return receipt === null
      ? null
      : this.queries.execute<GetRequestStatus, RequestStatusRow | null>(new GetRequestStatus(receipt));
  }
}

function wordsOf(code: ProblemCode): Words {
  const { ja, en } = PROBLEMS[code];
  return { ja, en };
}
