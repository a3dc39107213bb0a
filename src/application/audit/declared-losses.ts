import { createHash } from 'node:crypto';
import { lossesThatLeadTo, lossIn, type LossDeclaration } from '../../domain/audit/log/loss-declaration.js';
import type { CheckpointSigner } from '../ports/audit/checkpoint-signer.js';

const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();

/** What this log has declared lost, each with its note. */
export function declaredLosses(
  signer: Pick<CheckpointSigner, 'losses'>,
): readonly { readonly note: string; readonly loss: LossDeclaration }[] {
  return signer.losses().flatMap((note) => {
    const loss = lossIn(note, sha256);
    return loss === null ? [] : [{ note, loss }];
  });
}

/** Notes in which one key vouches for the next, up to the log of this name: successions, and declarations of loss. */
export function notesThatLeadTo(
  origin: string,
  signer: Pick<CheckpointSigner, 'losses' | 'successions'>,
): readonly string[] {
  const declared = declaredLosses(signer);
  const chain = lossesThatLeadTo(
    origin,
    declared.map(({ loss }) => loss),
  );
  const notes = declared.filter(({ loss }) => chain.some((since) => since.loss === loss)).map(({ note }) => note);
  return [...signer.successions(), ...notes];
}
