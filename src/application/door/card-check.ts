import { Injectable } from '@nestjs/common';
import {
  cannotTell,
  compareCard,
  type CardAgreement,
  type OtherCertificate,
  type PointOfAgreement,
} from '../../domain/registration/card-agreement.js';
import type { CardRecordVerdict } from '../ports/outside/card-record-verifier.js';
import type { CertificateVerdict } from '../ports/outside/certificate-verifier.js';
import { SubjectLinker, type CardLinks } from '../ports/registrant/subject-linker.js';
import { RegistrantGroup } from '../case/registrant-group.js';
import { SubjectResolver } from '../case/subject-resolver.js';

/** Name of the rule by which a face record is refused that the authority knows as another card's. */
export const SAME_CARD_RULE = { id: 'authority-same-card', version: '1' } as const;

export type CardFinding =
  | {
      readonly finding: 'one_card';
      readonly subjectKey: string;
      readonly agreement: CardAgreement;
      readonly otherCertificate: OtherCertificate;
      readonly isRegistered: boolean;
      /** A card of the person was an erased one's, and there is no image of a time after that. */
      readonly erasedBefore: boolean;
    }
  | { readonly finding: 'other_card' }
  | { readonly finding: 'unknown' };

/** What a valid certificate and a genuine face record have to do with each other, and whose they are: asked of the
 *  authority, compared
 *  here, and never guessed. Nothing on a card binds the two by a signature (decision 0070). @req R5 R32 */
@Injectable()
export class CardCheck {
  constructor(
    private readonly linker: SubjectLinker,
    private readonly subjects: SubjectResolver,
    private readonly group: RegistrantGroup,
  ) {}

  async check(
    certificate: Extract<CertificateVerdict, { verdict: 'valid' }>,
    record: Extract<CardRecordVerdict, { verdict: 'valid' }>,
    requestId: string,
  ): Promise<CardFinding> {
    const links = await this.linker.linksOf({ holder: certificate.holder, cardKeySha256: record.cardKeySha256 });
    if (links.answer === 'unknown') return { finding: 'unknown' };
    if (links.answer === 'known' && links.faceRecord === 'other_card') return { finding: 'other_card' };
    const subjectKey = await this.subjects.resolve(certificate.holder, links, requestId);
    if (subjectKey === null) return { finding: 'unknown' };
    const isRegistered = (await this.group.references(subjectKey)).length > 0;
    return {
      finding: 'one_card',
      subjectKey,
      agreement: compareCard(certificate.statements, record.statements, sameCardOf(links)),
      otherCertificate:
        links.answer === 'no_service' ? 'no_service' : links.otherCertificate === 'not_told' ? 'not_told' : 'told',
      isRegistered,
      erasedBefore: !isRegistered && (await this.subjects.wasErasedBefore(subjectKey)),
    };
  }
}

function sameCardOf(links: Exclude<CardLinks, { answer: 'unknown' }>): PointOfAgreement {
  if (links.answer === 'no_service') return cannotTell('no_service');
  return links.faceRecord === 'same_card' ? { outcome: 'equal' } : cannotTell('not_told');
}
