import { createHash, randomUUID } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { parseLeaf } from '../../domain/audit/log/leaf.js';
import { writeNote } from '../../domain/audit/log/signed-note.js';
import { WhatIf } from '../../domain/audit/what-if/what-if.js';
import { whatIfStatement, whatIfText, type SignedWhatIf } from '../../domain/audit/what-if/what-if-report.js';
import type { JsonObject } from '../../domain/event-envelope.js';
import type { PolicyValues } from '../../domain/policy/policy.events.js';
import { canonicalJson } from '../../domain/values/canonical-json.js';
import { NoCheckpointError } from '../audit/moments.js';
import { AuditLog } from '../ports/audit/audit-log.js';
import { CheckpointSigner } from '../ports/audit/checkpoint-signer.js';
import { AccessLog } from './access-log.js';

/** What other values of the policy would have done to the whole history, signed. A command, because it names cases and
 * is on record first. */
export class ViewWhatIf {
  constructor(
    readonly by: string,
    readonly change: Partial<PolicyValues>,
  ) {}
}

const LEAVES_AT_ONCE = 500;

@CommandHandler(ViewWhatIf)
export class ViewWhatIfHandler implements ICommandHandler<ViewWhatIf, SignedWhatIf> {
  constructor(
    private readonly log: AuditLog,
    private readonly signer: CheckpointSigner,
    private readonly access: AccessLog,
  ) {}

  /** @throws {NoCheckpointError}, {AccessNotRecordedError} */
  async execute({ by, change }: ViewWhatIf): Promise<SignedWhatIf> {
    const checkpoint = this.log.checkpoint();
    if (!checkpoint || checkpoint.size === 0) throw new NoCheckpointError();
    const run = new WhatIf(change);
    let index = 0;
    for (const text of this.log.leaves(0, checkpoint.size)) {
      const leaf = parseLeaf(text);
      if (!leaf) throw new Error(`leaf ${index} is not an event; run './honnin audit fsck'`);
      run.feed(index++, leaf);
      if (index % LEAVES_AT_ONCE === 0) await setImmediate();
    }
    const report = run.finish();
    const { origin, size: treeSize, root } = checkpoint;
    const text = whatIfText(
      whatIfStatement(report, { origin, treeSize, root }, (bytes) => createHash('sha256').update(bytes).digest()),
    );
    const commandId = randomUUID();
    const query = canonicalJson({ change: change as unknown as JsonObject, treeSize });
    await this.access.record(
      { type: 'RecordsViewed', data: { by, what: 'what_if', requestId: null, query } },
      { commandId, actor: `officer:${by}`, correlationId: commandId },
    );
    return {
      note: writeNote({ text, signatures: this.signer.sign(text) }),
      report,
      successions: this.signer.successions(),
    };
  }
}
