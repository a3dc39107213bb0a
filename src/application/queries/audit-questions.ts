import { createHash } from 'node:crypto';
import { QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { toBase64, utf8 } from '../../domain/audit/log/bytes.js';
import { consistencyProof, inclusionProof, treeHasher } from '../../domain/audit/log/merkle-tree.js';
import { verifierKeyText } from '../../domain/audit/log/signed-note.js';
import { AuditLog } from '../ports/audit/audit-log.js';
import { CheckpointSigner } from '../ports/audit/checkpoint-signer.js';

const hasher = treeHasher((bytes) => createHash('sha256').update(bytes).digest());

/** A file of the log's public layout: `checkpoint` or a tile. */
export class ReadAuditFile {
  constructor(readonly path: string) {}
}

/** The log's keys and the notes in which each vouches for the next. */
export class GetAuditKeys {}

/** That an event is in the log: by its place. */
export class ProveInclusion {
  constructor(readonly index: number) {}
}

/** That the log of `first` entries is the beginning of the log of `second`; null: of the newest checkpoint. */
export class ProveConsistency {
  constructor(
    readonly first: number,
    readonly second: number | null,
  ) {}
}

export interface AuditKeys {
  readonly keys: readonly string[];
  readonly successions: readonly string[];
  readonly losses: readonly string[];
}

export interface InclusionAnswer {
  readonly index: number;
  readonly size: number;
  readonly leafHash: string;
  readonly proof: readonly string[];
  readonly checkpoint: string;
}

export interface ConsistencyAnswer {
  readonly first: number;
  readonly second: number;
  readonly proof: readonly string[];
}

@QueryHandler(ReadAuditFile)
export class ReadAuditFileHandler implements IQueryHandler<ReadAuditFile, Uint8Array | null> {
  constructor(private readonly log: AuditLog) {}

  async execute({ path }: ReadAuditFile): Promise<Uint8Array | null> {
    return this.log.file(path);
  }
}

@QueryHandler(GetAuditKeys)
export class GetAuditKeysHandler implements IQueryHandler<GetAuditKeys, AuditKeys> {
  constructor(private readonly signer: CheckpointSigner) {}

  async execute(): Promise<AuditKeys> {
    const { signer } = this;
    const keys = signer.keys().map(verifierKeyText);
    return { keys, successions: signer.successions(), losses: signer.losses() };
  }
}

@QueryHandler(ProveInclusion)
export class ProveInclusionHandler implements IQueryHandler<ProveInclusion, InclusionAnswer | null> {
  constructor(private readonly log: AuditLog) {}

  async execute({ index }: ProveInclusion): Promise<InclusionAnswer | null> {
    const checkpoint = this.log.checkpoint();
    if (!checkpoint || index >= checkpoint.size) return null;
    const { size, note } = checkpoint;
    return {
      index,
      size,
      leafHash: toBase64(hasher.leaf(utf8(this.log.leaf(index)))),
      proof: inclusionProof(hasher, this.log.nodes(size), { index, size }).map(toBase64),
      checkpoint: note,
    };
  }
}

@QueryHandler(ProveConsistency)
export class ProveConsistencyHandler implements IQueryHandler<ProveConsistency, ConsistencyAnswer | null> {
  constructor(private readonly log: AuditLog) {}

  async execute({ first, second }: ProveConsistency): Promise<ConsistencyAnswer | null> {
    const size = this.log.checkpoint()?.size ?? 0;
    const to = second ?? size;
    if (first > to || to > size) return null;
    return {
      first,
      second: to,
      proof: consistencyProof(hasher, this.log.nodes(size), { first, second: to }).map(toBase64),
    };
  }
}
