import { createHash } from 'node:crypto';
import { fromBase64, toBase64 } from '../../domain/audit/log/bytes.js';
import { coveredByCertificate, type BundleHeader, type BundleLeaf } from '../../domain/audit/bundle/bundle.js';
import { parseCheckpoint, type Checkpoint } from '../../domain/audit/log/checkpoint.js';
import { lossesThatLeadTo } from '../../domain/audit/log/loss-declaration.js';
import { parseLeaf, personsIn, type LeafEvent } from '../../domain/audit/log/leaf.js';
import { consistencyProof, isConsistent, setProof, treeHasher } from '../../domain/audit/log/merkle-tree.js';
import { ListDrawer, populationText, type ListName } from '../../domain/audit/lists/list-drawer.js';
import { NoteFormatError, writeNote } from '../../domain/audit/log/signed-note.js';
import type { JsonObject, StoredEvent } from '../../domain/event-envelope.js';
import { canonicalJson } from '../../domain/values/canonical-json.js';
import { evidenceOwner, registrantOwner } from '../case/case-material.js';
import type { AuditLog, PublishedCheckpoint } from '../ports/audit/audit-log.js';
import type { CheckpointSigner } from '../ports/audit/checkpoint-signer.js';
import type { EventStore } from '../ports/store/event-store.js';
import { BlobDiffersError, BlobGoneError, type ImageVault } from '../ports/registrant/image-vault.js';
import type { Pseudonyms } from '../ports/audit/pseudonyms.js';
import { declaredLosses } from './declared-losses.js';
import { signedWithKeys } from './sign-with-keys.js';
import { isEvidenceOf } from '../case/sealed-evidence.js';

/** What an auditor asks for. Instants are inclusive; a range by time is the smallest contiguous range that holds every
 * event of the time. */
export type BundleQuery =
  | { readonly kind: 'range'; readonly from: number; readonly to: number | null }
  | { readonly kind: 'time'; readonly fromUtc: string; readonly toUtc: string }
  | { readonly kind: 'registration'; readonly requestId: string };

export interface BundleOptions {
  readonly lists: readonly ListName[];
  /** Who the tokens stand for. */
  readonly withOpenings: boolean;
  /** Sealed certificate evidence. */
  readonly withEvidence: boolean;
  /** Checkpoints that the reader has: each gets its proof. */
  readonly known: readonly string[];
  readonly nowUtc: string;
  /** Told of evidence that could not be opened and is left out: erased, gone, or not what the event names. */
  readonly onUnopened?: (verdict: StoredEvent, error: unknown) => Promise<void>;
  /** Leaves of the checkpoint that it speaks of; default: the newest. */
  readonly treeSize?: number;
  /** What others have said of the log and goes with it; default: the newest. */
  readonly attached?: Attached;
}

/** What others had said of the log when a bundle was made. It may grow a moment later, without the log having grown. */
export type Attached = {
  /** Leaves of the checkpoint whose timestamp goes with the bundle, or null. */
  readonly timestampedSize: number | null;
  /** The checkpoint with the lines of witnesses that goes with the bundle, or null. */
  readonly cosigned: string | null;
};

/** The log has nothing to export yet, or nothing that fits. */
export class NothingToExportError extends Error {}

/** Lists were asked for with the bundle of one case. */
export class ListsOfACaseError extends Error {
  constructor() {
    super('lists go with a range of the log and not with one case: their rows are of other cases too');
  }
}

/** A known checkpoint that this log never gave out. Whoever has it signed by this log's key has the proof of a fork in
 * hand. */
export class UnknownCheckpointError extends Error {}

const hasher = treeHasher((bytes) => createHash('sha256').update(bytes).digest());

/** Puts bundles together out of the published log. Leaves come from the tiles, so a bundle says what was signed and
 * nothing newer. */
export class BundleMaker {
  constructor(
    private readonly log: AuditLog,
    private readonly signer: CheckpointSigner,
    private readonly store: EventStore,
    private readonly pseudonyms: Pseudonyms,
    private readonly vault: ImageVault,
  ) {}

  /** The newest that others have said of the log, as far as it speaks of no more than so many leaves. */
  attached(size: number): Attached {
    const cosigned = this.log.cosigned();
    return {
      timestampedSize: this.log.timestamped().findLast((stamped) => stamped <= size) ?? null,
      cosigned: cosigned === null || cosigned.size > size ? null : cosigned.note,
    };
  }

