import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { DomainEvent } from '../../domain/decider.js';
import type { StoredEvent } from '../../domain/event-envelope.js';
import { derivedId, uuidFrom } from '../decisions/ids.js';
import { EventStore, IdConflictError } from '../ports/store/event-store.js';
import { Secrets } from '../ports/registrant/secrets.js';
import { appendKnown, DecideAndAppend, type CommandContext } from '../decisions/decide-and-append.js';

/** Who owns a key: by the digest of what came under it, and since when. */
export interface Claim {
  readonly digest: string;
  readonly claimedAtUtc: string;
}

/** Ownership before anything is stored: a stream that can be started once belongs to whoever started it, and the store
 * decides who that is. Whoever loses has touched nothing but the question.
 *
 * Keys are always claimed before nonces. So among all requests that share keys and nonces, the one that first owns a
 * nonce owns its key already and has nothing left to lose: of every such group at least one goes on. */
@Injectable()
export class Claims {
  constructor(
    private readonly store: EventStore,
    private readonly aggregates: DecideAndAppend,
    private readonly secrets: Secrets,
  ) {}

  /** The claim on a request's key, or null while nobody has it. */
  async ofRequest(requestId: string): Promise<Claim | null> {
    const first = await this.firstOf(requestClaimStream(requestId));
    return first && claimIn(first, 'requestDigest');
  }

  /** Claims the key of a request. @returns whose it is: ours when the digest is. */
  async claimRequest(
    { requestId, boothId, digest }: { readonly requestId: string; readonly boothId: string; readonly digest: string },
    context: CommandContext,
  ): Promise<Claim> {
    const data = { requestId, boothId, requestDigest: digest };
    const first = await this.startOnce(
      requestClaimStream(requestId),
      { type: 'RequestClaimed', data },
      { ...context, commandId: derivedId('claim', requestId, digest) },
    );
    return claimIn(first, 'requestDigest');
  }

  /** The request that used a nonce, or null while it is unused. */
  async userOfNonce(nonce: string): Promise<string | null> {
    const first = await this.firstOf(challengeStream(nonce));
    return first ? (first.data['requestId'] as string) : null;
  }

  /** Uses a nonce up. Only who owns the key of the request may ask, so the request's id says which body it was.
   *  @returns the request whose nonce it is */
  async claimNonce(
    nonce: string,
    { requestId, boothId }: { readonly requestId: string; readonly boothId: string },
    context: CommandContext,
  ): Promise<string> {
    const event = { type: 'ChallengeConsumed', data: { requestId, boothId } };
    const first = await this.startOnce(challengeStream(nonce), event, {
      ...context,
      commandId: derivedId('consume', nonce, requestId),
    });
    return first.data['requestId'] as string;
  }

  /** Claims the Idempotency-Key of a signed-in person for one command. Only keyed digests are stored, because a key may
   * be a word.
   * @param command everything that makes it this command: method, address and body
   * @returns the command's id, the same for the same command under the same key; null when the key belongs to another
   *   command */
  async claimCommand(
    { subject, key }: { readonly subject: string; readonly key: string },
    command: readonly string[],
  ): Promise<string | null> {
    const keyId = uuidFrom(this.keyed('command-key', [subject, key]), 8);
    const commandDigest = Buffer.from(this.keyed('command-digest', [subject, key, ...command])).toString('hex');
    const commandId = derivedId('command', keyId, commandDigest);
    const context = {
      commandId: derivedId('claim', commandId),
      actor: `officer:${subject}`,
      correlationId: commandId,
      causationId: commandId,
      policyVersion: null,
    };
    const first = await this.startOnce(
      `command-${keyId}`,
      { type: 'CommandClaimed', data: { commandDigest } },
      context,
    );
    return first.data['commandDigest'] === commandDigest ? commandId : null;
  }

  private keyed(purpose: 'command-key' | 'command-digest', parts: readonly string[]): Uint8Array {
    return this.secrets.keyedHash(purpose, Buffer.from(JSON.stringify(parts)));
  }

  private async firstOf(stream: string): Promise<StoredEvent | null> {
    return (await this.store.readStream(stream, { limit: 1 }))[0] ?? null;
  }

  /** Starts a stream that can be started once. @returns its first event, whoever's that is. */
  private async startOnce(
    stream: string,
    event: DomainEvent,
    context: CommandContext,
  ): Promise<Pick<StoredEvent, 'data' | 'metadata'>> {
    const ours = this.aggregates.envelope(event, 0, context);
    try {
      const result = await appendKnown(this.store, stream, [ours], 'no_stream');
      // Where it was there already, it was told at another instant, and that one counts.
      if (result.outcome === 'appended' && !result.repeated) return ours;
    } catch (error) {
      // Our own event is there, told under another policy: the same request has come twice.
      if (!(error instanceof IdConflictError)) throw error;
    }
    const first = await this.firstOf(stream);
    if (!first) throw new Error(`${stream} cannot be started and has no first event`);
    return first;
  }
}

/** @param requestId as the booth's key gives it */
export function requestClaimStream(requestId: string): string {
  return `claim-${requestId}`;
}

function challengeStream(nonce: string): string {
  return `challenge-${createHash('sha256').update(nonce).digest('hex').slice(0, 40)}`;
}

function claimIn({ data, metadata }: Pick<StoredEvent, 'data' | 'metadata'>, member: 'requestDigest'): Claim {
  return { digest: data[member] as string, claimedAtUtc: metadata.recordedAtUtc };
}
