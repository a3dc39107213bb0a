import { spawnSync } from 'node:child_process';
import { createHash, sign } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { CertificateVerdict } from '../../src/application/ports/outside/certificate-verifier.js';
import { evidenceBytes, sealedEvidenceId, sealedEvidenceSha256 } from '../../src/application/case/sealed-evidence.js';
import { verifyBundle, type VerifyReport } from '../../src/domain/audit/bundle/verify-bundle.js';
import { captureEnvelopeText, type CaptureEnvelope } from '../../src/domain/booth/capture-envelope.js';
import { currentVersion } from '../../src/domain/event-registry.js';
import { NOT_COMPARED } from '../../src/domain/registration/card-agreement.js';
import { canonicalJson } from '../../src/domain/values/canonical-json.js';
import { certificateRules, type CertificateRuleOptions } from '../../src/infrastructure/jpki/certificate-check.js';
import { certificateVerifier } from '../../src/infrastructure/jpki/configured-verifiers.js';
import { certificateJudge } from '../../src/infrastructure/jpki/judge-kept-verdict.js';
import { TrustAnchors } from '../../src/infrastructure/x509/path/trust-anchors.js';
import { Config } from '../../src/infrastructure/settings/config.js';
import {
  cardExtensions,
  type Authority,
  ext,
  makeAuthority,
  makeCardCertificate,
  makeOcspResponse,
  NOW,
  pem,
  rsaKey,
} from '../certificate/support/certificate-factory.js';
import { FakeResponder } from '../certificate/support/fake-responder.js';
import { built } from '../support/peers.js';
import { itUnless } from '../support/unless.js';
import { MadeKey, MadeLog, WHOLE_WITH_EVIDENCE } from './made-bundle.js';
import { primitives } from './support.js';

const AT = new Date(NOW * 1000).toISOString();
const CLIENT = '1.3.6.1.5.5.7.3.2';
const CARDS = '1.2.392.200149.8.5.9.1';
const OTHERS = '1.2.392.200149.8.5.9.2';
const key = new MadeKey(11);
const [authority, newer, cardKey] = [makeAuthority(rsaKey()), makeAuthority(rsaKey(), { serial: 2 }), rsaKey()];
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
let folder: string;
let responder: FakeResponder;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'honnin-settings-'));
  writeFileSync(join(folder, 'root.pem'), pem(authority.certificate));
  writeFileSync(join(folder, 'newer.pem'), pem(newer.certificate));
  writeFileSync(join(folder, 'log.vkey'), `${key.text}\n`);
  responder = await FakeResponder.start();
});
afterAll(async () => {
  await responder.stop();
  rmSync(folder, { recursive: true, force: true });
});

interface Kept {
  readonly verdict: Exclude<CertificateVerdict, { verdict: 'unknown' }>;
  readonly envelope: CaptureEnvelope;
  readonly signature: Buffer;
}

/** A card that is limited to these usages, checked by a server with these settings. */
async function checked(
  usages: readonly string[],
  settings: Readonly<Record<string, string>> = {},
  statusAgeSeconds = 0,
  { issuer = authority, notAfter = NOW + 1000 }: { readonly issuer?: Authority; readonly notAfter?: number } = {},
): Promise<Kept> {
  const serial = 0x4321;
  const extensions = [
    ...cardExtensions(issuer, cardKey),
    ...(usages.length === 0 ? [] : [ext.extendedKeyUsage(...usages)]),
  ];
  const certificate = makeCardCertificate(issuer, cardKey, { serial, extensions, notAfter });
  const envelope: CaptureEnvelope = {
    nonce: 'nonce',
    boothId: 'booth-a',
    counter: 1,
    certificateType: 'user_authentication',
    mode: 'GOVERNMENT_SUBMISSION',
    capturedAtUtc: AT,
    photoSha256: sha256(Buffer.from('photo')),
    certificateSha256: sha256(certificate),
    cardRecordSha256: sha256(Buffer.from('record')),
    cardIssuerCertificateSha256: sha256(Buffer.from('issuer')),
    consent: { textVersion: '2026-11', keepReferenceImage: true },
  };
  const signature = sign('sha256', Buffer.from(captureEnvelopeText(envelope)), cardKey.privateKey);
  const thisUpdate = NOW - statusAgeSeconds;
  responder.respond((nonce) => makeOcspResponse({ issuer, serial, thisUpdate, nextUpdate: NOW + 900, nonce: nonce! }));
  const verifier = certificateVerifier(
    Config.from({
      HONNIN_ENVIRONMENT: 'test',
      HONNIN_JPKI_AUTH_ANCHORS: join(folder, 'root.pem'),
      HONNIN_JPKI_OCSP_URL: responder.url,
      ...settings,
    }),
    () => NOW * 1000,
  );
  const verdict = await verifier.verify({
    certificate,
    certificateType: 'user_authentication',
    signedBytes: Buffer.from(captureEnvelopeText(envelope)),
    signature,
    at: AT,
  });
  if (verdict.verdict === 'unknown') throw new Error(verdict.detail);
  return { verdict, envelope, signature };
}

