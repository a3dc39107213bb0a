import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '../../src/domain/event-envelope.js';
import { currentVersion } from '../../src/domain/event-registry.js';
import type { LeafEvent } from '../../src/domain/audit/log/leaf.js';
import {
  CertificateReplay,
  NO_CERTIFICATES,
  type CertificateJudge,
  type VerdictJudgement,
} from '../../src/domain/audit/replay/certificate-replay.js';

const DIGEST = 'ab'.repeat(32);
const ANCHOR = 'cd'.repeat(32);
const refused = (change: JsonObject = {}, schemaVersion = currentVersion('CertificateRejected')) =>
  leaf('CertificateRejected', { reason: 'revoked', evidence: evidence(), ...named(), ...change }, { schemaVersion });
const accepted = (change: JsonObject = {}, schemaVersion = currentVersion('CertificateVerified')) =>
  leaf('CertificateVerified', { subjectKey: 'p1', evidence: evidence(), ...named(), ...change }, { schemaVersion });

function evidence(): JsonObject {
  return { trustAnchorSha256: ANCHOR };
}
function named(): JsonObject {
  return { sealedEvidenceId: 'evidence-1', sealedEvidenceSha256: DIGEST };
}
function leaf(type: string, data: JsonObject, change: Partial<LeafEvent> = {}): LeafEvent {
  const metadata = { correlationId: 'case-1', causationId: 'effect-1' } as LeafEvent['metadata'];
  const schemaVersion = currentVersion('RequestReceived');
  return { stream: 'request-case-1', revision: 0, id: 'e', type, schemaVersion, data, metadata, ...change };
}

interface Reader {
  readonly has?: boolean;
  readonly isNamed?: boolean;
  readonly wasAsked?: boolean;
  readonly judge?: CertificateJudge | null;
}
function report(events: readonly LeafEvent[], reader: Reader = {}) {
  const { has = true, isNamed = true, wasAsked = true, judge = says({ judged: 'reproduced' }) } = reader;
  const replay = new CertificateReplay();
  events.forEach((event, index) => replay.feed(index, event));
  const opened = () => (has ? new Uint8Array([1]) : null);
  return replay.finish({ evidence: opened, isNamed: () => isNamed, wasAsked, judge });
}
function says(judgement: VerdictJudgement): CertificateJudge {
  return () => judgement;
}

