import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { ExportPurpose } from '../../domain/access/access.events.js';
import { bundleLines } from '../../domain/audit/bundle/bundle.js';
import type { StoredEvent } from '../../domain/event-envelope.js';
import { isRetentionOver } from '../../domain/registration/registration.js';
import { canonicalJson } from '../../domain/values/canonical-json.js';
import {
  BundleMaker,
  ListsOfACaseError,
  NothingToExportError,
  UnknownCheckpointError,
  type Attached,
  type BundleOptions,
  type BundleQuery,
} from '../audit/bundle-maker.js';
import { registrants, registrations } from '../decisions/aggregates.js';
import { derivedId } from '../decisions/ids.js';
import { materialFault, stopForMaterial } from '../case/material-fault.js';
import { ok, refused, type Outcome } from '../decisions/outcome.js';
import { AuditLog } from '../ports/audit/audit-log.js';
import { CheckpointSigner } from '../ports/audit/checkpoint-signer.js';
import { Clock } from '../ports/store/clock.js';
import { EventStore } from '../ports/store/event-store.js';
import { ImageVault } from '../ports/registrant/image-vault.js';
import { Pseudonyms } from '../ports/audit/pseudonyms.js';
import { AccessLog, type RecordedAccess } from './access-log.js';
import { DecideAndAppend } from '../decisions/decide-and-append.js';

/** What records are taken out for. */
export interface ExportReason {
  readonly purpose: ExportPurpose;
  /** The number of a request, an order or a file. A disclosure has one: nobody would know later to whom it went. */
  readonly reference: string | null;
}

/** Records leave the house as a bundle. A command, because it is on record before the first line is given out. */
export class ExportBundle {
  constructor(
    readonly commandId: string,
    readonly by: string,
    readonly query: BundleQuery,
    readonly options: Omit<BundleOptions, keyof Moment>,
    readonly why: ExportReason,
  ) {}
}

export interface ExportedBundle {
  /** Lines of the bundle, made while they are read. */
  readonly lines: Iterable<string>;
  readonly leaves: number;
}

@CommandHandler(ExportBundle)
export class ExportBundleHandler implements ICommandHandler<ExportBundle, Outcome<ExportedBundle>> {
  constructor(
    private readonly log: AuditLog,
    private readonly signer: CheckpointSigner,
    private readonly store: EventStore,
    private readonly pseudonyms: Pseudonyms,
    private readonly vault: ImageVault,
    private readonly access: AccessLog,
    private readonly clock: Clock,
    private readonly aggregates: DecideAndAppend,
  ) {}

  /** The same command again gives the bundle of then: of the tree, the instant, the timestamp and the cosignatures that
   *  are on record.
   *  @throws when the export cannot be put on record; then nothing is given out. */
  async execute({ commandId, by, query, options, why }: ExportBundle): Promise<Outcome<ExportedBundle>> {
    if (why.purpose === 'disclosure' && why.reference === null) return refused({ code: 'reference_missing' });
    try {
      const before = await this.access.recordOf(commandId);
      const moment = before ? momentOf(before) : this.present();
      const made = await this.make(commandId, query, options, moment);
      const { withOpenings, withEvidence } = options;
      const { treeSize, attached = null } = moment;
      const asked = canonicalJson(made.header.query);
      const { purpose, reference } = why;
      const counted = { by, query: asked, treeSize, leaves: made.count, withOpenings, withEvidence, attached };
      const data = { ...counted, purpose, reference };
      const context = { commandId, actor: `officer:${by}`, correlationId: commandId, atUtc: moment.nowUtc };
      const recorded = momentOf(await this.access.record({ type: 'AuditExported', data }, context));
      const isOurs = isSame(recorded, moment);
      // The same command came twice at once, and the other one is on record.
      const { header, leaves, count } = isOurs ? made : await this.make(commandId, query, options, recorded);
      return ok({ lines: bundleLines(header, leaves), leaves: count });
    } catch (error) {
      if (error instanceof NothingToExportError) return refused({ code: 'not_found' });
      if (error instanceof ListsOfACaseError) return refused({ code: 'lists_of_a_case' });
      if (error instanceof UnknownCheckpointError)
        return refused({ code: 'checkpoint_unknown', data: { problem: error.message } });
      throw error;
    }
  }

  private present(): Moment {
    const treeSize = this.log.checkpoint()?.size ?? 0;
    return { treeSize, nowUtc: this.clock.nowUtc(), attached: this.maker().attached(treeSize) };
  }

  private maker(): BundleMaker {
    return new BundleMaker(this.log, this.signer, this.store, this.pseudonyms, this.vault);
  }

  private make(
    commandId: string,
    query: BundleQuery,
    options: ExportBundle['options'],
    moment: Moment,
  ): ReturnType<BundleMaker['make']> {
    const onUnopened = (verdict: StoredEvent, error: unknown): Promise<void> =>
      this.notOpened(commandId, verdict, error);
    return this.maker().make(query, { ...options, ...moment, onUnopened });
  }

  /** Evidence that nobody erased and that is not there, or is something else. */
  private async notOpened(commandId: string, verdict: StoredEvent, error: unknown): Promise<void> {
    const fault = materialFault(error, 'export');
    if (fault === null || (fault.fault === 'missing' && (await this.isErased(verdict)))) return;
    const requestId = verdict.metadata.correlationId;
    await stopForMaterial(this.aggregates, {
      requestId,
      fault,
      commandId: derivedId(commandId, requestId),
      actor: 'system:audit-export',
    });
  }

  /** With its registrant, or when its retention was over; the key goes before or after the event that says so. */
  private async isErased({ type, data, position, metadata }: StoredEvent): Promise<boolean> {
    if (type === 'CertificateVerified') {
      const { stored } = await this.aggregates.load(registrants, String(data['subjectKey']));
      // Under a key with a tombstone nothing is kept any more, also what came while it was erased.
      const isOver = (event: StoredEvent) => event.position > position || event.data['tombstone'] !== null;
      return stored.some((event) => event.type === 'RegistrantErased' && isOver(event));
    }
    const { state } = await this.aggregates.load(registrations, metadata.correlationId);
    return (
      state.stage === 'closed' &&
      state.refusedEvidence !== null &&
      isRetentionOver(state.refusedEvidence, this.clock.nowUtc())
    );
  }
}

/** What an export speaks of: the tree of this size, at this instant, with what others had said of it. */
type Moment = Required<Pick<BundleOptions, 'treeSize' | 'nowUtc'>> & Pick<BundleOptions, 'attached'>;

function momentOf({ data, metadata }: RecordedAccess): Moment {
  const attached = (data['attached'] ?? null) as Attached | null;
  return {
    treeSize: data['treeSize'] as number,
    nowUtc: metadata.recordedAtUtc,
    ...(attached !== null && { attached }),
  };
}

function isSame(one: Moment, other: Moment): boolean {
  const [first, second] = [one, other].map(({ treeSize, nowUtc, attached = null }) =>
    canonicalJson({ treeSize, nowUtc, attached }),
  );
  return first === second;
}
