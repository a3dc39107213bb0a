import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { fromBER, type Sequence } from 'asn1js';
import { randomUUID } from 'node:crypto';
import type { CertificateCheck, CertificateHolder } from '../../src/application/ports/outside/certificate-verifier.js';
import type { GovernmentSubmission } from '../../src/application/ports/outside/government-registry.js';
import { OcspCertificateVerifier } from '../../src/infrastructure/jpki/ocsp-certificate-verifier.js';
import { HttpGovernmentRegistry } from '../../src/infrastructure/government/http-government-registry.js';
import { HttpSubjectLinker } from '../../src/infrastructure/linking/http-subject-linker.js';
import { serialOf } from '../../src/sandbox/pki/certificate-authority.js';
import {
  GOVERNMENT_FAULTS,
  startGovernmentServer,
  type GovernmentServer,
} from '../../src/sandbox/government/government-server.js';
import { startJpkiServer, type IssueCardOptions, type JpkiServer } from '../../src/sandbox/jpki/jpki-server.js';
import { OCSP_FAULTS, type OcspFault } from '../../src/sandbox/jpki/ocsp-responder.js';
import type { SyntheticCard } from '../../src/sandbox/card/synthetic-card.js';
import { samplePicture } from './support.js';

let jpki: JpkiServer;
let government: GovernmentServer;
let registry: HttpGovernmentRegistry;
let card: SyntheticCard;
let photo: Buffer;

beforeAll(async () => {
  photo = await samplePicture();
  [jpki, government] = await Promise.all([
    startJpkiServer({ print: () => undefined }),
    startGovernmentServer({ print: () => undefined, bearerToken: 'token' }),
  ]);
  card = await jpki.issueCard({ picture: photo });
  registry = new HttpGovernmentRegistry({ url: government.url, token: 'token', timeoutMs: 1_000 });
});

afterAll(() => Promise.all([jpki.close(), government.close()]));

const submission = (): GovernmentSubmission => ({
  submissionId: randomUUID(),
  photo,
  capturedAtUtc: '2026-11-23T01:02:03.000Z',
  certificate: card.certificate('user_authentication'),
  certificateType: 'user_authentication',
  policyVersion: 1,
});

describe("the server's adapters against the stand-ins", () => {
  it('submits, is accepted, and finds the same answer again @req R8 R11 R27', async () => {
    const one = submission();
    const answer = await registry.submit(one);
    expect(answer).toMatchObject({ answer: 'accepted' });
    expect(await registry.submit(one)).toEqual(answer);
    expect(await registry.ask(one.submissionId)).toEqual(answer);
    expect(government.submissions.filter(({ submissionId }) => submissionId === one.submissionId)).toHaveLength(1);
  });

  it('hears of a refusal with its reason, and of a decision that comes later', async () => {
    government.decide({ decide: 'refuse', reason: 'photo_not_acceptable' });
    expect(await registry.submit(submission())).toEqual({ answer: 'refused', reason: 'photo_not_acceptable' });
    government.decide({ decide: 'receive', then: 'accept', afterPolls: 2 });
    const late = submission();
    expect(await registry.submit(late)).toEqual({ answer: 'submitted' });
    expect(await registry.ask(late.submissionId)).toEqual({ answer: 'submitted' });
    expect(await registry.ask(late.submissionId)).toMatchObject({ answer: 'accepted' });
    government.decide({ decide: 'accept' });
  });

  const answeredWell = new Set(['none', 'answer_twice']);
  // @req A19
  it.each(GOVERNMENT_FAULTS.filter((fault) => !answeredWell.has(fault)))(
    'knows nothing after %s, and is accepted once with the same id',
    async (fault) => {
      const one = submission();
      government.faults.play([fault]);
      expect(await registry.submit(one)).toMatchObject({ answer: 'unknown' });
      expect(await registry.submit(one)).toMatchObject({ answer: 'accepted' });
      expect(government.submissions.filter(({ submissionId }) => submissionId === one.submissionId)).toHaveLength(1);
      expect(
        new Set(
          government.history
            .filter(({ submissionId, contentSha256 }) => submissionId === one.submissionId && contentSha256 !== null)
            .map(({ contentSha256 }) => contentSha256),
        ).size,
      ).toBe(1);
    },
  );

  it('does not take a second answer on the same connection for the answer to the next question', async () => {
    const first = submission();
    government.decide({ decide: 'accept' });
    government.faults.play(['answer_twice']);
    const answer = await registry.submit(first);
    government.decide({ decide: 'refuse', reason: 'other' });
    const second = await registry.submit(submission());
    government.decide({ decide: 'accept' });
    expect(answer).toMatchObject({ answer: 'accepted' });
    // Unclear would be honest, too; another case's answer would not.
    expect(['refused', 'unknown']).toContain(second.answer);
  });

  it.each(['refused', 'unavailable'] as const)('knows nothing while the government is down (%s)', async (mode) => {
    await government.down(mode);
    expect(await registry.submit(submission())).toMatchObject({ answer: 'unknown' });
    await government.up();
    expect(await registry.submit(submission())).toMatchObject({ answer: 'accepted' });
  });

  it('links a renewed certificate to the one before it, and guesses nothing about a strange one', async () => {
    const linker = new HttpSubjectLinker({ url: jpki.linksUrl, timeoutMs: 1_000 });
    const renewed = await jpki.renew(card);
    const issuerName = issuerNameOf(renewed.certificate('user_authentication'));
    const holder = (serialNumber: string): CertificateHolder => ({ issuerName, serialNumber });
    const [oldSerial, serial] = [card, renewed].map((each) => serialOf(each.certificate('user_authentication'))) as [
      string,
      string,
    ];
    const linksOf = (of: string) => linker.linksOf({ holder: holder(of), cardKeySha256: null });
    expect(await linksOf(serial)).toMatchObject({
      answer: 'known',
      previous: { serialNumber: oldSerial },
      otherCertificate: null,
      faceRecord: 'not_told',
    });
    expect(await linksOf(oldSerial)).toMatchObject({ answer: 'known', previous: null });
    expect(await linksOf('abcd')).toMatchObject({ answer: 'unknown' });
    await jpki.down();
    expect(await linksOf(serial)).toMatchObject({ answer: 'unknown' });
    await jpki.up();
  });
});

