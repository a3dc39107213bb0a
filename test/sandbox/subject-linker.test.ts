import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { CertificateHolder } from '../../src/application/ports/outside/certificate-verifier.js';
import {
  SubjectLinker,
  type CardLinks,
  type LinkQuestion,
} from '../../src/application/ports/registrant/subject-linker.js';
import { parseCardFaceRecord } from '../../src/infrastructure/card/card-record.js';
import { parseCertificate, serialHex } from '../../src/infrastructure/x509/certificate/certificate.js';
import { HttpSubjectLinker } from '../../src/infrastructure/linking/http-subject-linker.js';
import { LINK_FAULTS, startJpkiServer, type JpkiServer, type LinkFault } from '../../src/sandbox/jpki/jpki-server.js';
import type { SyntheticCard } from '../../src/sandbox/card/synthetic-card.js';
import type { CertificateType } from '../../src/domain/values/certificate-status.js';
import { subjectLinkerContract, type LinkedCards } from '../contract/subject-linker.contract.js';
import { holder, known, ScriptedLinks } from '../support/scripted-links.js';
import { samplePicture } from './support.js';

const BOTH = ['user_authentication', 'digital_signature'] as const;

function holderOf(card: SyntheticCard, type: CertificateType): CertificateHolder {
  const { issuer, serial } = parseCertificate(card.certificate(type));
  return { issuerName: issuer, serialNumber: serialHex(serial) };
}

function keyOf(card: SyntheticCard): string {
  return createHash('sha256').update(parseCardFaceRecord(card.cardRecord).cardKeyObject).digest('hex');
}

async function overHttp(): Promise<LinkedCards> {
  const jpki = await startJpkiServer({ print: () => undefined });
  const picture = await samplePicture();
  const earlier = await jpki.issueCard({ picture, certificateTypes: BOTH });
  const [renewed, stranger] = [await jpki.renew(earlier), await jpki.issueCard({ picture })];
  const both = (card: SyntheticCard) => ({
    authentication: holderOf(card, 'user_authentication'),
    signing: holderOf(card, 'digital_signature'),
  });
  return {
    linker: new HttpSubjectLinker({ url: jpki.linksUrl, timeoutMs: 2_000 }),
    earlier: both(earlier),
    renewed: both(renewed),
    alone: holderOf(stranger, 'user_authentication'),
    unknown: { ...holderOf(stranger, 'user_authentication'), serialNumber: 'abcdef' },
    keys: { renewed: keyOf(renewed), stranger: keyOf(stranger), none: '0'.repeat(64) },
    away: async () => {
      await jpki.down();
      return () => jpki.up();
    },
    close: () => jpki.close(),
  };
}

/** The linker of the tests in one process, told the same things. */
class KnowingLinks extends SubjectLinker {
  readonly isConfigured = true;
  isAway = false;
  private readonly scripted = new ScriptedLinks({
    a1: known({ other: 'b1' }),
    b1: known({ other: 'a1' }),
    a2: known({ other: 'b2', previous: 'a1' }),
    b2: known({ other: 'a2', previous: 'b1' }),
    ff: { answer: 'unknown', cause: 'http_404' },
  });

  async linksOf(question: LinkQuestion): Promise<CardLinks> {
    if (this.isAway) return { answer: 'unknown', cause: 'unreachable' };
    const answer = await this.scripted.linksOf(question);
    const isRenewed = ['a2', 'b2'].includes(question.holder.serialNumber);
    const faceRecord =
      question.cardKeySha256 === null || question.cardKeySha256 === 'none'
        ? 'not_told'
        : (question.cardKeySha256 === 'renewed') === isRenewed
          ? 'same_card'
          : 'other_card';
    return answer.answer === 'known' ? { ...answer, faceRecord } : answer;
  }
}

async function scripted(): Promise<LinkedCards> {
  const linker = new KnowingLinks();
  const both = (n: number) => ({ authentication: holder(`a${n}`), signing: holder(`b${n}`) });
  return {
    linker,
    earlier: both(1),
    renewed: both(2),
    alone: holder('c1'),
    unknown: holder('ff'),
    keys: { renewed: 'renewed', stranger: 'stranger', none: 'none' },
    away: async () => {
      linker.isAway = true;
      return async () => void (linker.isAway = false);
    },
    close: async () => undefined,
  };
}

