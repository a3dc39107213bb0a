import { createHash } from 'node:crypto';
import sharp from 'sharp';
import { booths, registrations } from '../../src/application/decisions/aggregates.js';
import { CASE_BLOBS, caseOwner } from '../../src/application/case/case-material.js';
import { Claims } from '../../src/application/door/claims.js';
import { DecideAndAppend } from '../../src/application/decisions/decide-and-append.js';
import { Challenges } from '../../src/application/door/issue-challenge.js';
import { ReceiveRequest, ReceiveRequestHandler, type Receipt } from '../../src/application/door/receive-request.js';
import { RefuseAtDoor } from '../../src/application/door/refuse-at-door.js';
import { CurrentPolicy } from '../../src/application/decisions/current-policy.js';
import type { Outcome } from '../../src/application/decisions/outcome.js';
import {
  EventStore,
  type AppendResult,
  type RecordedAnchor,
  type EventBatch,
  type EventFilter,
  type ExpectedRevision,
  type ReadStreamOptions,
} from '../../src/application/ports/store/event-store.js';
import {
  BlobDiffersError,
  BlobGoneError,
  ImageVault,
  OwnerErasedError,
  type VaultOwner,
} from '../../src/application/ports/registrant/image-vault.js';
import {
  PositionStore,
  type Checkpoint,
  type Lease,
  type SaveOutcome,
  type StoredPosition,
} from '../../src/application/ports/store/position-store.js';
import { PhotoReader } from '../../src/application/ports/outside/photo-reader.js';
import { SubjectLinker } from '../../src/application/ports/registrant/subject-linker.js';
import { ClaimSweep } from '../../src/application/saga/claim-sweep.js';
import type { NewEvent, Position, StoredEvent } from '../../src/domain/event-envelope.js';
import { readPhoto, type PhotoReading } from '../../src/domain/photo/photo-reader.js';
import { InMemoryEventStore } from '../../src/infrastructure/event-store/in-memory-event-store.js';
import { KeyedSecrets } from '../../src/infrastructure/settings/keyed-secrets.js';
import {
  envelopeOf,
  newBooth,
  requestJson,
  CARD_ISSUER_CERTIFICATE,
  CARD_RECORD,
  CERTIFICATE,
} from '../api/support/booth.js';
import { SetClock } from '../application/fixture.js';
import type { Calls, Ended } from './explorer.js';

const NOW_MS = Date.parse('2026-11-23T08:05:00.000Z');
const HOUR_MS = 3_600_000;
const booth = newBooth('booth-0001');
const secrets = new KeyedSecrets(Buffer.alloc(32, 1));
const photos = await Promise.all(
  ['red', 'green', 'blue'].map((background) =>
    sharp({ create: { width: 64, height: 64, channels: 3, background } })
      .jpeg()
      .toBuffer(),
  ),
);

/** A request of these scenes: whose key, whose nonce, which body. Two with the same three are the very same bytes. */
export interface Asked {
  readonly key: string;
  readonly nonce: string;
  readonly body: number;
}

const nonces = new Map<string, string>();
const commands = new Map<string, ReceiveRequest>();

/** The signed request, made once: making it is no part of what is looked at. */
function commandOf({ key, nonce, body }: Asked): ReceiveRequest {
  const name = `${key} ${nonce} ${body}`;
  const made = commands.get(name) ?? makeCommand(key, nonceOf(nonce), body);
  commands.set(name, made);
  return made;
}

function makeCommand(key: string, nonce: string, body: number): ReceiveRequest {
  const photo = photos[body] as Buffer;
  const envelope = envelopeOf(booth, nonce, { counter: body + 1 }, photo);
  const json = requestJson(booth, envelope) as Record<
    'boothSignature' | 'cardSignature' | 'cardChallengeSignature',
    string
  >;
  const [boothSignature, card, cardChallenge] = [
    json.boothSignature,
    json.cardSignature,
    json.cardChallengeSignature,
  ].map((text) => Buffer.from(text, 'base64')) as [Buffer, Buffer, Buffer];
  return new ReceiveRequest(
    key,
    envelope,
    { booth: boothSignature, card, cardChallenge },
    { photo, certificate: CERTIFICATE, cardRecord: CARD_RECORD, cardIssuerCertificate: CARD_ISSUER_CERTIFICATE },
  );
}

function nonceOf(name: string): string {
  const nonce =
    nonces.get(name) ?? new Challenges(secrets).make(booth.boothId, new Date(NOW_MS + HOUR_MS / 6).toISOString());
  nonces.set(name, nonce);
  return nonce;
}