describe('what becomes of a verdict on a certificate', () => {
  it.each<[string, VerdictJudgement, object]>([
    ['reproduced', { judged: 'reproduced' }, { recomputed: 1, reproduced: 1 }],
    [
      'differs',
      { judged: 'differs', detail: 'valid' },
      { recomputed: 1, differences: [{ index: 0, detail: 'valid' }] },
    ],
    [
      'undecided',
      { judged: 'undecided', code: 'certificate_anchor', why: 'other roots' },
      { undecided: [{ code: 'certificate_anchor', index: 0, detail: 'other roots' }] },
    ],
    [
      'not possible',
      { judged: 'not_possible', why: 'no answer kept' },
      {
        absent: { ...NO_CERTIFICATES.absent, not_possible: 1 },
        absentCases: [{ index: 0, requestId: 'case-1', why: 'not_possible', detail: 'no answer kept' }],
      },
    ],
  ])('is counted as %s and as nothing else', (_, judgement, counted) => {
    const boundBy = { sha256: 1, name: 0 };
    const whole = { ...NO_CERTIFICATES, verdicts: 1, boundBy, anchorsNamed: { [ANCHOR]: 1 }, ...counted };
    expect(report([refused()], { judge: says(judgement) })).toEqual(whole);
    expect(report([accepted()], { judge: says(judgement) })).toEqual(whole);
  });

  const ended = leaf('RefusedEvidenceErased', { sealedEvidenceId: 'evidence-1' });
  const erased = leaf('RegistrantErased', {}, { stream: 'registrant-p1' });
  it.each<[string, readonly LeafEvent[], Reader, keyof typeof NO_CERTIFICATES.absent]>([
    ['the event names none', [refused({ sealedEvidenceId: null, sealedEvidenceSha256: null })], {}, 'not_kept'],
    ['its retention is over', [refused(), ended], { has: false }, 'erased_after_retention'],
    ['its registrant was erased', [accepted(), erased], { has: false }, 'erased'],
    ['only refused evidence has a retention', [accepted(), ended], { has: false }, 'withheld'],
    ['a refused card has no registrant', [refused(), erased], { has: false }, 'withheld'],
    ['nobody asked for it', [accepted()], { has: false, wasAsked: false }, 'not_permitted'],
    ['nobody gave roots', [accepted()], { judge: null }, 'no_anchors'],
  ])('is not recomputed where %s', (_, events, reader, why) => {
    const { absent, recomputed, differences, foreign } = report(events, reader);
    expect(absent).toEqual({ ...NO_CERTIFICATES.absent, [why]: 1 });
    expect({ recomputed, differences, foreign }).toEqual({ recomputed: 0, differences: [], foreign: [] });
  });

  it('differs where evidence is there that the history says was erased', () => {
    expect(report([refused(), ended])).toMatchObject({
      recomputed: 0,
      differences: [{ index: 0, detail: expect.stringContaining('was erased') }],
    });
  });

  it('is of foreign evidence where the event names other bytes', () => {
    const foreign = [{ index: 0, detail: expect.stringContaining('case-1') }];
    expect(report([refused()], { isNamed: false })).toMatchObject({ recomputed: 0, foreign });
  });

  it.each<[string, LeafEvent, boolean]>([
    ['a digest', refused(), false],
    ['no digest', refused({ sealedEvidenceSha256: null }), true],
    ['a digest in capitals', refused({ sealedEvidenceSha256: DIGEST.toUpperCase() }), true],
    ['a digest that goes on', refused({ sealedEvidenceSha256: `${DIGEST}0` }), true],
    ['a digest with something before it', refused({ sealedEvidenceSha256: `0${DIGEST}` }), true],
    ['a digest of nothing', refused({ sealedEvidenceId: null }), true],
    ['a version that nobody knows', refused({ sealedEvidenceSha256: null }, 99), false],
  ])('has its digest where its version states one: %s', (_, event, isAmiss) => {
    expect(report([event]).foreign).toHaveLength(isAmiss ? 1 : 0);
  });

  it('names no root where the evidence names none', () => {
    expect(report([refused({ evidence: null })]).anchorsNamed).toEqual({});
    expect(report([refused(), refused()]).anchorsNamed).toEqual({ [ANCHOR]: 2 });
  });

  it('lists a thousand absences and counts them all', () => {
    const events = Array.from({ length: 1_001 }, () => accepted());
    const { absent, absentCases } = report(events, { judge: null });
    expect([absent.no_anchors, absentCases.length]).toEqual([1_001, 1_000]);
  });

  it('is judged by what was received before it in the same case', () => {
    const received = leaf('RequestReceived', { boothId: 'booth-1' });
    const handed: unknown[] = [];
    const judge: CertificateJudge = ({ request, reason, verdict }) => {
      handed.push({ request, reason, verdict });
      return { judged: 'reproduced' };
    };
    report([refused(), received, refused(), accepted()], { judge });
    const request = { boothId: 'booth-1' };
    expect(handed).toEqual([
      { request: null, reason: 'revoked', verdict: 'invalid' },
      { request, reason: 'revoked', verdict: 'invalid' },
      { request, reason: null, verdict: 'valid' },
    ]);
  });

  it('names its evidence, where there is any', () => {
    const replay = new CertificateReplay();
    [refused(), refused({ sealedEvidenceId: null })].forEach((event, index) => replay.feed(index, event));
    expect([...replay.evidenceIds()]).toEqual(['evidence-1']);
  });
});
