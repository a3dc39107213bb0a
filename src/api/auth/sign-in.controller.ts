import { Controller, Get } from '@nestjs/common';
import { ApiOperation, ApiProperty, ApiResponse, ApiTags } from '@nestjs/swagger';
import { ApiSettings } from '../api-settings.js';
import { Problems } from '../contract/openapi.js';
import { ProblemError } from '../contract/problems.js';
import { Open } from './roles.js';

export class SignInAnswer {
  @ApiProperty({ format: 'uri', description: 'The OpenID Connect issuer whose access tokens are taken here' })
  issuer!: string;

  @ApiProperty({ description: 'What such a token must name as its audience' })
  audience!: string;
}

/** Where people sign in, for programs that are told nothing but the address of this server. */
@ApiTags('System')
@Controller('v1/sign-in')
export class SignInController {
  constructor(private readonly settings: ApiSettings) {}

  @Get()
  @Open()
  @ApiOperation({ operationId: 'getSignIn', summary: 'Where officers, auditors and administrators sign in' })
  @ApiResponse({ status: 200, type: SignInAnswer, description: 'The sign-in service' })
  @Problems('sign_in_not_configured')
  ask(): SignInAnswer {
    const { oidc } = this.settings;
    if (!oidc) throw new ProblemError('sign_in_not_configured');
    return { issuer: oidc.issuer, audience: oidc.audience };
  }
}
