import { Controller, Get } from '@nestjs/common';
import { ApiOperation, ApiProperty, ApiResponse, ApiTags } from '@nestjs/swagger';
import { ROLES, Roles, SignedIn, type Role, type SignedInPerson } from '../auth/roles.js';
import { SignedInProblems } from '../contract/openapi.js';

export class MeAnswer implements SignedInPerson {
  @ApiProperty({ description: '`sub` at the sign-in service: what events call this person' })
  subject!: string;

  @ApiProperty({ enum: ROLES, isArray: true })
  roles!: readonly Role[];
}

/** Whom a token or a signed-in browser stands for. */
@ApiTags('Officers')
@Controller('v1/me')
export class MeController {
  @Get()
  @Roles('officer', 'auditor', 'administrator')
  @ApiOperation({
    operationId: 'whoAmI',
    summary: 'Who is asking, and with which roles. No look, nothing is on record',
  })
  @ApiResponse({ status: 200, type: MeAnswer, description: 'The person' })
  @SignedInProblems()
  me(@SignedIn() { subject, roles }: SignedInPerson): MeAnswer {
    return { subject, roles };
  }
}