  /** @throws {NothingToExportError}, {UnknownCheckpointError}, {ListsOfACaseError} */
  async make(
    query: BundleQuery,
    options: BundleOptions,
  ): Promise<{ readonly header: BundleHeader; readonly leaves: Iterable<BundleLeaf>; readonly count: number }> {
    // The rows of a list come from leaves of other cases, which the bundle of a case does not have.
    if (query.kind === 'registration' && options.lists.length > 0) throw new ListsOfACaseError();
    const { treeSize } = options;
    const checkpoint = treeSize === undefined ? this.log.checkpoint() : this.log.checkpointOf(treeSize);
    if (!checkpoint || checkpoint.size === 0) throw new NothingToExportError('the audit log has no checkpoint yet');
    const { timestampedSize, cosigned } = options.attached ?? this.attached(checkpoint.size);
    const known = cosigned === null ? options.known : [...options.known, cosigned];
    const chosen = this.choose(query, checkpoint.size);
    if (chosen.indices.length === 0) throw new NothingToExportError('nothing in the log fits the query');
    const { indices } = chosen;
    const lists = this.draw(options.lists, chosen.asked);
    const policyVersion = this.policyAt(checkpoint.size);
    const nodes = this.log.nodes(checkpoint.size);
    const digest = createHash('sha256');
    for (const index of indices) digest.update(nodes(0, index));
    const stated = this.statedQuery(query, options);
    // Waited for before the keys are named: see signedWithKeys.
    const openings = options.withOpenings ? await this.openings(indices) : {};
    const evidence = options.withEvidence ? await this.evidence(indices, options) : {};
    const leavesSha256 = digest.digest('hex');
    const population = {
      origin: checkpoint.origin,
      treeSize: checkpoint.size,
      root: checkpoint.root,
      query: stated,
      policyVersion,
      count: indices.length,
      first: indices[0] ?? null,
      last: indices.at(-1) ?? null,
      noGaps: stated.kind === 'range',
      leavesSha256: leavesSha256,
      lists: Object.fromEntries(
        Object.entries(lists).map(([name, rows]) => [
          name,
          { rows: rows.length, sha256: sha256Hex(canonicalJson(rows)) },
        ]),
      ),
      createdAtUtc: options.nowUtc,
    };
    const { rest, text, signatures } = signedWithKeys(this.signer, () => {
      const rest: Omit<BundleHeader, 'certificate'> = {
        query: stated,
        createdAtUtc: options.nowUtc,
        policyVersion,
        asked: stated.kind === 'range' ? chosen.asked : null,
        checkpoint: checkpoint.note,
        successions: this.signer.successions(),
        proof: setProof(hasher, nodes, { indices, size: checkpoint.size }).map(toBase64),
        lists,
        timestamp: this.timestamp(timestampedSize, checkpoint),
        known: [...known.map((note) => this.known(note, checkpoint)), ...this.losses(checkpoint)],
        openings,
        evidence,
      };
      return { rest, text: populationText({ ...population, headerSha256: sha256Hex(coveredByCertificate(rest)) }) };
    });
    const header: BundleHeader = { ...rest, certificate: writeNote({ text, signatures }) };
    return { header, leaves: this.leaves(indices), count: indices.length };
  }

  private statedQuery(query: BundleQuery, { lists, withOpenings, withEvidence }: BundleOptions): BundleHeader['query'] {
    const { kind, ...parameters } = query;
    return {
      ...parameters,
      by: kind,
      kind: kind === 'registration' ? 'registration' : 'range',
      lists: [...lists],
      withOpenings,
      withEvidence,
    };
  }

  private choose(
    query: BundleQuery,
    size: number,
  ): { readonly indices: readonly number[]; readonly asked: { readonly first: number; readonly last: number } } {
    if (query.kind === 'registration') {
      const indices = this.ofRegistration(query.requestId, size);
      return { indices, asked: { first: indices[0] ?? 0, last: indices.at(-1) ?? -1 } };
    }
    const asked =
      query.kind === 'time'
        ? this.ofTime(query, size)
        : { first: query.from, last: Math.min(query.to ?? size - 1, size - 1) };
    if (asked.first < 0 || asked.last < asked.first) return { indices: [], asked };
    const range = Array.from({ length: asked.last - asked.first + 1 }, (_, i) => asked.first + i);
    return { indices: [...this.before(asked), ...range], asked };
  }

