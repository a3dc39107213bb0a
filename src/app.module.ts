import { Module, type DynamicModule } from '@nestjs/common';
import { ApiModule } from './api/api.module.js';
import { ApiSettings } from './api/api-settings.js';
import { VerifierPageModule } from './api/audit/verifier-page.controller.js';
import { PublicationApiModule } from './api/publication/publication-api.module.js';
import { HealthChecks } from './api/health-checks.js';
import { ApplicationModule } from './application/application.module.js';
import { verifierPageFile } from './console/build-page.js';
import { Config } from './infrastructure/settings/config.js';
import type { Foundation } from './infrastructure/installation/foundation.js';
import { InfrastructureModule } from './infrastructure/infrastructure.module.js';
import { RecentHealth } from './recent-health.js';
import { ServerHealth } from './server-health.js';
import { ServerMetrics } from './server-metrics.js';

@Module({
  imports: [ApplicationModule],
  providers: [ServerHealth, { provide: HealthChecks, useClass: RecentHealth }],
  exports: [HealthChecks, ApplicationModule],
})
class EdgeNeeds {}

/** The whole server: adapters, use cases, HTTP edge. */
@Module({})
export class AppModule {
  static with(config: Config, settings: ApiSettings, foundation: Foundation): DynamicModule {
    const api = ApiModule.register({ settings, imports: [EdgeNeeds] });
    const infrastructure = InfrastructureModule.with(config, foundation);
    const publication = PublicationApiModule.register({ imports: [ApplicationModule, api] });
    const page = VerifierPageModule.with(verifierPageFile, [ApplicationModule]);
    const imports = [infrastructure, ApplicationModule, api, publication, page];
    return { module: AppModule, imports, providers: [ServerMetrics] };
  }
}
