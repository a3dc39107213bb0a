import { spawnSync } from 'node:child_process';
import { createHash, randomUUID, sign } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { evidenceOwner, registrantOwner } from '../../src/application/case/case-material.js';
import type { CertificateVerdict } from '../../src/application/ports/outside/certificate-verifier.js';
import { evidenceBytes, sealedEvidenceId, sealedEvidenceSha256 } from '../../src/application/case/sealed-evidence.js';
import type { BundleHeader } from '../../src/domain/audit/bundle/bundle.js';
import { verifyBundle } from '../../src/domain/audit/bundle/verify-bundle.js';
import { verifierKeyText } from '../../src/domain/audit/log/signed-note.js';
import { derivedIdInput } from '../../src/domain/values/derived-id.js';
import { captureEnvelopeText, type CaptureEnvelope } from '../../src/domain/booth/capture-envelope.js';
import type { JsonObject } from '../../src/domain/event-envelope.js';
import { currentVersion } from '../../src/domain/event-registry.js';
import { NOT_COMPARED } from '../../src/domain/registration/card-agreement.js';
import { canonicalJson } from '../../src/domain/values/canonical-json.js';
import { certificateRules } from '../../src/infrastructure/jpki/certificate-check.js';
import { certificateJudge } from '../../src/infrastructure/jpki/judge-kept-verdict.js';
import { OcspCertificateVerifier } from '../../src/infrastructure/jpki/ocsp-certificate-verifier.js';
import { TrustAnchors } from '../../src/infrastructure/x509/path/trust-anchors.js';
import {
  makeAuthority,
  makeCardCertificate,
  makeOcspResponse,
  NOW,
  pem,
  rsaKey,
} from '../certificate/support/certificate-factory.js';
import { FakeResponder } from '../certificate/support/fake-responder.js';
import { AuditWorld, primitives } from './support.js';
import { built } from '../support/peers.js';
import { itUnless } from '../support/unless.js';

const authority = makeAuthority(rsaKey());
const stranger = makeAuthority(rsaKey());
const cardKey = rsaKey();
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const anchors = (der: Uint8Array) => TrustAnchors.load({ user_authentication: [der], digital_signature: [] }, 'test');
const judge = (der: Uint8Array) => certificateJudge(certificateRules(anchors(der)));
const AT = new Date(NOW * 1000).toISOString();
const LATER = new Date(NOW * 1000 + 400 * 86_400_000).toISOString();

interface Case {
  readonly requestId: string;
  readonly person: string;
  readonly evidenceId: string;
}

