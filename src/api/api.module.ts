import { Module, type DynamicModule } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR } from '@nestjs/core';
import { ActsController } from './administrator/acts.controller.js';
import { BoothsController } from './administrator/booths.controller.js';
import { ConsumersController } from './administrator/consumers.controller.js';
import { LockoutsController } from './administrator/lockouts.controller.js';
import { PoliciesController } from './administrator/policies.controller.js';
import { WaitingCasesController } from './administrator/waiting-cases.controller.js';
import { ApiSettings } from './api-settings.js';
import { AuditController } from './audit/audit.controller.js';
import { AuditListsController } from './audit/lists.controller.js';
import { AuditLogController } from './audit/log.controller.js';
import { AccessGuard } from './auth/access.guard.js';
import { SignInController } from './auth/sign-in.controller.js';
import { AccessRefusals } from './auth/access-refusals.js';
import { TokenVerifier } from './auth/token-verifier.js';
import { BoothSettingsController } from './booth/booth-settings.controller.js';
import { ChallengesController } from './booth/challenges.controller.js';
import { BoothCertificates } from './booth/booth-certificates.js';
import { Door } from './booth/door.js';
import { EventStreams } from './booth/event-streams.js';
import { PhotoChecksController } from './booth/photo-checks.controller.js';
import { RegistrationsController } from './booth/registrations.controller.js';
import { UploadAdmission } from './booth/uploads/upload-admission.js';
import { CommandIds } from './contract/command-ids.js';
import { EdgeGate } from './edge/edge-gate.js';
import { EdgeLimits } from './edge/edge-limits.js';
import { Lifecycle } from './lifecycle.js';
import { Metrics } from './metrics.js';
import { CasesController } from './officer/cases.controller.js';
import { LookWatch } from './officer/look-watch.js';
import { HoldsController } from './officer/holds.controller.js';
import { KnownParameters } from './contract/known-parameters.js';
import { NewsController } from './officer/news.controller.js';
import { ProblemFilter } from './contract/problem.filter.js';
import { ConsoleFiles, ConsoleFilesController } from './session/console-files.controller.js';
import { MeController } from './session/me.controller.js';
import { RelyingParty } from './session/relying-party.js';
import { Sealer } from './session/sealer.js';
import { Sessions } from './session/sessions.js';
import { BrowserSignInController } from './session/browser-sign-in.controller.js';
import { OperatorPort } from './system/operator-port.js';
import { ReceiptPageController } from './holder/receipt-page.controller.js';
import { FirstPageController } from './system/first-page.controller.js';
import { ProbesController } from './system/probes.controller.js';
import { SystemController } from './system/system.controller.js';

/** The HTTP edge. */
@Module({})
export class ApiModule {
  /** @param imports modules that export `CommandBus` and `QueryBus` (unless CqrsModule is global), `RefuseAtDoor`,
   *   `Claims`, `Lockouts`, `ReadModels` and `HealthChecks` */
  static register({
    settings,
    imports,
  }: {
    readonly settings: ApiSettings;
    readonly imports: NonNullable<DynamicModule['imports']>;
  }): DynamicModule {
    return {
      module: ApiModule,
      imports,
      controllers: [
        ChallengesController,
        BoothSettingsController,
        PhotoChecksController,
        RegistrationsController,
        HoldsController,
        NewsController,
        CasesController,
        BoothsController,
        ActsController,
        ConsumersController,
        LockoutsController,
        WaitingCasesController,
        PoliciesController,
        AuditLogController,
        AuditController,
        AuditListsController,
        SignInController,
        SystemController,
        ProbesController,
        FirstPageController,
        ReceiptPageController,
        MeController,
        BrowserSignInController,
        ConsoleFilesController,
      ],
      providers: [
        { provide: ApiSettings, useValue: settings },
        Metrics,
        Lifecycle,
        EdgeLimits,
        EdgeGate,
        UploadAdmission,
        BoothCertificates,
        Door,
        EventStreams,
        TokenVerifier,
        Sealer,
        RelyingParty,
        Sessions,
        ConsoleFiles,
        AccessRefusals,
        CommandIds,
        LookWatch,
        OperatorPort,
        { provide: APP_FILTER, useClass: ProblemFilter },
        { provide: APP_GUARD, useClass: AccessGuard },
        { provide: APP_INTERCEPTOR, useClass: KnownParameters },
      ],
      // Other parts add their own measurements and find the way out.
      exports: [Metrics, Lifecycle, EventStreams, EdgeLimits],
    };
  }
}