/** Store, vault and positions that everybody in a scene shares, and the door's real code over them. */
export class DoorWorld {
  readonly store = new InMemoryEventStore();
  readonly vault = new MemoryVault();
  private readonly positions = new MemoryPositions();
  private readonly clock = new SetClock(NOW_MS);

  static async open(): Promise<DoorWorld> {
    const world = new DoorWorld();
    const aggregates = new DecideAndAppend(world.store, world.clock);
    await new CurrentPolicy(aggregates).ensureDefault();
    await aggregates.execute(
      booths,
      booth.boothId,
      { type: 'EnrolBooth', boothId: booth.boothId, publicKey: booth.publicKey, by: 'admin' },
      {
        commandId: '6ed7a3cc-44bc-5d4e-9d2a-0b6f5a1c2d3e',
        actor: 'officer:admin',
        correlationId: booth.boothId,
        causationId: booth.boothId,
        policyVersion: null,
      },
    );
    return world;
  }

  /** Each request has a clock of its own, a millisecond on: two that come at once are told at two instants. */
  ask(asked: Asked, calls: Calls | null, lateMs = 0): Promise<Outcome<Receipt>> {
    const clock = new SetClock(NOW_MS + lateMs);
    const store = calls ? new WatchedStore(this.store, calls) : this.store;
    const vault = calls ? new WatchedVault(this.vault, calls) : this.vault;
    const aggregates = new DecideAndAppend(store, clock);
    const policies = new CurrentPolicy(aggregates);
    const claims = new Claims(store, aggregates, secrets);
    return new ReceiveRequestHandler(
      aggregates,
      policies,
      new Challenges(secrets),
      claims,
      vault,
      secrets,
      clock,
      store,
      new RefuseAtDoor(store, aggregates),
      new WatchedReader(calls),
      new AskedLinker(),
    ).execute(commandOf(asked));
  }

  /** Looks for what nobody owns, at a time at which every claim is due. */
  sweep(calls: Calls | null): Promise<number> {
    const clock = new SetClock(NOW_MS + HOUR_MS);
    const store = calls ? new WatchedStore(this.store, calls) : this.store;
    const vault = calls ? new WatchedVault(this.vault, calls) : this.vault;
    const aggregates = new DecideAndAppend(store, clock);
    return new ClaimSweep(
      store,
      this.positions,
      aggregates,
      new Claims(store, aggregates, secrets),
      new CurrentPolicy(aggregates),
      vault,
      clock,
    ).look();
  }

  async events(): Promise<readonly StoredEvent[]> {
    return (await this.store.readAll(null, { limit: 4096 })).events;
  }

  /** What the door promises, whatever the order was.
   *  @param ended what each party asked for (null: it was a sweep) and what became of it
   *  @param options.maybeNone true where a crash or a sweep may leave a group without an accepted request */
  async assertPromises(
    ended: readonly Ended<Asked | null>[],
    { maybeNone }: { readonly maybeNone: boolean },
  ): Promise<void> {
    for (const { end } of ended)
      if (end !== 'crashed' && 'error' in end) throw new Error(`a party failed: ${String(end.error)}`);
    const parties = ended.flatMap(({ who, end }) => (who === null ? [] : [{ asked: who, end }]));
    const answered = parties.flatMap(({ asked: what, end }) =>
      end !== 'crashed' && 'value' in end ? [{ what, outcome: end.value as Outcome<Receipt> }] : [],
    );
    const accepted = answered.filter(({ outcome }) => 'ok' in outcome);
    for (const a of accepted) for (const b of accepted) assertShareNothing(a.what, b.what);
    for (const { outcome } of answered)
      if ('refused' in outcome && !REFUSALS.has(outcome.refused.code))
        throw new Error(`refused with ${outcome.refused.code}`);
    for (const group of groupsOf(parties.map(({ asked: what }) => what))) {
      const isOne = accepted.some(({ what }) => group.includes(what));
      if (!isOne && !maybeNone) throw new Error('of a group that shares keys and nonces nobody was accepted');
    }
    for (const a of answered)
      for (const b of answered) if (isSame(a.what, b.what)) assertEqualAnswers(a.outcome, b.outcome, maybeNone);
    await this.assertStored(accepted);
  }

