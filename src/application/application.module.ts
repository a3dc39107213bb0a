import { Module } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { AuditLists } from './audit/audit-lists.js';
import { LogWatch } from './audit/log-watch.js';
import { VerifierPageRecord } from './audit/verifier-page-record.js';
import { CaseHistory } from './audit/case-history.js';
import { RegistrantErasure } from './audit/registrant-erasure.js';
import { Background } from './background.js';
import { CaseWatch } from './case/case-watch.js';
import { ListLockoutsHandler, LockOutHandler, Lockouts } from './access/lockouts.js';
import { AccessLog } from './access/access-log.js';
import { Claims } from './door/claims.js';
import { DecideAndAppend } from './decisions/decide-and-append.js';
import { EndRequestHandler } from './commands/end-request.js';
import { ExportBundleHandler } from './access/export-bundle.js';
import { ApproveActHandler, DeclineActHandler, ProposeActHandler } from './commands/dual-control.js';
import { Challenges, IssueChallengeHandler } from './door/issue-challenge.js';
import { EnrolBoothHandler, SuspendBoothHandler } from './commands/manage-booth.js';
import { ReplayParkedHandler, ResumeConsumerHandler, ViewConsumersHandler } from './commands/manage-consumers.js';
import { ActivatePolicyHandler, ApprovePolicyHandler, ProposePolicyHandler } from './commands/manage-policy.js';
import { ReceiveRequestHandler } from './door/receive-request.js';
import { RefuseAtDoor } from './door/refuse-at-door.js';
import { ResumeEffectHandler } from './commands/resume-effect.js';
import { ReviewDesk } from './commands/review-desk.js';
import { GiveOpinionHandler, ResolveHoldHandler, WithdrawOpinionHandler } from './commands/review-hold.js';
import { OfficerLooks } from './access/officer-looks.js';
import { OpinionNotes } from './case/opinion-notes.js';
import { RecordAccessRefusedHandler, ViewImageHandler } from './access/view-image.js';
import {
  CompareListsHandler,
  RecordViewHandler,
  ViewCaseHandler,
  ViewHoldHandler,
  ViewListHandler,
  ViewReceiptHandler,
} from './access/view-records.js';
import { ViewWaitingCasesHandler } from './access/view-waiting-cases.js';
import { ViewWhatIfHandler } from './access/view-what-if.js';
import { CurrentPolicy } from './decisions/current-policy.js';
import { DualActs } from './dual-acts.js';
import { FirstStart } from './first-start.js';
import { CheckPhotoHandler } from './queries/check-photo.js';
import { UploadStandings } from './queries/upload-standing.js';
import { GetBoothSettingsHandler } from './queries/booth-settings.js';
import { ListPoliciesHandler } from './queries/list-policies.js';
import { ErasureDesk } from './publication/erasure-desk.js';
import { PublicationLag } from './publication/publication-lag.js';
import { PublicationRelay } from './publication/publication-relay.js';
import { PlacesInLog } from './publication/places-in-log.js';
import { PublishedFacts } from './publication/published-facts.js';
import {
  GetAuditKeysHandler,
  ProveConsistencyHandler,
  ProveInclusionHandler,
  ReadAuditFileHandler,
} from './queries/audit-questions.js';
import { CaseQuestions, GetRequestStatusHandler } from './queries/questions.js';
import { ReceiptPromises } from './receipts/receipt-promises.js';
import { PromiseOfRequestHandler, ProveReceiptHandler } from './receipts/receipt-questions.js';
import { ClaimSweep } from './saga/claim-sweep.js';
import { DualActRunner } from './saga/dual-act-runner.js';
import { EffectDispatcher } from './saga/effect-dispatcher.js';
import { EvidenceRetention } from './saga/evidence-retention.js';
import { PerformEffect } from './saga/perform-effect.js';
import { SagaReactor } from './saga/saga-reactor.js';
import { CardCheck } from './door/card-check.js';
import { RegistrantGroup } from './case/registrant-group.js';
import { SubjectResolver } from './case/subject-resolver.js';
import { Consumers } from './subscriptions/consumers.js';
import { UnknownEvents } from './subscriptions/unknown-events.js';
import { TombstoneSweep } from './case/tombstone-sweep.js';

const handlers = [
  IssueChallengeHandler,
  ReceiveRequestHandler,
  GiveOpinionHandler,
  WithdrawOpinionHandler,
  ResolveHoldHandler,
  EnrolBoothHandler,
  SuspendBoothHandler,
  ProposeActHandler,
  ApproveActHandler,
  DeclineActHandler,
  ProposePolicyHandler,
  ApprovePolicyHandler,
  ActivatePolicyHandler,
  ViewImageHandler,
  RecordAccessRefusedHandler,
  ResumeEffectHandler,
  EndRequestHandler,
  ExportBundleHandler,
  ViewCaseHandler,
  ViewHoldHandler,
  ViewListHandler,
  CompareListsHandler,
  ViewReceiptHandler,
  RecordViewHandler,
  ViewWhatIfHandler,
  ViewWaitingCasesHandler,
  ReadAuditFileHandler,
  GetAuditKeysHandler,
  ProveInclusionHandler,
  ProveConsistencyHandler,
  ViewConsumersHandler,
  ResumeConsumerHandler,
  ReplayParkedHandler,
  GetRequestStatusHandler,
  PromiseOfRequestHandler,
  ProveReceiptHandler,
  ListPoliciesHandler,
  LockOutHandler,
  ListLockoutsHandler,
  CheckPhotoHandler,
  GetBoothSettingsHandler,
];
const services = [
  DecideAndAppend,
  CurrentPolicy,
  FirstStart,
  DualActs,
  DualActRunner,
  Challenges,
  Claims,
  ClaimSweep,
  UploadStandings,
  RefuseAtDoor,
  AccessLog,
  Lockouts,
  AuditLists,
  CaseHistory,
  CaseQuestions,
  OfficerLooks,
  OpinionNotes,
  ReviewDesk,
  ReceiptPromises,
  CaseWatch,
  SubjectResolver,
  RegistrantGroup,
  CardCheck,
  EvidenceRetention,
  SagaReactor,
  PerformEffect,
  EffectDispatcher,
  RegistrantErasure,
  PlacesInLog,
  PublishedFacts,
  PublicationRelay,
  PublicationLag,
  ErasureDesk,
  LogWatch,
  VerifierPageRecord,
  TombstoneSweep,
  Consumers,
  UnknownEvents,
  Background,
];

/** Use cases. The ports come from the infrastructure module. */
@Module({ imports: [CqrsModule.forRoot()], providers: [...services, ...handlers], exports: [CqrsModule, ...services] })
export class ApplicationModule {}
