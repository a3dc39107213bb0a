import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';

/** A booth's key pair. The private half stays on the booth; the public half is given to an administrator for
 * enrolment. */
export interface BoothKey {
  readonly privateKey: KeyObject;
  /** SubjectPublicKeyInfo, DER, base64: what enrolment takes. */
  readonly publicKeySpki: string;
  /** First 16 hex digits of the SHA-256 of the SPKI, for reading aloud when the key is compared. */
  readonly fingerprint: string;
}

/** Makes a new Ed25519 key. */
export function generateBoothKey(): BoothKey {
  return describe(generateKeyPairSync('ed25519').privateKey);
}

/** Reads a key that {@link exportBoothKey} wrote. @throws {TypeError} when it is not an Ed25519 key; a wrong passphrase
 * throws as node:crypto does. */
export function importBoothKey(pem: string, passphrase?: string): BoothKey {
  const privateKey = createPrivateKey({ key: pem, ...(passphrase === undefined ? {} : { passphrase }) });
  if (privateKey.asymmetricKeyType !== 'ed25519') throw new TypeError('a booth key is an Ed25519 key');
  return describe(privateKey);
}

/** PKCS#8 PEM, encrypted with AES-256 when a passphrase is given. */
export function exportBoothKey(key: BoothKey, passphrase?: string): string {
  const encryption = passphrase === undefined ? {} : { cipher: 'aes-256-cbc', passphrase };
  return key.privateKey.export({ format: 'pem', type: 'pkcs8', ...encryption }) as string;
}

/** Ed25519 signature, 64 bytes. */
export function signAsBooth(key: BoothKey, message: Uint8Array): Uint8Array {
  return sign(null, message, key.privateKey);
}

function describe(privateKey: KeyObject): BoothKey {
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  return {
    privateKey,
    publicKeySpki: spki.toString('base64'),
    fingerprint: createHash('sha256').update(spki).digest('hex').slice(0, 16),
  };
}
