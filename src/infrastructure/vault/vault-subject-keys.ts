import { createHmac, randomBytes } from 'node:crypto';
import type { CertificateHolder } from '../../application/ports/outside/certificate-verifier.js';
import type { Secrets } from '../../application/ports/registrant/secrets.js';
import { SubjectKeys } from '../../application/ports/registrant/subject-keys.js';
import { TOMBSTONE_KEY, type CardKeys } from './card-keys.js';
import type { Keys } from './key-ring.js';

const SUBJECT_KEY_BYTES = 20;

/** Keys of registrants in the vault's database. A card is found by a hash under the server's secret; its tombstone is a
 *  hash under a key of the vault that nothing else uses, so that the one does not lead to the other. */
export class VaultSubjectKeys extends SubjectKeys {
  constructor(
    private readonly ring: Keys & CardKeys,
    private readonly secrets: Secrets,
  ) {
    super();
  }

  override async find(holder: CertificateHolder): Promise<string | null> {
    return this.ring.subjectOf(this.cardOf(holder));
  }

  override async give(holder: CertificateHolder, subjectKey: string | null): Promise<string> {
    const key = subjectKey ?? randomBytes(SUBJECT_KEY_BYTES).toString('hex');
    return this.ring.giveSubject(this.cardOf(holder), await this.markOf(holder), key);
  }

  override async retire(subjectKey: string, untilUtc: string | null): Promise<void> {
    await this.ring.retireSubject(subjectKey, untilUtc && dayAfter(untilUtc));
  }

  override async remember(holder: CertificateHolder, untilUtc: string): Promise<void> {
    await this.ring.rememberMark(await this.markOf(holder), dayAfter(untilUtc));
  }

  override async wereErasedBefore(subjectKeys: readonly string[], nowUtc: string): Promise<boolean> {
    return this.ring.meetsTombstone(subjectKeys, dayOf(nowUtc));
  }

  override async sweep(nowUtc: string): Promise<number> {
    return this.ring.sweepTombstones(dayOf(nowUtc));
  }

  private cardOf(holder: CertificateHolder): Uint8Array {
    return this.secrets.keyedHash('card', identityOf(holder));
  }

  private async markOf(holder: CertificateHolder): Promise<Uint8Array> {
    const key = await this.ring.keyFor(TOMBSTONE_KEY);
    if (key === null) throw new Error('the key of the tombstones was destroyed for ever');
    return createHmac('sha256', key).update(identityOf(holder)).digest();
  }
}

function identityOf({ issuerName, serialNumber }: CertificateHolder): Buffer {
  return Buffer.concat([issuerName, Buffer.from(`\n${serialNumber}`)]);
}

function dayOf(utc: string): string {
  return utc.slice(0, 10);
}

/** The first day on which nothing is answered any more. Days, not instants: an instant would be that of the erasure,
 * and lead to the case. */
function dayAfter(utc: string): string {
  return dayOf(new Date(Date.parse(utc) + 86_400_000).toISOString());
}
