import { randomUUID } from 'node:crypto';
import { Controller, Get, HttpCode, Post, Req } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { ListLockouts, LockOut } from '../../application/access/lockouts.js';
import { RecordView } from '../../application/access/view-records.js';
import { ProposeAct, type ToldAct } from '../../application/commands/dual-control.js';
import type { Outcome } from '../../application/decisions/outcome.js';
import type { Lockout } from '../../domain/access/lockout.js';
import { Roles, SignedIn, type SignedInPerson } from '../auth/roles.js';
import { valueOf } from '../contract/answer.js';
import { CommandIds } from '../contract/command-ids.js';
import { SignedInProblems, StatedIn } from '../contract/openapi.js';
import { jsonBody } from '../signed-in-request.js';
import { actAnswer } from './act-answer.js';
import { ActAnswer } from './administrator.dto.js';
import { LockoutAnswer, LockoutBody, LockoutsAnswer, ReadmissionBody } from './lockout.dto.js';

/** Who of the staff may not act, whatever a token says: one administrator keeps out, two let in again. */
@ApiTags('Administrators')
@Controller('v1/lockouts')
export class LockoutsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
    private readonly ids: CommandIds,
  ) {}

  @Get()
  @Roles('administrator', 'auditor')
  @ApiOperation({ operationId: 'listLockouts', summary: 'Everybody who is locked out now, on record' })
  @ApiResponse({ status: 200, type: LockoutsAnswer, description: 'Who is locked out' })
  @SignedInProblems()
  async list(@SignedIn() person: SignedInPerson): Promise<LockoutsAnswer> {
    await this.commands.execute(new RecordView(randomUUID(), person.subject, 'lockouts', null, {}));
    const lockedOut = await this.queries.execute<ListLockouts, readonly Lockout[]>(new ListLockouts());
    return { lockouts: lockedOut.map(lockoutAnswer) };
  }

  @Post()
  @Roles('administrator')
  @HttpCode(200)
  @ApiOperation({
    operationId: 'lockOut',
    summary: 'Locks a person out at once, on every server, before the access token ends; what is open to them ends',
  })
  @ApiResponse({ status: 200, type: LockoutAnswer, description: 'The lock-out; that of before, where there was one' })
  @StatedIn(LockoutBody)
  async lockOut(@Req() request: FastifyRequest, @SignedIn() person: SignedInPerson): Promise<LockoutAnswer> {
    const { subject, reason, reference } = jsonBody(LockoutBody, request);
    const command = new LockOut(await this.ids.of(request, person), subject, reason, reference, person.subject);
    return lockoutAnswer(valueOf(await this.commands.execute<LockOut, Outcome<Lockout>>(command)));
  }

  @Post('readmissions')
  @Roles('administrator')
  @HttpCode(202)
  @ApiOperation({
    operationId: 'proposeReadmission',
    summary: 'Proposes to let a person in again who is locked out. Another administrator agrees (`/v1/acts`)',
  })
  @ApiResponse({ status: 202, type: ActAnswer, description: 'The proposal' })
  @StatedIn(ReadmissionBody, 'person_not_locked_out')
  async readmit(@Req() request: FastifyRequest, @SignedIn() person: SignedInPerson): Promise<ActAnswer> {
    const { subject, reason, reference } = jsonBody(ReadmissionBody, request);
    const proposal = { act: 'readmit_person', subject } as const;
    const command = new ProposeAct(await this.ids.of(request, person), proposal, reason, reference, person.subject);
    return actAnswer(await this.commands.execute<ProposeAct, Outcome<ToldAct>>(command));
  }
}

function lockoutAnswer({ subject, reason, reference, by }: Lockout): LockoutAnswer {
  return { subject, reason, reference, by };
}