  /** Events and vault hold the accepted requests and nothing else; what a crash left is gone after a sweep. */
  private async assertStored(
    accepted: readonly { readonly what: Asked; readonly outcome: Outcome<Receipt> }[],
  ): Promise<void> {
    await this.sweep(null);
    const events = await this.events();
    const received = new Map(
      events.filter(({ type }) => type === 'RequestReceived').map(({ data }) => [String(data['requestId']), data]),
    );
    for (const { what, outcome } of accepted) {
      const { requestId, receipt } = (outcome as { ok: Receipt }).ok;
      const data = received.get(requestId);
      if (data?.['receipt'] !== receipt || data['counter'] !== what.body + 1)
        throw new Error(`${requestId} was accepted and another one, or none, was received`);
    }
    for (const [requestId, data] of received) this.assertMaterial(requestId, data);
    const owners = [...this.vault.owners()].sort();
    const wanted = [...received.keys()].map((requestId) => caseOwner(requestId)).sort();
    if (owners.join() !== wanted.join())
      throw new Error(`the vault has something of ${owners.join()}; received were ${wanted.join()}`);
    for (const { type, data } of events) {
      if (type !== 'RequestClaimed' || received.has(String(data['requestId']))) continue;
      const [first] = await this.store.readStream(registrations.streamOf(String(data['requestId'])), { limit: 1 });
      if (first?.type !== 'RequestLapsed')
        throw new Error(`${String(data['requestId'])} was claimed and neither received nor lapsed`);
    }
  }

  private assertMaterial(requestId: string, data: StoredEvent['data']): void {
    const owner = caseOwner(requestId);
    const material = data['material'] as Record<string, string>;
    const photo = photos[Number(data['counter']) - 1] as Buffer;
    const sent = {
      photo,
      certificate: CERTIFICATE,
      cardRecord: CARD_RECORD,
      cardIssuerCertificate: CARD_ISSUER_CERTIFICATE,
    };
    for (const [name, bytes] of Object.entries(sent)) {
      const kept = this.vault.bytesOf(owner, CASE_BLOBS[name as keyof typeof sent]);
      if (!kept?.equals(bytes) || material[name] !== commitment(owner, bytes))
        throw new Error(`${name} of ${requestId} is not what was accepted`);
    }
  }
}

const REFUSALS = new Set(['idempotency_key_reused', 'nonce_replayed']);

function assertShareNothing(a: Asked, b: Asked): void {
  if (!isSame(a, b) && (a.key === b.key || a.nonce === b.nonce))
    throw new Error(`two accepted requests share key or nonce: ${JSON.stringify([a, b])}`);
}

/** The very same request gets the very same answer; one that lost to a sweep is told that it came too late. */
function assertEqualAnswers(a: Outcome<Receipt>, b: Outcome<Receipt>, maybeLapsed: boolean): void {
  const told = (outcome: Outcome<Receipt>): string => ('ok' in outcome ? outcome.ok.receipt : 'refused');
  if (told(a) !== told(b) && !maybeLapsed) throw new Error(`the same request got two answers: ${told(a)}, ${told(b)}`);
}

function isSame(a: Asked, b: Asked): boolean {
  return a.key === b.key && a.nonce === b.nonce && a.body === b.body;
}

/** Requests that hang together by keys and nonces. */
function groupsOf(asked: readonly Asked[]): readonly (readonly Asked[])[] {
  const groups: Asked[][] = [];
  for (const one of asked) {
    const near = groups.filter((group) => group.some((other) => other.key === one.key || other.nonce === one.nonce));
    for (const group of near) groups.splice(groups.indexOf(group), 1);
    groups.push([...near.flat(), one]);
  }
  return groups;
}

/** The store as one party sees it: each call is a call to the schedule. */
class WatchedStore extends EventStore {
  constructor(
    private readonly store: EventStore,
    private readonly calls: Calls,
  ) {
    super();
  }

  override append(stream: string, events: readonly NewEvent[], expected: ExpectedRevision): Promise<AppendResult> {
    // Each refusal goes to a stream of its own, which is the same to everybody.
    const content = stream.startsWith('door-') ? { content: 'a refusal' } : {};
    return this.calls.make({ name: nameOf(stream), does: 'write', ...content }, () =>
      this.store.append(stream, events, expected),
    );
  }

  override readStream(stream: string, options?: ReadStreamOptions): Promise<readonly StoredEvent[]> {
    return this.calls.make({ name: nameOf(stream), does: 'read' }, () => this.store.readStream(stream, options));
  }

  /** Touches every claim that is there: the sweep asks for claims only. */
  override readAll(
    after: Position | null,
    options: { readonly filter?: EventFilter; readonly limit: number },
  ): Promise<EventBatch> {
    return this.calls.make({ name: 'claim-*', does: 'read' }, () => this.store.readAll(after, options));
  }

  override subscribe(): never {
    throw new Error('nobody at the door follows the log');
  }

  override head(): Promise<Position | null> {
    return this.store.head();
  }

