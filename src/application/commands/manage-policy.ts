import { createHash } from 'node:crypto';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { PolicyCommand, PolicyState } from '../../domain/policy/policy.js';
import type { AttachedReport, PolicyValues } from '../../domain/policy/policy.events.js';
import { rootHash, sameHash, treeHasher } from '../../domain/audit/log/merkle-tree.js';
import { NoteFormatError, parseNote } from '../../domain/audit/log/signed-note.js';
import { parseWhatIfText, type WhatIfStatement } from '../../domain/audit/what-if/what-if-report.js';
import type { JsonObject } from '../../domain/event-envelope.js';
import { canonicalJson } from '../../domain/values/canonical-json.js';
import { policies, POLICY_ID } from '../decisions/aggregates.js';
import { ok, refused, type Outcome } from '../decisions/outcome.js';
import { AuditLog } from '../ports/audit/audit-log.js';
import { CheckpointSigner } from '../ports/audit/checkpoint-signer.js';
import { DecideAndAppend } from '../decisions/decide-and-append.js';

const hasher = treeHasher((bytes) => createHash('sha256').update(bytes).digest());

export class ProposePolicy {
  constructor(
    readonly commandId: string,
    readonly values: PolicyValues,
    readonly by: string,
    /** The signed statement of a what-if report, or null. */
    readonly reportNote: string | null = null,
    /** The version that was changed; default: the one in force. */
    readonly basedOn?: number,
  ) {}
}

/** Another person than the proposer approves. */
export class ApprovePolicy {
  constructor(
    readonly commandId: string,
    readonly version: number,
    readonly by: string,
  ) {}
}

export class ActivatePolicy {
  constructor(
    readonly commandId: string,
    readonly version: number,
    readonly by: string,
  ) {}
}

@CommandHandler(ProposePolicy)
export class ProposePolicyHandler implements ICommandHandler<ProposePolicy, Outcome<PolicyState>> {
  constructor(
    private readonly aggregates: DecideAndAppend,
    private readonly log: AuditLog,
    private readonly signer: CheckpointSigner,
  ) {}

  async execute({ commandId, values, by, reportNote, basedOn }: ProposePolicy): Promise<Outcome<PolicyState>> {
    const command = { type: 'ProposePolicy', values, by, ...(basedOn !== undefined && { basedOn }) } as const;
    if (reportNote === null) return manage(this.aggregates, commandId, by, command);
    const attached = this.checked(reportNote, values);
    if ('problem' in attached) return refused({ code: 'policy_report_invalid', data: attached });
    return manage(this.aggregates, commandId, by, { ...command, report: attached });
  }

  /** A report goes with a proposal only when this log signed it, about its own history, for the very values that are
   * proposed. */
  private checked(note: string, values: PolicyValues): AttachedReport | { readonly problem: string } {
    const statement = statementIn(note);
    if (!statement) return { problem: 'is not the statement of a what-if report' };
    if (!this.signer.hasSigned(note)) return { problem: 'is not signed by a key of this log' };
    const size = this.log.checkpoint()?.size ?? 0;
    if (
      statement.treeSize > size ||
      !sameHash(rootHash(hasher, this.log.nodes(size), statement.treeSize), statement.root)
    )
      return { problem: 'speaks of another history' };
    const other = Object.entries(statement.changed).find(
      ([name, value]) => canonicalJson((values as unknown as JsonObject)[name] ?? null) !== canonicalJson(value),
    );
    if (other) return { problem: `was made for another ${other[0]} than is proposed` };
    return { sha256: statement.reportSha256, note };
  }
}

@CommandHandler(ApprovePolicy)
export class ApprovePolicyHandler implements ICommandHandler<ApprovePolicy, Outcome<PolicyState>> {
  constructor(private readonly aggregates: DecideAndAppend) {}
  execute({ commandId, version, by }: ApprovePolicy): Promise<Outcome<PolicyState>> {
    return manage(this.aggregates, commandId, by, { type: 'ApprovePolicy', version, by });
  }
}

@CommandHandler(ActivatePolicy)
export class ActivatePolicyHandler implements ICommandHandler<ActivatePolicy, Outcome<PolicyState>> {
  constructor(private readonly aggregates: DecideAndAppend) {}
  execute({ commandId, version, by }: ActivatePolicy): Promise<Outcome<PolicyState>> {
    return manage(this.aggregates, commandId, by, { type: 'ActivatePolicy', version, by });
  }
}

function statementIn(note: string): WhatIfStatement | null {
  try {
    return parseWhatIfText(parseNote(note).text);
  } catch (error) {
    if (error instanceof NoteFormatError) return null;
    throw error;
  }
}

async function manage(
  aggregates: DecideAndAppend,
  commandId: string,
  by: string,
  command: PolicyCommand,
): Promise<Outcome<PolicyState>> {
  const result = await aggregates.execute(policies, POLICY_ID, command, {
    commandId,
    actor: `officer:${by}`,
    correlationId: commandId,
    causationId: commandId,
    policyVersion: null,
  });
  return result.outcome === 'refused' ? refused(result.refusal) : ok(result.state);
}
