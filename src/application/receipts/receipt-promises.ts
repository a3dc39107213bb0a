import { createHash } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import { toBase64, utf8 } from '../../domain/audit/log/bytes.js';
import { leafText } from '../../domain/audit/log/leaf.js';
import { inclusionProof, sameHash, treeHasher, type Hash } from '../../domain/audit/log/merkle-tree.js';
import { writeNote } from '../../domain/audit/log/signed-note.js';
import { absenceText, dueAfter, promiseText, receiptDigest } from '../../domain/audit/receipts/receipt-promise.js';
import type { JsonObject, StoredEvent } from '../../domain/event-envelope.js';
import { canonicalJson } from '../../domain/values/canonical-json.js';
import { registrations } from '../decisions/aggregates.js';
import { AuditLog } from '../ports/audit/audit-log.js';
import { CheckpointSigner } from '../ports/audit/checkpoint-signer.js';
import { Pseudonyms } from '../ports/audit/pseudonyms.js';
import { Clock } from '../ports/store/clock.js';
import { EventStore } from '../ports/store/event-store.js';

const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();
const hasher = treeHasher(sha256);

/** What the log says about the request of a receipt. Nothing in it says who, where or how it ended. */
export interface ReceiptProof {
  readonly receipt: string;
  /** Signed `promiseText`. */
  readonly promise: string;
  readonly inclusion: {
    readonly index: number;
    readonly size: number;
    readonly leafHash: string;
    readonly proof: readonly string[];
    readonly checkpoint: string;
  } | null;
  /** Signed `absenceText`, where the log does not hold the entry yet. */
  readonly absence: string | null;
  readonly successions: readonly string[];
  readonly losses: readonly string[];
}

/** Promises and proofs for holders of receipts. Both follow from the stored event alone: nothing is kept for them, and
 * the same request has the same promise after a restart, an erasure and a repetition; after a change of key it has the
 * newer key's signature. */
@Injectable()
export class ReceiptPromises {
  private readonly lines = new Logger('Receipts');

  constructor(
    private readonly store: EventStore,
    private readonly log: AuditLog,
    private readonly signer: CheckpointSigner,
    private readonly pseudonyms: Pseudonyms,
    private readonly clock: Clock,
  ) {}

  /** @returns null where nothing can be promised: a log that was lost or set back signs nothing until it is mended.
   *   Whatever the reason, the request is stored, and that stays its answer. */
  async promiseOf(requestId: string): Promise<string | null> {
    try {
      const event = await this.received(requestId);
      return event && this.signed(this.promised(event));
    } catch (error) {
      this.lines.warn(`no promise for a receipt: ${error instanceof Error ? error.message : String(error)}`);
      return null;
    }
  }

  /** @returns null where no request was received. @throws {SigningRefusedError} */
  async proofOf(requestId: string): Promise<ReceiptProof | null> {
    const event = await this.received(requestId);
    if (!event) return null;
    const leaf = this.leafOf(event);
    const inclusion = this.inclusion(event, leaf);
    return {
      receipt: event.data['receipt'] as string,
      promise: this.signed(this.promised(event)),
      inclusion,
      absence: inclusion ? null : this.signed(this.absent(leaf)),
      successions: this.signer.successions(),
      losses: this.signer.losses(),
    };
  }

  private async received(requestId: string): Promise<StoredEvent | null> {
    const [first] = await this.store.readStream(registrations.streamOf(requestId), { limit: 1 });
    return first?.type === 'RequestReceived' ? first : null;
  }

  private promised(event: StoredEvent): string {
    const { recordedAtUtc } = event.metadata;
    return promiseText({
      origin: this.signer.origin,
      receiptSha256: receiptDigest(event.data['receipt'] as string, sha256),
      leaf: this.leafOf(event),
      recordedAtUtc,
      dueAtUtc: dueAfter(recordedAtUtc),
    });
  }

  private inclusion(event: StoredEvent, leaf: Hash): ReceiptProof['inclusion'] {
    const checkpoint = this.log.checkpoint();
    const index = this.log.indexOf(event.position);
    if (!checkpoint || index === null || index >= checkpoint.size) return null;
    const { size, note } = checkpoint;
    const nodes = this.log.nodes(size);
    // What is proven is what the tree holds, whatever would be made of the event today.
    const held = nodes(0, index);
    if (!sameHash(held, leaf))
      this.lines.error(`leaf ${index} is not that of the promise of its request; run './honnin audit fsck'`);
    const proof = inclusionProof(hasher, nodes, { index, size }).map(toBase64);
    return { index, size, leafHash: toBase64(held), proof, checkpoint: note };
  }

  private absent(leaf: Hash): string {
    const { size, root } = this.log.checkpoint() ?? { size: 0, root: hasher.empty() };
    return absenceText({ origin: this.signer.origin, size, root, leaf, createdAtUtc: this.clock.nowUtc() });
  }

  /** The first event of a request names nobody but by its receipt, whose salt is the server's: its leaf can be told
   * before the log is written. */
  private leafOf({ stream, revision, id, type, schemaVersion, data, metadata }: StoredEvent): Hash {
    const text = {
      ...{ stream, revision, id, type, schemaVersion },
      data: canonicalJson(data),
      metadata: canonicalJson(metadata as unknown as JsonObject),
    };
    return hasher.leaf(utf8(leafText(text, (person) => this.pseudonyms.tokenOf(person))));
  }

  private signed(text: string): string {
    return writeNote({ text, signatures: this.signer.sign(text) });
  }
}
