import { createPublicKey, verify } from 'node:crypto';
import type { BoothState } from '../../domain/booth/booth.js';

export type KnownBooth = Extract<BoothState, { stage: 'enrolled' | 'suspended' }>;

/** Whether the booth's enrolled Ed25519 key made this signature over the text's UTF-8 bytes. @req R21 */
export function boothSigned(booth: KnownBooth, text: string, signature: Uint8Array): boolean {
  const key = createPublicKey({ key: Buffer.from(booth.publicKey, 'base64'), format: 'der', type: 'spki' });
  return key.asymmetricKeyType === 'ed25519' && verify(null, Buffer.from(text), key, signature);
}
