import { Controller, Head, Header, HttpCode, Options } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { Open } from '../auth/roles.js';
import { HealthChecks } from '../health-checks.js';
import { ProblemError } from '../contract/problems.js';

/** Balancers ask for the status alone, or what they may ask. */
@ApiExcludeController()
@Controller('health')
export class ProbesController {
  constructor(private readonly health: HealthChecks) {}

  @Head('live')
  @Open()
  live(): void {
    // It answers, and that is the answer.
  }

  @Head('ready')
  @Open()
  async ready(): Promise<void> {
    const { ok } = await this.health.ready();
    if (!ok) throw new ProblemError('not_ready', { retryAfterSeconds: 5 });
  }

  @Options(['live', 'ready'])
  @Open()
  @HttpCode(204)
  @Header('allow', 'GET, HEAD, OPTIONS')
  methods(): void {
    // The header says it.
  }
}
