import { randomUUID } from 'node:crypto';
import { Controller, Get } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiOperation, ApiProperty, ApiResponse, ApiTags } from '@nestjs/swagger';
import { ViewWaitingCases } from '../../application/access/view-waiting-cases.js';
import type { StoppedCase, StuckStep, WaitingCases } from '../../application/ports/store/open-cases.js';
import { Roles, SignedIn, type SignedInPerson } from '../auth/roles.js';
import { SignedInProblems } from '../contract/openapi.js';

class StoppedCaseAnswer implements StoppedCase {
  @ApiProperty({ format: 'uuid' })
  requestId!: string;

  @ApiProperty({ enum: ['material_differed', 'material_missing'] })
  cause!: 'material_differed' | 'material_missing';

  @ApiProperty({ format: 'date-time' })
  receivedAtUtc!: string;
}

class StuckStepAnswer implements StuckStep {
  @ApiProperty({ format: 'uuid' })
  requestId!: string;

  @ApiProperty({ description: 'Names the step to `POST /v1/cases/{requestId}/effects/{effectId}/resumption`' })
  effectId!: string;

  @ApiProperty({ description: 'What the step does' })
  effect!: string;

  @ApiProperty({ type: 'string', nullable: true, description: 'What the last try met, if nobody expected it' })
  error!: string | null;
}

class WaitingCasesAnswer implements WaitingCases {
  @ApiProperty({ type: [StoppedCaseAnswer], description: 'What is kept of them is not what was received, or is gone' })
  stopped!: readonly StoppedCaseAnswer[];

  @ApiProperty({ type: [StuckStepAnswer], description: 'Steps that were tried as often as the policy says' })
  stuck!: readonly StuckStepAnswer[];
}

/** Cases that go on when an administrator has done something. */
@ApiTags('Administrators')
@Controller('v1/waiting-cases')
export class WaitingCasesController {
  constructor(private readonly commands: CommandBus) {}

  @Get()
  @Roles('administrator', 'auditor')
  @ApiOperation({ operationId: 'listWaitingCases', summary: 'Cases that are stopped, and steps that were given up on' })
  @ApiResponse({ status: 200, type: WaitingCasesAnswer, description: 'What waits for an administrator' })
  @SignedInProblems('read_side_behind')
  async list(@SignedIn() person: SignedInPerson): Promise<WaitingCasesAnswer> {
    return this.commands.execute<ViewWaitingCases, WaitingCases>(new ViewWaitingCases(randomUUID(), person.subject));
  }
}
