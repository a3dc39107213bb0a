import { createPublicKey } from 'node:crypto';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { BoothCommand, BoothState } from '../../domain/booth/booth.js';
import { booths } from '../decisions/aggregates.js';
import { ok, refused, type Outcome } from '../decisions/outcome.js';
import { DecideAndAppend } from '../decisions/decide-and-append.js';

/** Enrols a booth with its Ed25519 public key (SubjectPublicKeyInfo, DER, base64) without a second person: at a first
 * start, from the operator's own file. Afterwards it takes two people (`ProposeAct`). */
export class EnrolBooth {
  constructor(
    readonly commandId: string,
    readonly boothId: string,
    readonly publicKey: string,
    readonly by: string,
  ) {}
}

export class SuspendBooth {
  constructor(
    readonly commandId: string,
    readonly boothId: string,
    readonly reason: 'lost' | 'tampered' | 'maintenance' | 'retired',
    readonly by: string,
  ) {}
}

/** What a booth's key must be and how to make one, for who gave something else. */
export const BOOTH_KEY_WORDS =
  'an Ed25519 public key: base64 of its SubjectPublicKeyInfo in DER, 44 bytes that are written with 60 letters beginning ' +
  'with MCow. Make a key with: openssl genpkey -algorithm ed25519 -out booth.key; its text is what this prints: ' +
  'openssl pkey -in booth.key -pubout -outform DER | base64 -w 0';

/** True for the public key of a booth: Ed25519, SubjectPublicKeyInfo, DER, base64. */
export function isBoothKey(publicKey: string): boolean {
  try {
    return (
      createPublicKey({ key: Buffer.from(publicKey, 'base64'), format: 'der', type: 'spki' }).asymmetricKeyType ===
      'ed25519'
    );
  } catch {
    // Not a key at all: the same answer as another kind of key.
    return false;
  }
}

@CommandHandler(EnrolBooth)
export class EnrolBoothHandler implements ICommandHandler<EnrolBooth, Outcome<BoothState>> {
  constructor(private readonly aggregates: DecideAndAppend) {}
  execute({ commandId, boothId, publicKey, by }: EnrolBooth): Promise<Outcome<BoothState>> {
    return manage(this.aggregates, commandId, by, boothId, { type: 'EnrolBooth', boothId, publicKey, by });
  }
}

@CommandHandler(SuspendBooth)
export class SuspendBoothHandler implements ICommandHandler<SuspendBooth, Outcome<BoothState>> {
  constructor(private readonly aggregates: DecideAndAppend) {}
  execute({ commandId, boothId, reason, by }: SuspendBooth): Promise<Outcome<BoothState>> {
    return manage(this.aggregates, commandId, by, boothId, { type: 'SuspendBooth', reason, by });
  }
}

async function manage(
  aggregates: DecideAndAppend,
  commandId: string,
  by: string,
  boothId: string,
  command: BoothCommand,
): Promise<Outcome<BoothState>> {
  const result = await aggregates.execute(booths, boothId, command, {
    commandId,
    actor: `officer:${by}`,
    correlationId: boothId,
    causationId: commandId,
    policyVersion: null,
  });
  return result.outcome === 'refused' ? refused(result.refusal) : ok(result.state);
}
