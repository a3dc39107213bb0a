import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Secrets } from '../../application/ports/registrant/secrets.js';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Seals what a browser or a file keeps for us (AES-256-GCM under a key that the server derives for this). */
@Injectable()
export class Sealer {
  private readonly key: Uint8Array;

  constructor(secrets: Secrets) {
    this.key = secrets.keyedHash('console-session', new Uint8Array());
  }

  /** @param use binds the text to its place: sealed for one use, it opens for no other */
  seal(use: string, value: object): Uint8Array {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.key, nonce).setAAD(Buffer.from(use));
    const sealed = Buffer.concat([cipher.update(JSON.stringify(value), 'utf8'), cipher.final()]);
    return Buffer.concat([nonce, sealed, cipher.getAuthTag()]);
  }

  /** @returns null for what was not sealed here for this use */
  open(use: string, sealed: Uint8Array): unknown {
    if (sealed.length < NONCE_BYTES + TAG_BYTES) return null;
    const decipher = createDecipheriv('aes-256-gcm', this.key, sealed.subarray(0, NONCE_BYTES)).setAAD(
      Buffer.from(use),
    );
    decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
    try {
      const text = Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
      return JSON.parse(text.toString('utf8'));
    } catch {
      // Not ours, or changed: which of the two does not matter to anybody.
      return null;
    }
  }
}