  override anchorAt(position: Position): Promise<RecordedAnchor | null> {
    return this.store.anchorAt(position);
  }

  override async close(): Promise<void> {}
}

/** A refusal has a stream of its own under a new name in each run. */
function nameOf(stream: string): string {
  return stream.startsWith('door-') ? 'a refusal' : stream;
}

/** The real reader; that it is waited for is a call. */
class WatchedReader extends PhotoReader {
  constructor(private readonly calls: Calls | null) {
    super();
  }

  override async read(photo: Uint8Array): Promise<PhotoReading> {
    return this.calls
      ? this.calls.make({ name: 'the reader', does: 'read' }, () => readPhoto(photo))
      : readPhoto(photo);
  }
}

/** Whether there is anybody to ask is all that the door asks. */
class AskedLinker extends SubjectLinker {
  override readonly isConfigured = true;

  override linksOf(): never {
    throw new Error('the door asks nobody');
  }
}

class WatchedVault extends ImageVault {
  constructor(
    private readonly vault: MemoryVault,
    private readonly calls: Calls,
  ) {
    super();
  }

  override seal(owner: VaultOwner, blobId: string, bytes: Uint8Array): Promise<string> {
    const content = createHash('sha256').update(bytes).digest('hex');
    return this.calls.make({ name: owner, part: blobId, does: 'write', content }, () =>
      this.vault.seal(owner, blobId, bytes),
    );
  }

  override open(): never {
    throw new Error('the door opens nothing');
  }

  override remove(): never {
    throw new Error('the door removes nothing');
  }

  override destroyOwner(owner: VaultOwner): Promise<void> {
    return this.calls.make({ name: owner, does: 'write' }, () => this.vault.destroyOwner(owner));
  }

  override caseOwners(after: VaultOwner | null, limit: number): Promise<readonly VaultOwner[]> {
    return this.calls.make({ name: 'case:*', does: 'read' }, () => this.vault.caseOwners(after, limit));
  }
}

/** What the port promises, without files: those have tests of their own. */
export class MemoryVault extends ImageVault {
  private readonly blobs = new Map<VaultOwner, Map<string, Buffer>>();
  private readonly erased = new Set<VaultOwner>();

  owners(): Iterable<VaultOwner> {
    return this.blobs.keys();
  }

  bytesOf(owner: VaultOwner, blobId: string): Buffer | undefined {
    return this.blobs.get(owner)?.get(blobId);
  }

  override async seal(owner: VaultOwner, blobId: string, bytes: Uint8Array): Promise<string> {
    if (this.erased.has(owner)) throw new OwnerErasedError(owner);
    const there = this.bytesOf(owner, blobId);
    if (there && !there.equals(bytes)) throw new BlobDiffersError(owner, blobId, 'other_bytes');
    this.blobs.set(owner, (this.blobs.get(owner) ?? new Map<string, Buffer>()).set(blobId, Buffer.from(bytes)));
    return commitment(owner, bytes);
  }

  override async open(owner: VaultOwner, blobId: string): Promise<Uint8Array> {
    const bytes = this.bytesOf(owner, blobId);
    if (!bytes) throw new BlobGoneError(owner, blobId);
    return bytes;
  }

  override async remove(owner: VaultOwner, blobId: string): Promise<void> {
    this.blobs.get(owner)?.delete(blobId);
  }

  override async destroyOwner(owner: VaultOwner): Promise<void> {
    this.blobs.delete(owner);
    this.erased.add(owner);
  }

  override async caseOwners(after: VaultOwner | null, limit: number): Promise<readonly VaultOwner[]> {
    return [...this.blobs.keys()]
      .sort()
      .filter((owner) => owner > (after ?? ''))
      .slice(0, limit);
  }
}

/** One consumer, one process. */
class MemoryPositions extends PositionStore {
  private stored: StoredPosition | null = null;

  override async find(): Promise<StoredPosition | null> {
    return this.stored;
  }

  override async save({ next, anchor }: Checkpoint): Promise<SaveOutcome> {
    this.stored = { position: next, anchor };
    return 'saved';
  }

  override async acquire(consumer: string, owner: string): Promise<Lease> {
    return { consumer, owner, fencingToken: 1 };
  }

  override async renew(): Promise<boolean> {
    return true;
  }

  override async release(): Promise<void> {}

  override park(): never {
    throw new Error('nothing is parked here');
  }

  override async parked(): Promise<readonly []> {
    return [];
  }

  override unpark(): never {
    throw new Error('nothing is parked here');
  }
}

function commitment(owner: string, bytes: Uint8Array): string {
  return createHash('sha256').update(owner).update(bytes).digest('hex');
}
