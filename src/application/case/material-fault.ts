import type { MaterialName, MaterialUse } from '../../domain/registration/registration.events.js';
import type { MaterialFault } from '../../domain/registration/registration.js';
import { registrations } from '../decisions/aggregates.js';
import { CASE_BLOBS } from './case-material.js';
import type { DecideAndAppend } from '../decisions/decide-and-append.js';
import { derivedId } from '../decisions/ids.js';
import { BlobDiffersError, BlobGoneError, type VaultOwner } from '../ports/registrant/image-vault.js';
import { SignedTextDiffersError } from '../door/received-material.js';

const NAME_OF: Readonly<Record<string, MaterialName>> = {
  [CASE_BLOBS.photo]: 'photo',
  [CASE_BLOBS.certificate]: 'certificate',
  [CASE_BLOBS.cardRecord]: 'card_record',
  [CASE_BLOBS.cardIssuerCertificate]: 'card_issuer_certificate',
  [CASE_BLOBS.signatures]: 'signatures',
};

/** What an error of opening says about the material itself.
 *  @returns null for every other error: an outage or a bug, which says nothing about it */
export function materialFault(error: unknown, foundAt: MaterialUse): MaterialFault | null {
  if (error instanceof BlobGoneError) return { fault: 'missing', material: nameOf(error.owner, error.blobId), foundAt };
  if (error instanceof BlobDiffersError)
    return { fault: 'differs', difference: error.difference, material: nameOf(error.owner, error.blobId), foundAt };
  if (error instanceof SignedTextDiffersError)
    return { fault: 'differs', difference: error.difference, material: nameOf('case:', error.blobId), foundAt };
  return null;
}

function nameOf(owner: VaultOwner, blobId: string): MaterialName {
  if (owner.startsWith('case:')) return NAME_OF[blobId] ?? 'frame';
  return blobId.startsWith('evidence-') ? 'certificate_evidence' : 'registered_image';
}

/** Stops a case in which somebody who only looked has found a fault. Said again, it changes nothing. */
export async function stopForMaterial(
  aggregates: DecideAndAppend,
  {
    requestId,
    fault,
    commandId,
    actor,
  }: { readonly requestId: string; readonly fault: MaterialFault; readonly commandId: string; readonly actor: string },
): Promise<void> {
  const context = {
    commandId: derivedId(commandId, 'stop'),
    actor,
    correlationId: requestId,
    causationId: commandId,
    policyVersion: null,
  };
  await aggregates.execute(registrations, requestId, { type: 'StopForMaterial', fault }, context);
}