/** Evidence as the server seals it, from checks against a responder, with the events that name it. @req R6 R22 */
describe('certificate verdicts in a bundle', () => {
  let world: AuditWorld;
  let responder: FakeResponder;
  let good: Case;
  let erased: Case;
  let revoked: Case;
  let badRecord: Case;
  let old: Case;
  let ended: Case;
  /** Recorded by today's version, whose events state the SHA-256 of the evidence. */
  let bound: Case;
  let boundRefused: Case;
  let before: string[];
  let withEvidence: string[];

  beforeAll(async () => {
    world = await AuditWorld.open();
    responder = await FakeResponder.start();
    [good, erased, revoked, badRecord, old, ended, bound, boundRefused] = [
      await checkedCase(1, 'good'),
      await checkedCase(2, 'good'),
      await checkedCase(3, { revokedAt: NOW - 60 }),
      await checkedCase(4, 'good', { cardRecord: true }),
      await checkedCase(5, 'good', { old: true }),
      await checkedCase(6, { revokedAt: NOW - 60 }),
      await checkedCase(7, 'good', { isOfToday: true }),
      await checkedCase(8, { revokedAt: NOW - 60 }, { isOfToday: true }),
    ];
    await happen(
      `registration-${ended.requestId}`,
      2,
      'RefusedEvidenceRetained',
      { sealedEvidenceId: ended.evidenceId, refusedAtUtc: AT, retentionDays: 400, eraseAtUtc: LATER },
      ended.requestId,
      randomUUID(),
    );
    await world.publish();
    before = await world.bundle({ kind: 'range', from: 0, to: null }, { withEvidence: true });
    await world.vault.destroyOwner(evidenceOwner(ended.requestId));
    await happen(
      `registration-${ended.requestId}`,
      3,
      'RefusedEvidenceErased',
      { sealedEvidenceId: ended.evidenceId, rule: 'retention_limit', eraseAtUtc: LATER },
      ended.requestId,
      randomUUID(),
      LATER,
    );
    await happen(
      `registrant-${erased.person}`,
      0,
      'RegistrantErased',
      { rule: 'request_of_the_person', by: 'admin-a', tombstone: null },
      erased.requestId,
      randomUUID(),
    );
    await world.publish();
    await world.vault.destroyOwner(registrantOwner(erased.person));
    withEvidence = await world.bundle({ kind: 'range', from: 0, to: null }, { withEvidence: true });
  });
  afterAll(async () => {
    await responder.stop();
    await world.close();
  });

  async function happen(
    stream: string,
    revision: number,
    type: string,
    data: object,
    correlationId: string,
    causationId: string,
    recordedAtUtc = AT,
    schemaVersion = 1,
  ): Promise<void> {
    await world.append([
      {
        stream,
        expected: revision === 0 ? 'no_stream' : revision - 1,
        events: [
          {
            id: randomUUID(),
            type,
            schemaVersion,
            data: data as JsonObject,
            metadata: {
              actor: 'system:registration-saga',
              correlationId,
              causationId,
              recordedAtUtc,
              policyVersion: 1,
            },
          },
        ],
      },
    ]);
  }

  /** One request whose certificate is checked by the server's own verifier, sealed as the server seals it, and
   * recorded. */
  async function checkedCase(
    n: number,
    status: 'good' | { readonly revokedAt: number },
    { cardRecord = false, old = false, isOfToday = false } = {},
  ): Promise<Case> {
    const [requestId, person, effectId, serial] = [
      randomUUID(),
      randomUUID().replaceAll('-', ''),
      randomUUID(),
      0x2000 + n,
    ];
    const certificate = makeCardCertificate(authority, cardKey, { serial });
    const envelope: CaptureEnvelope = {
      nonce: `nonce-${n}`,
      boothId: 'booth-a',
      counter: n,
      certificateType: 'user_authentication',
      mode: 'GOVERNMENT_SUBMISSION',
      capturedAtUtc: AT,
      photoSha256: sha256(Buffer.from('photo')),
      certificateSha256: sha256(certificate),
      cardRecordSha256: sha256(Buffer.from('record')),
      cardIssuerCertificateSha256: sha256(Buffer.from('issuer')),
      consent: { textVersion: '2026-11', keepReferenceImage: true },
    };
    const text = captureEnvelopeText(envelope);
    const signature = sign('sha256', Buffer.from(text), cardKey.privateKey);
    responder.respond((nonce) =>
      makeOcspResponse({ issuer: authority, serial, thisUpdate: NOW, nextUpdate: NOW + 900, nonce: nonce!, status }),
    );
    const verifier = new OcspCertificateVerifier({
      trustAnchors: { user_authentication: [authority.certificate], digital_signature: [] },
      environment: 'test',
      order: 'ocsp',
      ocsp: { url: responder.url, timeoutMs: 2000 },
      crl: { user_authentication: null, digital_signature: null },
      now: () => NOW * 1000,
    });
    const verdict = (await verifier.verify({
      certificate,
      certificateType: 'user_authentication',
      signedBytes: Buffer.from(text),
      signature,
      at: AT,
    })) as Exclude<CertificateVerdict, { verdict: 'unknown' }>;
    expect(verdict.verdict).toBe(status === 'good' ? 'valid' : 'invalid');
    const whole = evidenceBytes(verdict.sealed, {
      faceRecord: null,
      certificateType: 'user_authentication',
      signedText: text,
      signature: signature.toString('base64'),
      at: AT,
    });
    const bytes = old
      ? Buffer.from(JSON.stringify({ ...JSON.parse(Buffer.from(whole).toString()), presented: undefined }))
      : whole;
    const isValid = verdict.verdict === 'valid' && !cardRecord;
    const id = sealedEvidenceId(effectId, bytes);
    await world.vault.seal(isValid ? registrantOwner(person) : evidenceOwner(requestId), id, bytes);
    const { boothId, counter, certificateType, mode, capturedAtUtc, consent } = envelope;
    await happen(
      `registration-${requestId}`,
      0,
      'RequestReceived',
      { requestId, boothId, counter, certificateType, mode, capturedAtUtc, consent },
      requestId,
      requestId,
    );
    const data = isValid
      ? { subjectKey: person, evidence: verdict.evidence, sealedEvidenceId: id }
      : {
          reason: cardRecord ? 'card_record' : 'revoked',
          cardRecordReason: cardRecord ? 'record_signature' : null,
          evidence: verdict.evidence,
          sealedEvidenceId: id,
        };
    const type = isValid ? 'CertificateVerified' : 'CertificateRejected';
    const ofToday = {
      agreement: NOT_COMPARED,
      otherCertificate: 'not_asked',
      erasedBefore: false,
      ...data,
      sealedEvidenceSha256: sealedEvidenceSha256(bytes),
    };
    await happen(
      `registration-${requestId}`,
      1,
      type,
      isOfToday ? ofToday : data,
      requestId,
      effectId,
      AT,
      isOfToday ? currentVersion(type) : 1,
    );
    return { requestId, person, evidenceId: id };
  }

  const report = (
    lines: readonly string[],
    options: Parameters<AuditWorld['verify']>[1] = { certificates: judge(authority.certificate) },
  ) => world.verify(lines, options);
  const differences = (lines: readonly string[], options?: Parameters<AuditWorld['verify']>[1]) =>
    report(lines, options).discrepancies.filter(({ code }) => code === 'certificate_verdict_differs');
  const header = () => JSON.parse(withEvidence[1]!) as BundleHeader;
  /** Changes the evidence of a case; the server could do this to the bundle, and to its vault. */
  const withOther = (which: Case, change: (evidence: Record<string, never>) => object): string[] => {
    const id = idOf(which);
    const opened = JSON.parse(Buffer.from(header().evidence[id]!, 'base64').toString()) as Record<string, never>;
    const evidence = { ...header().evidence, [id]: Buffer.from(JSON.stringify(change(opened))).toString('base64') };
    return [withEvidence[0]!, canonicalJson({ ...header(), evidence } as never), ...withEvidence.slice(2)];
  };
  const leafOf = ({ requestId }: Case, type: RegExp) =>
    withEvidence.findIndex((line) => line.includes(requestId) && type.test(line));
  const idOf = (which: Case) =>
    /"sealedEvidenceId":"([^"]+)"/.exec(withEvidence[leafOf(which, /"type":"Certificate/)]!)![1]!;
  const indexOf = (which: Case) => Number.parseInt(withEvidence[leafOf(which, /"type":"Certificate/)]!, 10);

  it('are recomputed with the anchors of the reader, each; what cannot be is named with its reason', () => {
    const { certificates, discrepancies } = report(withEvidence);
    expect(discrepancies.filter(({ code }) => code === 'certificate_verdict_differs')).toEqual([]);
    expect(certificates).toMatchObject({
      verdicts: 8,
      recomputed: 5,
      reproduced: 5,
      boundBy: { sha256: 2, name: 4 },
      absent: {
        erased: 1,
        erased_after_retention: 1,
        not_possible: 1,
        withheld: 0,
        not_permitted: 0,
        no_anchors: 0,
        not_kept: 0,
      },
    });
    expect(certificates.absentCases.map(({ requestId, why, index }) => [requestId, why, index])).toEqual([
      [erased.requestId, 'erased', indexOf(erased)],
      [old.requestId, 'not_possible', indexOf(old)],
      [ended.requestId, 'erased_after_retention', indexOf(ended)],
    ]);
    expect(certificates.anchorsNamed).toEqual({ [sha256(authority.certificate)]: 8 });
  });

  it('are left, and the anchors that they name are told, where the reader has none', () => {
    expect(report(withEvidence, {}).certificates).toMatchObject({
      verdicts: 8,
      recomputed: 0,
      reproduced: 0,
      absent: { no_anchors: 6, erased: 1, erased_after_retention: 1 },
      anchorsNamed: { [sha256(authority.certificate)]: 8 },
    });
  });

  it('are never right with anchors that the reader does not trust, whatever the writer trusted, and accuse nobody', () => {
    const { undecided, certificates } = report(withEvidence, { certificates: judge(stranger.certificate) });
    expect(differences(withEvidence, { certificates: judge(stranger.certificate) })).toEqual([]);
    const found = undecided.filter(({ code }) => code === 'certificate_anchor');
    expect(found.map(({ index }) => index)).toEqual([good, revoked, badRecord, bound, boundRefused].map(indexOf));
    expect(found[0]?.detail).toContain(sha256(authority.certificate));
    expect(certificates).toMatchObject({ recomputed: 0, reproduced: 0 });
  });

  it('say that the bundle was asked for without evidence', async () => {
    const plain = await world.bundle({ kind: 'range', from: 0, to: null });
    expect(report(plain).certificates).toMatchObject({
      verdicts: 8,
      recomputed: 0,
      absent: { not_permitted: 6, erased: 1, erased_after_retention: 1 },
    });
  });

  it('are recomputed from a bundle that was made before the retention was over, and named withheld where one made since does not hold the erasure', async () => {
    expect(report(before)).toMatchObject({
      certificates: { verdicts: 8, recomputed: 7, reproduced: 7, absent: { erased_after_retention: 0, withheld: 0 } },
    });
    expect(differences(before)).toEqual([]);
    const early = await world.bundle({ kind: 'range', from: 0, to: indexOf(ended) }, { withEvidence: true });
    expect(report(early).certificates.absentCases).toContainEqual(
      expect.objectContaining({ requestId: ended.requestId, why: 'withheld' }),
    );
    const ofCase = await world.bundle({ kind: 'registration', requestId: ended.requestId }, { withEvidence: true });
    expect(report(ofCase).certificates).toMatchObject({ verdicts: 1, absent: { erased_after_retention: 1 } });
  });

  it('show evidence that is there after the history says that it was erased', () => {
    const evidence = {
      ...header().evidence,
      [ended.evidenceId]: (JSON.parse(before[1]!) as BundleHeader).evidence[ended.evidenceId]!,
    };
    const lines = [withEvidence[0]!, canonicalJson({ ...header(), evidence } as never), ...withEvidence.slice(2)];
    expect(differences(lines)).toEqual([
      {
        code: 'certificate_verdict_differs',
        index: indexOf(ended),
        detail: expect.stringContaining('the history says that its evidence was erased, and here it is'),
      },
    ]);
  });

  it('tell when evidence was withheld', () => {
    const { [idOf(good)]: _, ...evidence } = header().evidence;
    const lines = [withEvidence[0]!, canonicalJson({ ...header(), evidence } as never), ...withEvidence.slice(2)];
    expect(report(lines).certificates).toMatchObject({ recomputed: 4, absent: { withheld: 1 } });
    expect(report(lines).certificates.absentCases[0]).toMatchObject({
      requestId: good.requestId,
      why: 'withheld',
      index: indexOf(good),
    });
  });

  it.each<[string, (e: Record<string, never>) => object]>([
    ['another status answer', (e) => ({ ...e, statusResponse: Buffer.from('other').toString('base64') })],
    [
      'another signature',
      (e) => ({
        ...e,
        presented: { ...(e['presented'] as unknown as object), signature: Buffer.alloc(256).toString('base64') },
      }),
    ],
    [
      'another time',
      (e) => ({ ...e, presented: { ...(e['presented'] as unknown as object), at: '2020-01-01T00:00:00.000Z' } }),
    ],
    ['nothing', () => ({})],
  ])('name the place where the evidence was exchanged for %s', (_, change) => {
    expect(differences(withOther(good, change))).toEqual([]);
    const { discrepancies } = report(withOther(good, change));
    expect(discrepancies).toContainEqual({
      code: 'evidence_differs',
      index: indexOf(good),
      detail: expect.stringContaining('is not the one that the log names'),
    });
  });

  /** @fault L8 */
  describe('with evidence that was exchanged by somebody who can find two texts of one SHA-1', () => {
    const forged = Buffer.from('{"another":"story"}');
    /** A SHA-1 under which the other evidence has the very name that the event states. */
    const collided = (which: Case) => {
      const effectId = (
        JSON.parse(withEvidence[leafOf(which, /"type":"Certificate/)]!.replace(/^\d+ /, '')) as {
          metadata: { causationId: string };
        }
      ).metadata.causationId;
      const inputOf = (bytes: Uint8Array) => derivedIdInput([effectId, sha256(bytes)], (text) => Buffer.from(text));
      const real = Buffer.from(header().evidence[idOf(which)]!, 'base64');
      const isForged = (input: Uint8Array) => Buffer.from(input).equals(inputOf(forged));
      return { ...primitives, sha1: (input: Uint8Array) => primitives.sha1(isForged(input) ? inputOf(real) : input) };
    };
    const exchanged = (which: Case) => {
      const evidence = { ...header().evidence, [idOf(which)]: forged.toString('base64') };
      return [withEvidence[0]!, canonicalJson({ ...header(), evidence } as never), ...withEvidence.slice(2)];
    };
    const foundFor = (which: Case) => verifyBundle(exchanged(which), collided(which), { trusted: world.keys.keys() });

    it.each<[string, () => Case]>([
      ['a good card', () => bound],
      ['a refused card', () => boundRefused],
    ])('name it by the SHA-256 in the event of %s', (_, of) => {
      expect(foundFor(of()).discrepancies).toContainEqual({
        code: 'evidence_differs',
        index: indexOf(of()),
        detail: expect.stringContaining('is not the one that the log names'),
      });
    });

    it('say of events of before that a name alone binds their evidence, which such a one gets past', () => {
      const { certificates, discrepancies } = foundFor(good);
      expect(certificates.boundBy).toEqual({ sha256: 2, name: 4 });
      expect(discrepancies.map(({ code }) => code)).not.toContain('evidence_differs');
      // The signed certificate of the bundle names all that was handed over: the export is known by it, the vault is
      // not.
      expect(discrepancies.map(({ code }) => code)).toContain('certificate_differs');
    });
  });

  /** @fault L8 */
  it.each<[string, (text: string) => string]>([
    ['none', (text) => text.replace(/"sealedEvidenceSha256":"[0-9a-f]{64}"/, '"sealedEvidenceSha256":null')],
    ['no member of that name', (text) => text.replace(/,"sealedEvidenceSha256":"[0-9a-f]{64}"/, '')],
    [
      'another form of it',
      (text) => text.replace(/"sealedEvidenceSha256":"[0-9a-f]{64}"/, '"sealedEvidenceSha256":"00"'),
    ],
  ])("name an event of today's version that states %s", (_, change) => {
    const at = leafOf(bound, /"type":"CertificateVerified"/);
    const { discrepancies } = report(withEvidence.map((line, i) => (i === at ? change(line) : line)));
    expect(discrepancies).toContainEqual({
      code: 'evidence_differs',
      index: indexOf(bound),
      detail: expect.stringContaining('does not state the SHA-256'),
    });
  });

  it('do not follow where the writer stored a verdict that its own evidence does not give', () => {
    // The true key can sign any leaf; the evidence of a revoked card still says revoked.
    const change = (which: Case, from: string | RegExp, to: string) =>
      withEvidence.map((line, i) => (i === leafOf(which, /"type":"Certificate/) ? line.replace(from, to) : line));
    const lie = change(
      revoked,
      /"data":\{.*\},"id"/,
      `"data":${canonicalJson({ subjectKey: `committed:${'0'.repeat(64)}`, evidence: (JSON.parse(withEvidence[leafOf(revoked, /"type":"Certificate/)]!.replace(/^\d+ /, '')) as { data: { evidence: never } }).data.evidence, sealedEvidenceId: idOf(revoked) })},"id"`,
    ).map((line) =>
      line.includes(idOf(revoked)) && /^\d/.test(line)
        ? line.replace('CertificateRejected', 'CertificateVerified')
        : line,
    );
    expect(differences(lie)).toEqual([
      expect.objectContaining({
        index: indexOf(revoked),
        detail: expect.stringContaining('it was valid and the evidence gives invalid (revoked'),
      }),
    ]);
    expect(differences(change(good, '"responderKeySha256":"', '"responderKeySha256":"00'))[0]).toMatchObject({
      index: indexOf(good),
      detail: expect.stringContaining('another responderKeySha256'),
    });
    expect(differences(change(revoked, '"reason":"revoked"', '"reason":"expired"'))[0]).toMatchObject({
      detail: expect.stringContaining('refused for expired and the evidence gives revoked'),
    });
  });

  it('show that the card signed another request than the log tells of', () => {
    const lines = withEvidence.map((line, i) =>
      i === leafOf(good, /"type":"RequestReceived"/)
        ? line.replace('"boothId":"booth-a"', '"boothId":"booth-b"')
        : line,
    );
    expect(differences(lines)).toEqual([
      expect.objectContaining({
        index: indexOf(good),
        detail: expect.stringContaining('another boothId than the request in the log'),
      }),
    ]);
  });

  itUnless(built('cli/main.js'), 'are counted by the command, which takes the anchors as files', () => {
    const [file, key, root, other] = ['all.honnin', 'log.vkey', 'root.pem', 'other.der'].map((name) =>
      join(world.folder, name),
    ) as [string, string, string, string];
    writeFileSync(file, `${withEvidence.join('\n')}\n`);
    writeFileSync(key, verifierKeyText(world.keys.keys()[0]!));
    writeFileSync(root, pem(authority.certificate));
    writeFileSync(other, stranger.certificate);
    const run = (...args: string[]) =>
      spawnSync(
        process.execPath,
        ['--disable-warning=ExperimentalWarning', 'dist/cli/main.js', 'audit', 'verify', file, '--key', key, ...args],
        { encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '' } },
      );
    expect(run('--anchors', root).stdout).toMatch(
      /5 of 8 certificate verdicts reproduced; 3 not recomputed\n +evidence of 2 is what the log names by SHA-256\n +evidence of 4 is bound by 122 bits[^]*1: evidence erased with the registrant\n[^]*1: evidence of a refused certificate erased after retention\n +at \d+, case [0-9a-f-]+\n[^]*1: the evidence does not hold what is needed/,
    );
    expect(run().stdout).toContain(`name the anchor with SHA-256 ${sha256(authority.certificate)}`);
    const foreign = run('--auth-anchors', other);
    expect(foreign.stdout).toContain('[certificate_anchor]');
    expect(foreign.stdout).toContain('0 of 8 certificate verdicts reproduced');
    expect(run('--anchors', key)).toMatchObject({
      status: 64,
      stderr: expect.stringContaining('no certificate in PEM text'),
    });
  });
});
