import { createHash } from 'node:crypto';
import type { CertificateHolder } from '../../src/application/ports/outside/certificate-verifier.js';
import { SubjectKeys } from '../../src/application/ports/registrant/subject-keys.js';

/** Cards and tombstones in memory. Keys follow from the card and from how many it had before, so that a test that runs
 *  twice sees the same ones. */
export class KnownCards extends SubjectKeys {
  private readonly keys = new Map<string, string>();
  private readonly given = new Map<string, number>();
  private readonly tombstones = new Map<string, string>();

  override async find(holder: CertificateHolder): Promise<string | null> {
    return this.keys.get(cardOf(holder)) ?? null;
  }

  override async give(holder: CertificateHolder, subjectKey: string | null): Promise<string> {
    const card = cardOf(holder);
    const has = this.keys.get(card);
    if (has !== undefined) return has;
    const times = (this.given.get(card) ?? 0) + 1;
    this.given.set(card, times);
    const key = subjectKey ?? createHash('sha256').update(`${card}\n${times}`).digest('hex').slice(0, 40);
    this.keys.set(card, key);
    return key;
  }

  override async retire(subjectKey: string, untilUtc: string | null): Promise<void> {
    for (const [card, key] of [...this.keys]) {
      if (key !== subjectKey) continue;
      this.keys.delete(card);
      if (untilUtc !== null) this.rememberCard(card, untilUtc);
    }
  }

  override async remember(holder: CertificateHolder, untilUtc: string): Promise<void> {
    this.rememberCard(cardOf(holder), untilUtc);
  }

  override async wereErasedBefore(subjectKeys: readonly string[], nowUtc: string): Promise<boolean> {
    return [...this.keys].some(
      ([card, key]) => subjectKeys.includes(key) && (this.tombstones.get(card) ?? '') > dayOf(nowUtc),
    );
  }

  override async sweep(nowUtc: string): Promise<number> {
    const over = [...this.tombstones].filter(([, until]) => until <= dayOf(nowUtc));
    for (const [card] of over) this.tombstones.delete(card);
    return over.length;
  }

  private rememberCard(card: string, untilUtc: string): void {
    const until = dayOf(new Date(Date.parse(untilUtc) + 86_400_000).toISOString());
    const before = this.tombstones.get(card) ?? '';
    this.tombstones.set(card, before > until ? before : until);
  }
}

function cardOf({ issuerName, serialNumber }: CertificateHolder): string {
  return `${Buffer.from(issuerName).toString('hex')}\n${serialNumber}`;
}

function dayOf(utc: string): string {
  return utc.slice(0, 10);
}
