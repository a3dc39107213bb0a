import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { bundleLines } from '../../domain/audit/bundle.js';
import { canonicalJson } from '../../domain/values/canonical-json.js';
import { BundleMaker, ListsOfACaseError, NothingToExportError, UnknownCheckpointError, type BundleOptions, type BundleQuery } from '../audit/bundle-maker.js';
import { ok, refused, type Outcome } from '../outcome.js';
import { AuditLog } from '../ports/audit-log.js';
import { CheckpointSigner } from '../ports/checkpoint-signer.js';
import { Clock } from '../ports/clock.js';
import { EventStore } from '../ports/event-store.js';
import { ImageVault } from '../ports/image-vault.js';
import { Pseudonyms } from '../ports/pseudonyms.js';
import { AccessLog } from './access-log.js';

/** Records leave the house as a bundle. A command, because it is on record before the first line is given out. */
export class ExportBundle {
  constructor(
    readonly commandId: string,
    readonly by: string,
    readonly query: BundleQuery,
    readonly options: Omit<BundleOptions, 'nowUtc'>,
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
  ) {}

  /** @throws when the export cannot be put on record; then nothing is given out. */
  async execute({ commandId, by, query, options }: ExportBundle): Promise<Outcome<ExportedBundle>> {
    const maker = new BundleMaker(this.log, this.signer, this.store, this.pseudonyms, this.vault);
    try {
      const { header, leaves, count } = await maker.make(query, { ...options, nowUtc: this.clock.nowUtc() });
      const treeSize = this.log.checkpoint()?.size ?? 0;
      const data = { by, query: canonicalJson(header.query), treeSize, leaves: count, withOpenings: options.withOpenings, withEvidence: options.withEvidence };
      await this.access.record({ type: 'AuditExported', data }, { commandId, actor: `officer:${by}`, correlationId: commandId });
      return ok({ lines: bundleLines(header, leaves), leaves: count });
    } catch (error) {
      if (error instanceof NothingToExportError) return refused({ code: 'not_found' });
      if (error instanceof ListsOfACaseError) return refused({ code: 'lists_of_a_case' });
      if (error instanceof UnknownCheckpointError) return refused({ code: 'checkpoint_unknown', data: { problem: error.message } });
      throw error;
    }
  }
}