/** A log of the one request, with its evidence. @param change what the writer put there instead */
function bundleOf(
  { verdict, envelope, signature }: Kept,
  change: { readonly withoutSettings?: boolean; readonly data?: object } = {},
): string[] {
  const presented = {
    faceRecord: null,
    certificateType: 'user_authentication' as const,
    signedText: captureEnvelopeText(envelope),
    signature: signature.toString('base64'),
    at: AT,
  };
  const bytes = evidenceBytes(
    change.withoutSettings === true ? { ...verdict.sealed, settings: null } : verdict.sealed,
    presented,
  );
  const id = sealedEvidenceId('effect', bytes);
  const { boothId, counter, certificateType, mode, capturedAtUtc, consent } = envelope;
  const data =
    verdict.verdict === 'valid'
      ? { subjectKey: 'person', agreement: NOT_COMPARED, otherCertificate: 'not_asked' }
      : { reason: verdict.reason, cardRecordReason: null };
  const named = {
    evidence: verdict.evidence,
    sealedEvidenceId: id,
    sealedEvidenceSha256: sealedEvidenceSha256(bytes),
    ...change.data,
  };
  const leaf = (revision: number, causationId: string, type: string, of: object) =>
    canonicalJson({
      data: of,
      id: `request-${revision}`,
      revision,
      schemaVersion: currentVersion(type),
      stream: 'registration-request',
      type,
      metadata: {
        actor: 'system:registration-saga',
        correlationId: 'request',
        causationId,
        recordedAtUtc: AT,
        policyVersion: 1,
      },
    } as never);
  const log = new MadeLog(
    [
      leaf(0, 'request', 'RequestReceived', {
        requestId: 'request',
        boothId,
        counter,
        certificateType,
        mode,
        capturedAtUtc,
        consent,
      }),
      leaf(1, 'effect', verdict.verdict === 'valid' ? 'CertificateVerified' : 'CertificateRejected', {
        ...data,
        ...named,
      }),
    ],
    key,
  );
  const query = WHOLE_WITH_EVIDENCE;
  return log.bundle({ header: { query, evidence: { [id]: Buffer.from(bytes).toString('base64') } } });
}

function judged(
  lines: readonly string[],
  options: CertificateRuleOptions = {},
  roots: readonly Authority[] = [authority],
): VerifyReport {
  const anchors = TrustAnchors.load(
    { user_authentication: roots.map(({ certificate }) => certificate), digital_signature: [] },
    'test',
  );
  return verifyBundle(lines, primitives, {
    trusted: [key.key],
    certificates: certificateJudge(certificateRules(anchors, options)),
  });
}

/** What the report says of the one verdict. */
function outcome({ certificates, discrepancies, undecided }: VerifyReport): readonly string[] {
  const codes = [...discrepancies, ...undecided]
    .map(({ code }) => code)
    .filter((code) => code.startsWith('certificate_'));
  return [...(certificates.reproduced === 1 ? ['reproduced'] : []), ...codes];
}

/** The real cards' usages are not public. @req R6 R22 */
describe('extended key usages that a certificate may be limited to', () => {
  it.each<[string, readonly string[], Record<string, string>, string]>([
    ['none: not limited', [], {}, 'valid'],
    ['the default', [CLIENT], {}, 'valid'],
    ['any', ['2.5.29.37.0'], {}, 'valid'],
    ['another one', [CARDS], {}, 'extended_key_usage'],
    ['another one that was set', [CARDS], { HONNIN_JPKI_AUTH_USAGE_OIDS: CARDS }, 'valid'],
    ['one of several that were set', [OTHERS, CARDS], { HONNIN_JPKI_AUTH_USAGE_OIDS: `${CLIENT}, ${CARDS}` }, 'valid'],
    ['the default where another was set', [CLIENT], { HONNIN_JPKI_AUTH_USAGE_OIDS: CARDS }, 'extended_key_usage'],
    ['none where another was set', [], { HONNIN_JPKI_AUTH_USAGE_OIDS: CARDS }, 'valid'],
    ['one that was set for the other profile', [CARDS], { HONNIN_JPKI_SIGN_USAGE_OIDS: CARDS }, 'extended_key_usage'],
  ])('%s', async (_, usages, settings, expected) => {
    const { verdict } = await checked(usages, settings);
    expect(verdict.verdict === 'valid' ? 'valid' : verdict.reason).toBe(expected);
    const set = settings['HONNIN_JPKI_AUTH_USAGE_OIDS'] ?? CLIENT;
    expect(verdict.sealed.settings?.extendedKeyUsages).toEqual(set.split(',').map((oid) => oid.trim()));
  });

  it.each(['', 'clientAuth', '1', '3.1.2', '1.40.3', '1.3.06', '1.3.6.', `${CLIENT},`, `${CLIENT} ${CARDS}`, '1..2'])(
    "are named where '%s' is none, at the start",
    (text) => {
      for (const env of ['HONNIN_JPKI_AUTH_USAGE_OIDS', 'HONNIN_JPKI_SIGN_USAGE_OIDS']) {
        // An empty variable is an absent one.
        if (text === '') expect(Config.from({ [env]: text }).values.authUsageOids).toEqual([CLIENT]);
        else expect(() => Config.from({ [env]: text })).toThrow(new RegExp(`${env}=.*is no object identifier`));
      }
    },
  );
});