subjectLinkerContract('HTTP, to the authority’s stand-in', overHttp);
subjectLinkerContract('the stand-in of tests in one process', scripted);

describe('an authority that answers strangely', () => {
  let jpki: JpkiServer;
  let card: SyntheticCard;
  let linker: HttpSubjectLinker;
  beforeAll(async () => {
    jpki = await startJpkiServer({ print: () => undefined });
    card = await jpki.issueCard({ picture: await samplePicture(), certificateTypes: BOTH });
    linker = new HttpSubjectLinker({ url: jpki.linksUrl, timeoutMs: 2_000 });
  });
  afterAll(() => jpki.close());

  const KNOWN: Readonly<Partial<Record<LinkFault, object>>> = {
    none: { answer: 'known', faceRecord: 'same_card', otherCertificate: { serialNumber: expect.any(String) } },
    anotherCard: { answer: 'known', faceRecord: 'other_card' },
    withoutCard: { answer: 'known', faceRecord: 'not_told', otherCertificate: { serialNumber: expect.any(String) } },
    withoutSameCard: { answer: 'known', faceRecord: 'same_card', otherCertificate: 'not_told' },
  };
  it.each(LINK_FAULTS)('is taken for what it says, and for nothing where that is unclear: %s', async (fault) => {
    jpki.linkFaults.play([fault]);
    expect(
      await linker.linksOf({ holder: holderOf(card, 'user_authentication'), cardKeySha256: keyOf(card) }),
    ).toMatchObject(KNOWN[fault] ?? { answer: 'unknown' });
  });

  it('is not asked where there is none', async () => {
    const nobody = new HttpSubjectLinker({ url: null, timeoutMs: 10 });
    expect(nobody.isConfigured).toBe(false);
    expect(await nobody.linksOf({ holder: holder('a1'), cardKeySha256: null })).toEqual({ answer: 'no_service' });
  });
});

describe('cards of the sandbox', () => {
  let jpki: JpkiServer;
  let picture: Buffer;
  const now = new Date('2026-11-30T03:00:00.000Z');
  beforeAll(async () => {
    picture = await samplePicture();
    jpki = await startJpkiServer({ print: () => undefined, now: () => now });
  });
  afterAll(() => jpki.close());
  const lastDays = (card: SyntheticCard) => [
    ...BOTH.map((type) =>
      new Date(parseCertificate(card.certificate(type)).notAfter * 1000 + 9 * 3_600_000).toISOString().slice(0, 19),
    ),
    parseCardFaceRecord(card.cardRecord).statements.expiry,
  ];

  it.each([
    ['an adult', '1980-02-17', '2031-02-17T23:59:59', '20360217'],
    ['an adult whose birthday is later this year', '1980-12-24', '2030-12-24T23:59:59', '20351224'],
    ['a child', '2012-05-05', '2031-05-05T23:59:59', '20310505'],
    ['somebody who is 18 today', '2008-11-30', '2031-11-30T23:59:59', '20361130'],
    ['somebody who is 18 tomorrow', '2008-12-01', '2030-12-01T23:59:59', '20301201'],
    ['somebody born on 29 February', '1996-02-29', '2031-02-28T23:59:59', '20360229'],
  ])(
    'end on birthdays of their holder, both certificates and the card, renewed ones too: %s',
    async (_, birthDate, certificate, expiry) => {
      const card = await jpki.issueCard({ picture, certificateTypes: BOTH, holder: { birthDate } });
      for (const each of [card, await jpki.renew(card)])
        expect(lastDays(each)).toEqual([certificate, certificate, expiry]);
      expect(parseCardFaceRecord(card.cardRecord).statements).toEqual({
        birthDate: birthDate.replaceAll('-', ''),
        sex: '2',
        expiry,
      });
      expect(card.secrets.accessNumber.slice(6, 10)).toBe(expiry.slice(0, 4));
    },
  );

  it('end with the card where somebody may stay no longer', async () => {
    const card = await jpki.issueCard({ picture, certificateTypes: BOTH, cardExpiry: '20280731' });
    expect(lastDays(card)).toEqual(['2028-07-31T23:59:59', '2028-07-31T23:59:59', '20280731']);
  });
});