  private ofTime(
    { fromUtc, toUtc }: Extract<BundleQuery, { kind: 'time' }>,
    size: number,
  ): { first: number; last: number } {
    const [fromMs, toMs] = [Date.parse(fromUtc), Date.parse(toUtc)];
    const found = { first: -1, last: -2 };
    let index = 0;
    for (const text of this.log.leaves(0, size)) {
      const atMs = Date.parse(/"recordedAtUtc":"([^"]+)"/.exec(text)?.[1] ?? '');
      if (atMs >= fromMs && atMs <= toMs) {
        if (found.first < 0) found.first = index;
        found.last = index;
      }
      index += 1;
    }
    return found;
  }

  /** Earlier leaves of the streams that the range touches, and of the policy: without them decisions could not be made
   * again. */
  private before({ first, last }: { readonly first: number; readonly last: number }): number[] {
    if (first === 0) return [];
    const streams = new Set<string>();
    for (const text of this.log.leaves(first, last + 1)) streams.add(streamOf(text));
    return this.indicesWhere(first, (text) => streams.has(streamOf(text)) || isPolicy(text));
  }

  /** Everything of a case: what carries its id, and whole: the registrant's stream, the booth's and the policy's. */
  private ofRegistration(requestId: string, size: number): number[] {
    const mark = `"correlationId":${JSON.stringify(requestId)}`;
    const streams = new Set<string>();
    for (const text of this.log.leaves(0, size)) {
      if (!text.includes(mark)) continue;
      const leaf = parseLeaf(text);
      if (leaf?.type === 'CertificateVerified') streams.add(`registrant-${String(leaf.data['subjectKey'])}`);
      if (leaf?.type === 'RequestReceived') streams.add(`booth-${String(leaf.data['boothId'])}`);
    }
    if (streams.size === 0) return [];
    return this.indicesWhere(size, (text) => text.includes(mark) || streams.has(streamOf(text)) || isPolicy(text));
  }

  private indicesWhere(to: number, isWanted: (text: string) => boolean): number[] {
    const indices: number[] = [];
    let index = 0;
    for (const text of this.log.leaves(0, to)) {
      if (isWanted(text)) indices.push(index);
      index += 1;
    }
    return indices;
  }

  private draw(
    names: readonly ListName[],
    { first, last }: { readonly first: number; readonly last: number },
  ): Record<string, readonly JsonObject[]> {
    if (names.length === 0) return {};
    const drawer = new ListDrawer(names);
    let index = first;
    for (const text of this.log.leaves(first, last + 1)) drawer.feed(parseLeaf(text) as LeafEvent, index++);
    return Object.fromEntries(names.map((name) => [name, drawer.rows(name)]));
  }

  private policyAt(size: number): number | null {
    let version: number | null = null;
    for (const text of this.log.leaves(0, size))
      if (isPolicy(text) && text.includes('"type":"PolicyActivated"'))
        version = Number(parseLeaf(text)?.data['version']);
    return version;
  }

  private timestamp(size: number | null, checkpoint: PublishedCheckpoint): BundleHeader['timestamp'] {
    const [stamped, token] = size === null ? [null, null] : [this.log.checkpointOf(size), this.log.timestamp(size)];
    // A stamp of before a loss is on another name's checkpoint.
    if (!stamped || !token || stamped.origin !== checkpoint.origin) return null;
    return { checkpoint: stamped.note, token: toBase64(token), proof: this.consistency(stamped.size, checkpoint.size) };
  }

  /** What was declared lost goes with every bundle: who trusts the name of before is led to this one, and told. What a
   *  later loss took cannot be proven any more, and comes without a proof. */
  private losses({ origin, size }: PublishedCheckpoint): BundleHeader['known'] {
    const read = declaredLosses(this.signer);
    const chain = lossesThatLeadTo(
      origin,
      read.map(({ loss }) => loss),
    );
    return chain.map(({ loss, left }) => {
      const { note } = read.find((each) => each.loss === loss) as { readonly note: string };
      const { kept } = loss;
      return { checkpoint: note, proof: left < kept.size ? [] : this.consistency(kept.size, size) };
    });
  }

  /** @throws {UnknownCheckpointError} for what is no beginning of this log, under whatever name, and no later state */
  private known(note: string, present: PublishedCheckpoint): BundleHeader['known'][number] {
    const { checkpoint } = this.readKnown(note);
    const { origin, size, root } = checkpoint;
    if (origin !== present.origin) this.assertLeft(checkpoint, present);
    if (size > present.size)
      throw new UnknownCheckpointError(
        `the known checkpoint has ${size} entries, and this log ${present.size}: export again when it has grown, or from the server that gave it out`,
      );
    const proof = this.consistency(size, present.size);
    const trees = { first: size, firstRoot: root, second: present.size, secondRoot: present.root };
    if (!isConsistent(hasher, proof.map(fromBase64), trees))
      throw new UnknownCheckpointError(`this log does not begin with the known checkpoint of ${size} entries`);
    return { checkpoint: note, proof };
  }

  /** Of a name of before what is left can be proven, as of this one. */
  private assertLeft({ origin, size }: Checkpoint, present: PublishedCheckpoint): void {
    const losses = declaredLosses(this.signer).map(({ loss }) => loss);
    const since = lossesThatLeadTo(present.origin, losses).find(({ loss }) => loss.signed.origin === origin);
    if (!since) throw new UnknownCheckpointError(`the known checkpoint is of another log, ${origin}`);
    if (size > since.left)
      throw new UnknownCheckpointError(
        `the known checkpoint has ${size} entries of ${origin}, and of these only the first ${since.left} were not lost: ` +
          'export without it; the bundle holds the declaration',
      );
  }

  private readKnown(note: string): ReturnType<typeof parseCheckpoint> {
    try {
      return parseCheckpoint(note);
    } catch (error) {
      if (error instanceof NoteFormatError)
        throw new UnknownCheckpointError(`the known checkpoint is none: ${error.message}`);
      throw error;
    }
  }

  private consistency(first: number, second: number): string[] {
    return consistencyProof(hasher, this.log.nodes(second), { first, second }).map(toBase64);
  }

  private *leaves(indices: readonly number[]): Iterable<BundleLeaf> {
    for (let i = 0; i < indices.length;) {
      let end = i + 1;
      while (end < indices.length && (indices[end] as number) === (indices[end - 1] as number) + 1) end += 1;
      const first = indices[i] as number;
      let index = first;
      for (const text of this.log.leaves(first, first + (end - i))) yield { index: index++, text };
      i = end;
    }
  }

  private async openings(indices: readonly number[]): Promise<BundleHeader['openings']> {
    const openings: Record<string, BundleHeader['openings'][string]> = {};
    for await (const event of this.events(indices)) {
      for (const person of personsIn({
        ...event,
        data: canonicalJson(event.data),
        metadata: canonicalJson(event.metadata as unknown as JsonObject),
      })) {
        const salt = person.kind === 'content' ? null : this.pseudonyms.existingSaltOf(person);
        if (salt) openings[this.pseudonyms.tokenOf(person)] = { ...person, salt: toBase64(salt) };
      }
    }
    return openings;
  }

  private async evidence(indices: readonly number[], { onUnopened }: BundleOptions): Promise<Record<string, string>> {
    const evidence: Record<string, string> = {};
    for await (const event of this.events(indices)) {
      const { type, data, metadata } = event;
      const [id, sha256] = [data['sealedEvidenceId'], data['sealedEvidenceSha256']];
      if ((type !== 'CertificateVerified' && type !== 'CertificateRejected') || typeof id !== 'string') continue;
      const owner =
        type === 'CertificateVerified'
          ? registrantOwner(String(data['subjectKey']))
          : evidenceOwner(metadata.correlationId);
      try {
        const name = { id, sha256: typeof sha256 === 'string' ? sha256 : null };
        const isNamedAfter = (bytes: Uint8Array) => isEvidenceOf(name, metadata.causationId, bytes);
        evidence[id] = toBase64(await this.vault.open(owner, id, { isNamedAfter }));
      } catch (error) {
        // The bundle goes out without it: a reader is told, and one bad file must not keep every export back.
        if (!(error instanceof BlobGoneError || error instanceof BlobDiffersError)) throw error;
        await onUnopened?.(event, error);
      }
    }
    return evidence;
  }

  private async *events(indices: readonly number[]): AsyncIterable<StoredEvent> {
    let page: readonly StoredEvent[] = [];
    let [from, to] = [0, 0];
    for (const index of indices) {
      if (index < from || index >= to) {
        page = (await this.store.readAll(index === 0 ? null : this.log.positionOf(index - 1), { limit: 256 })).events;
        [from, to] = [index, index + page.length];
      }
      yield page[index - from] as StoredEvent;
    }
  }
}

function sha256Hex(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function streamOf(text: string): string {
  return /"stream":"([^"]*)","type":"[^"]*"\}$/.exec(text)?.[1] ?? '';
}

function isPolicy(text: string): boolean {
  return streamOf(text).startsWith('policy-');
}