/** An honest server must not be called wrong for what it was told to allow. @req R6 R22 */
describe('a verdict that was made with other settings than the reader has', () => {
  const usage = (...oids: string[]): CertificateRuleOptions => ({ usageOids: { user_authentication: oids } });
  const policy = (...oids: string[]): CertificateRuleOptions => ({ policyOids: { user_authentication: oids } });

  it.each<[string, readonly string[], Record<string, string>, CertificateRuleOptions, string]>([
    ['the same by default', [CLIENT], {}, {}, 'reproduced'],
    ['the same that was set', [CARDS], { HONNIN_JPKI_AUTH_USAGE_OIDS: CARDS }, usage(CARDS), 'reproduced'],
    ['let in by the server', [CARDS], { HONNIN_JPKI_AUTH_USAGE_OIDS: CARDS }, {}, 'certificate_settings'],
    ['refused by the server', [CLIENT], { HONNIN_JPKI_AUTH_USAGE_OIDS: CARDS }, {}, 'certificate_settings'],
    ['refused by the default of the server', [CARDS], {}, usage(CARDS), 'certificate_settings'],
    ['of no consequence', [], { HONNIN_JPKI_AUTH_USAGE_OIDS: CARDS }, usage(OTHERS), 'reproduced'],
    ['other policies', [], { HONNIN_JPKI_AUTH_POLICY_OIDS: OTHERS }, {}, 'certificate_settings'],
    ['other policies of the reader', [], {}, policy(OTHERS), 'certificate_settings'],
    ['another age', [], { HONNIN_JPKI_STATUS_AGE_SECONDS: '200000' }, {}, 'certificate_settings'],
    [
      'another age, stated by the reader',
      [],
      { HONNIN_JPKI_STATUS_AGE_SECONDS: '200000' },
      { status: { maxStatusAgeSeconds: 200_000 } },
      'reproduced',
    ],
  ])('%s', async (_, usages, server, reader, expected) => {
    const report = judged(
      bundleOf(await checked(usages, server, server['HONNIN_JPKI_STATUS_AGE_SECONDS'] === undefined ? 0 : 100_000)),
      reader,
    );
    expect(outcome(report)).toEqual([expected]);
    expect(report.judgement).toBe(expected === 'reproduced' ? 'right' : 'undecided');
    expect(report.certificates.recomputed).toBe(expected === 'reproduced' ? 1 : 0);
  });

  it('says which option gives the same', async () => {
    const report = judged(bundleOf(await checked([CARDS], { HONNIN_JPKI_AUTH_USAGE_OIDS: `${CARDS},${OTHERS}` })));
    expect(report.undecided).toContainEqual({
      code: 'certificate_settings',
      index: 1,
      detail: expect.stringContaining(`--auth-usage ${CARDS},${OTHERS} (yours: ${CLIENT})`),
    });
  });

  it('was made by what was built in where the evidence is of before', async () => {
    const before = bundleOf(await checked([CLIENT]), { withoutSettings: true });
    expect(outcome(judged(before))).toEqual(['reproduced']);
    expect(outcome(judged(before, usage(CARDS)))).toEqual(['certificate_settings']);
    // Nobody could let in such a card then.
    const impossible = bundleOf(await checked([CARDS], { HONNIN_JPKI_AUTH_USAGE_OIDS: CARDS }), {
      withoutSettings: true,
    });
    expect(outcome(judged(impossible))).toEqual(['certificate_verdict_differs']);
    expect(outcome(judged(impossible, usage(CARDS)))).toEqual(['reproduced']);
  });

  it('is wrong where it follows with neither', async () => {
    const kept = await checked([OTHERS], { HONNIN_JPKI_AUTH_USAGE_OIDS: CARDS });
    expect(outcome(judged(bundleOf(kept, { data: { reason: 'revoked' } })))).toEqual(['certificate_verdict_differs']);
    const good = await checked([CARDS], { HONNIN_JPKI_AUTH_USAGE_OIDS: CARDS });
    const lie = { ...good.verdict.evidence, responderKeySha256: '0'.repeat(64) };
    expect(outcome(judged(bundleOf(good, { data: { evidence: lie } })))).toEqual(['certificate_verdict_differs']);
  });

  itUnless(built('cli/main.js'), 'is judged by the command with what the reader states', async () => {
    const file = join(folder, 'limited.honnin');
    writeFileSync(file, `${bundleOf(await checked([CARDS], { HONNIN_JPKI_AUTH_USAGE_OIDS: CARDS })).join('\n')}\n`);
    const run = (...args: string[]) =>
      spawnSync(
        process.execPath,
        [
          '--disable-warning=ExperimentalWarning',
          'dist/cli/main.js',
          'audit',
          'verify',
          file,
          '--key',
          join(folder, 'log.vkey'),
          '--anchors',
          join(folder, 'root.pem'),
          ...args,
        ],
        { encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '' } },
      );
    expect(run()).toMatchObject({ status: 2, stdout: expect.stringContaining(`--auth-usage ${CARDS}`) });
    expect(run('--auth-usage', `${CLIENT},${CARDS}`)).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('1 of 1 certificate verdicts reproduced'),
    });
    expect(run('--auth-usage', CLIENT, '--auth-usage', CARDS).status).toBe(0);
    expect(run('--auth-usage', 'cards')).toMatchObject({
      status: 64,
      stderr: expect.stringContaining("'cards' is not an OID"),
    });
    expect(run('--auth-policy', 'cards')).toMatchObject({
      status: 64,
      stderr: expect.stringContaining("'cards' is not an OID"),
    });
  });
});

