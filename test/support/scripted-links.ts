import type { CertificateHolder } from '../../src/application/ports/outside/certificate-verifier.js';
import {
  SubjectLinker,
  type CardLinks,
  type LinkQuestion,
} from '../../src/application/ports/registrant/subject-linker.js';

export const ISSUER = Buffer.from('issuer');
export const holder = (serialNumber: string): CertificateHolder => ({ issuerName: ISSUER, serialNumber });

type Known = Extract<CardLinks, { answer: 'known' }>;

export function known({
  previous = null,
  other = null,
  faceRecord = 'same_card',
}: {
  readonly previous?: string | null;
  readonly other?: string | 'not_told' | null;
  readonly faceRecord?: Known['faceRecord'];
} = {}): Known {
  return {
    answer: 'known',
    previous: previous === null ? null : holder(previous),
    otherCertificate: other === null || other === 'not_told' ? other : holder(other),
    faceRecord,
    source: 'links',
  };
}

/** An authority that knows what the test says, by serial number; of others it says that they stand alone. */
export class ScriptedLinks extends SubjectLinker {
  readonly asked: string[] = [];
  isConfigured = true;

  constructor(readonly answers: Record<string, CardLinks> = {}) {
    super();
  }

  async linksOf({ holder: { serialNumber } }: LinkQuestion): Promise<CardLinks> {
    this.asked.push(serialNumber);
    return this.answers[serialNumber] ?? known();
  }
}
