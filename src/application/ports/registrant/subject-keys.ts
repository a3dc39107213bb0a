import type { CertificateHolder } from '../outside/certificate-verifier.js';

/** Which pseudonymous key a certificate is known under here, and whether its holder was erased before. Nothing else
 *  leads from a card to a key: a key is made at random, so that after an erasure no card, no secret and no log leads to
 *  what was stored under it, and the same card gets another one (decision 0086). */
export abstract class SubjectKeys {
  /** @returns null where the certificate is not known, or not any more */
  abstract find(holder: CertificateHolder): Promise<string | null>;
  /** Gives the certificate a key unless it has one. Durable before it answers.
   *  @param subjectKey null: a new one, made at random
   *  @returns the one that it has, also where another one was given at the same moment */
  abstract give(holder: CertificateHolder, subjectKey: string | null): Promise<string>;
  /** Forgets which card a key is of, in the same step in which a tombstone is set for the card. Repeating changes
   *  nothing.
   *  @param untilUtc for how long the tombstone answers; null: there is none */
  abstract retire(subjectKey: string, untilUtc: string | null): Promise<void>;
  /** Sets a tombstone for a card whose registrant was erased before there were any. */
  abstract remember(holder: CertificateHolder, untilUtc: string): Promise<void>;
  /** Whether a card of one of these keys meets a tombstone. To be erased twice lengthens it. */
  abstract wereErasedBefore(subjectKeys: readonly string[], nowUtc: string): Promise<boolean>;
  /** Removes tombstones whose time is over. @returns how many */
  abstract sweep(nowUtc: string): Promise<number>;
}
