import type { NoteSignature } from '../../domain/audit/log/signed-note.js';
import type { CheckpointSigner } from '../ports/audit/checkpoint-signer.js';

/** The key may be changed at any moment, also by a command beside the server: what states which key vouches for which
 * would then be signed by one that it does not name, and whoever trusts the first key could not follow. */
const CHANGES_MAX = 10;

/** Makes a text that goes with the notes in which one key vouches for the next, and signs it with a key that they lead
 *  to.
 *  @param make is asked again where the key was changed between; it must not wait for anything
 *  @throws {SigningRefusedError} as the signer does */
export function signedWithKeys<T extends { readonly text: string }>(
  signer: Pick<CheckpointSigner, 'sign' | 'successions' | 'losses'>,
  make: () => T,
): T & { readonly signatures: readonly NoteSignature[] } {
  const notes = (): string => [...signer.successions(), ...signer.losses()].join('\n');
  for (let changes = 0; ; changes++) {
    const before = notes();
    const made = make();
    const signatures = signer.sign(made.text);
    if (notes() === before) return { ...made, signatures };
    if (changes >= CHANGES_MAX) throw new Error('the key of the log is changed again and again');
  }
}