/** What the verifier must say to each fault; only three of them leave an answer that may be believed. */
const VERDICTS: Readonly<Record<OcspFault, string>> = {
  none: 'valid',
  signedByAuthority: 'valid',
  withoutNextUpdate: 'valid',
  malformedRequest: 'responder_error',
  internalError: 'responder_error',
  tryLater: 'responder_error',
  sigRequired: 'responder_error',
  unauthorized: 'responder_error',
  http500: 'responder_error',
  oversize: 'responder_error',
  drop: 'responder_unreachable',
  garbage: 'status_malformed',
  truncated: 'status_malformed',
  trailingBytes: 'status_malformed',
  unknownCriticalExtension: 'status_malformed',
  wrongResponseType: 'status_malformed',
  stale: 'status_stale',
  future: 'status_stale',
  withoutNonce: 'nonce_mismatch',
  wrongNonce: 'nonce_mismatch',
  wrongSerial: 'status_mismatch',
  wrongIssuerHash: 'status_mismatch',
  goodAndRevoked: 'status_mismatch',
  badSignature: 'status_signature',
  foreignResponder: 'responder_unauthorised',
  responderWithoutEku: 'responder_unauthorised',
  responderExpired: 'responder_unauthorised',
  userCertificateSigns: 'responder_unauthorised',
  withoutCertificates: 'responder_unauthorised',
  statusUnknown: 'status_unknown',
};

describe("the server's certificate check against the stand-in", () => {
  const verifierOf = (timeoutMs = 2_000): OcspCertificateVerifier =>
    new OcspCertificateVerifier({
      trustAnchors: {
        user_authentication: [jpki.anchorsPem.user_authentication],
        digital_signature: [jpki.anchorsPem.digital_signature],
      },
      environment: 'test',
      order: 'ocsp',
      ocsp: { url: jpki.ocspUrl, timeoutMs },
      crl: null,
    });

  /** A card of its own for each question, signed for. */
  async function checkOf(
    options: Partial<IssueCardOptions> = {},
  ): Promise<{ one: SyntheticCard; check: CertificateCheck }> {
    const one = await jpki.issueCard({ picture: photo, ...options });
    const [certificateType = 'user_authentication' as const] = one.certificateTypes;
    const session = one.connect();
    await session.verifyPin(
      certificateType,
      certificateType === 'user_authentication' ? one.secrets.authenticationPin : one.secrets.signingPassword,
    );
    const signedBytes = Buffer.from('envelope');
    return {
      one,
      check: {
        certificate: one.certificate(certificateType),
        certificateType,
        signedBytes,
        signature: await session.sign(certificateType, signedBytes),
        at: new Date().toISOString(),
      },
    };
  }

  // @req A2
  it.each(['RSA-2048', 'P-384'] as const)('believes both certificates of a card with %s keys', async (keyAlgorithm) => {
    for (const type of ['user_authentication', 'digital_signature'] as const) {
      const { check } = await checkOf({ keyAlgorithm, certificateTypes: [type] });
      expect(await verifierOf().verify(check)).toMatchObject({
        verdict: 'valid',
        evidence: { method: 'ocsp', status: 'good' },
      });
    }
  });

  it('says to every fault what must be said, and nothing when an answer cannot be believed @req R6', async () => {
    const { check } = await checkOf();
    const said: Record<string, string> = {};
    for (const fault of OCSP_FAULTS) {
      jpki.ocspFaults.play([fault]);
      const verdict = await verifierOf().verify(check);
      said[fault] = verdict.verdict === 'unknown' ? verdict.cause : verdict.verdict;
    }
    expect(said).toEqual(VERDICTS);
  });

  it('tells revoked, held and released, expired, slow and down apart', async () => {
    const { one, check } = await checkOf();
    jpki.hold(one);
    expect(await verifierOf().verify(check)).toMatchObject({
      verdict: 'invalid',
      reason: 'revoked',
      evidence: { revocationReason: 'certificate_hold' },
    });
    jpki.release(one);
    expect(await verifierOf().verify(check)).toMatchObject({ verdict: 'valid' });
    jpki.slow(10_000);
    expect(await verifierOf(100).verify(check)).toMatchObject({ verdict: 'unknown', cause: 'responder_timeout' });
    jpki.slow(0);
    await jpki.down();
    expect(await verifierOf().verify(check)).toMatchObject({ verdict: 'unknown', cause: 'responder_unreachable' });
    await jpki.up();
    const { check: expired } = await checkOf({ notBefore: new Date('2020-01-01'), notAfter: new Date('2025-01-01') });
    expect(await verifierOf().verify(expired)).toMatchObject({ verdict: 'invalid' });
  });
});

function issuerNameOf(certificate: Uint8Array): Uint8Array {
  const tbs = (fromBER(Uint8Array.from(certificate)).result as Sequence).valueBlock.value[0] as Sequence;
  const issuer = tbs.valueBlock.value[3];
  if (issuer === undefined) throw new Error('no issuer');
  return new Uint8Array(issuer.toBER());
}
