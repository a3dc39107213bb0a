import { createHmac, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import { Secrets } from '../../application/ports/registrant/secrets.js';

/** Derives one key per purpose from the server's secret (HKDF-SHA-256), so that no two uses share a key. */
export class KeyedSecrets extends Secrets {
  private readonly keys = new Map<string, KeyObject>();

  /** @param secret at least 32 bytes; losing it makes earlier registrants unrecognisable */
  constructor(private readonly secret: Uint8Array) {
    super();
    if (secret.length < 32) throw new RangeError('the server secret must have at least 32 bytes');
  }

  keyedHash(purpose: Parameters<Secrets['keyedHash']>[0], data: Uint8Array): Uint8Array {
    let key = this.keys.get(purpose);
    if (!key) {
      // A key object is made once: making it costs more than the hash.
      key = createSecretKey(
        new Uint8Array(hkdfSync('sha256', this.secret, Buffer.alloc(0), `honnin/${purpose}/v1`, 32)),
      );
      this.keys.set(purpose, key);
    }
    return createHmac('sha256', key).update(data).digest();
  }
}