/** Two generations of roots share a name. An auditor has one, both, or the root of somebody else. */
describe('a verdict that was made with other roots than the reader has', () => {
  const both = () => ({ HONNIN_JPKI_AUTH_ANCHORS: `${join(folder, 'root.pem')},${join(folder, 'newer.pem')}` });
  const stranger = makeAuthority(rsaKey());
  const right = ['reproduced'];
  const unsure = ['certificate_anchor'];

  it.each<[string, Authority, number, readonly Authority[], readonly string[]]>([
    ['a good card, its root', authority, NOW + 1000, [authority], right],
    ['a good card, both roots in another order', authority, NOW + 1000, [newer, authority], right],
    ['a good card, the newer root', authority, NOW + 1000, [newer], unsure],
    ["a good card of the newer root, somebody else's", newer, NOW + 1000, [stranger], unsure],
    ['a card that ran out, both roots', authority, NOW - 1000, [authority, newer], right],
    ['a card that ran out, one of the roots', authority, NOW - 1000, [authority], unsure],
    ['a card that ran out, more roots than the server had', authority, NOW - 1000, [authority, newer, stranger], right],
    ['a card of nobody that we know, both roots', stranger, NOW + 1000, [authority, newer], right],
    ['a card of nobody that we know, its root too', stranger, NOW + 1000, [stranger, authority, newer], right],
  ])('%s', async (_, issuer, notAfter, roots, expected) => {
    const kept = await checked([], both(), 0, { issuer, notAfter });
    const report = judged(bundleOf(kept), {}, roots);
    expect(outcome(report)).toEqual(expected);
    expect(report.judgement).toBe(expected === right ? 'right' : 'undecided');
  });

  it('is wrong where the very roots that it names, or that were kept, give something else', async () => {
    const ranOut = await checked([], both(), 0, { notAfter: NOW - 1000 });
    const lie = bundleOf(ranOut, { data: { reason: 'weak_algorithm' } });
    expect(outcome(judged(lie, {}, [authority, newer]))).toEqual(['certificate_verdict_differs']);
    const good = await checked([], both(), 0, { issuer: stranger });
    const named = { ...good.verdict.evidence, trustAnchorSha256: sha256(authority.certificate) };
    const claimed = bundleOf(good, { data: { evidence: named } });
    expect(outcome(judged(claimed, {}, [authority]))).toEqual(['certificate_verdict_differs']);
  });

  it('says nothing of a refusal that does not follow where its roots were not kept', async () => {
    const ranOut = await checked([], both(), 0, { notAfter: NOW - 1000 });
    const before = bundleOf(ranOut, { withoutSettings: true });
    expect(outcome(judged(before, {}, [authority]))).toEqual(right);
    expect(outcome(judged(before, {}, [stranger]))).toEqual(unsure);
  });
});
