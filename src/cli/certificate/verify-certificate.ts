import { parseArgs } from 'node:util';
import { CERTIFICATE_RULES } from '../../infrastructure/jpki/certificate-check.js';
import {
  checkOffline,
  type OfflineCheck,
  type OfflineVerdict,
} from '../../infrastructure/jpki/offline/offline-check.js';
import type { RevocationMode } from '../../infrastructure/jpki/offline/path-revocation.js';
import { PROFILE_NAMES, type ProfileName } from '../../infrastructure/x509/path/profiles.js';
import {
  elapsedSince,
  hexBytes,
  instant,
  neverCrashWithAVerdict,
  objectIdentifier,
  readDerFile,
  readOneDer,
  runBatch,
  wholeNumber,
  write,
  type BatchLine,
} from './certificate-input.js';
import { EXIT, UsageError, type CliCommand } from '../command.js';

const REVOCATION_MODES: readonly RevocationMode[] = ['off', 'crl', 'ocsp', 'ocsp-then-crl'];

export const command: CliCommand = {
  help: `
Says whether a certificate is valid at an instant, and why. Runs the code that the server runs; asks nobody: what it may
use is what it is given. Prints one JSON object.

  ./honnin verify-certificate --trust-anchor FILE... [OPTIONS] CERTIFICATE
  ./honnin verify-certificate --batch [FILE]         one JSON case per line in (standard input), one verdict per line out

Files are PEM (several blocks allowed) or DER. Options that take FILE... or OID... may be repeated.
  --trust-anchor FILE...       certificates that are trusted
  --intermediate FILE...       certificates that may stand in between
  --crl FILE...                CRLs
  --ocsp-response FILE...      OCSP responses
  --ocsp-nonce HEX             the nonce that OCSP responses must carry
  --at INSTANT                 RFC 3339; default now
  --profile NAME               rfc5280 (default), jpki-auth or jpki-sign
  --policy OID...              acceptable policies (rfc5280: default any; jpki-*: in place of the service's own)
  --require-explicit-policy    as in RFC 5280 section 6.1.1
  --inhibit-policy-mapping
  --inhibit-any-policy
  --revocation MODE            off, crl, ocsp or ocsp-then-crl; default by what is given. Every certificate of the path needs a status
  --max-depth N                certificates between the leaf and the anchor, self-issued ones not counted
  --max-status-age SECONDS     oldest acceptable CRL or OCSP response
  --extended-key-usage OID...  one of which the certificate must allow, if it limits its use
  --issuer-trusted-by-key      of the anchors only name and key count
  --allow-authority            judge the certificate of an authority too (rfc5280 only)
  --allow-sha1-for-test        for published test suites; the server has no such option

Exit code: 0 valid, 1 invalid, 2 unknown (ask again later), 64 wrong usage, 70 internal error.
With --batch: 0 when every line got a verdict, 64 when a line was not a case (it is answered with verdict "unknown", reason
"usage"), 70 when a bug stopped a line (reason "internal"). All other lines are answered in any case.

A batch line: {"id", "trustAnchors": [base64 DER], "intermediates": [base64 DER], "certificate": base64 DER, "crls": [base64 DER],
"ocspResponses": [base64 DER], "ocspNonce": hex, "at", "profile", "policies": [OID], "requireExplicitPolicy",
"inhibitPolicyMapping", "inhibitAnyPolicy", "revocation", "maxDepth", "maxStatusAgeSeconds", "extendedKeyUsage": [OID],
"allowSha1ForTest", "issuerTrustedByKey", "allowAuthority"}; all but id, trustAnchors and certificate may be left out.
A verdict line: {"id", "verdict", "reason", "detail", "elapsedMs"}.

Example: why was this card refused at 14:02?
  ./honnin verify-certificate --profile jpki-auth --trust-anchor auth-root.pem --ocsp-response kept.ors --at 2026-11-23T14:02:00+09:00 card.der
`,
  async run(args) {
    neverCrashWithAVerdict();
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        batch: { type: 'boolean' },
        'trust-anchor': { type: 'string', multiple: true },
        intermediate: { type: 'string', multiple: true },
        crl: { type: 'string', multiple: true },
        'ocsp-response': { type: 'string', multiple: true },
        'ocsp-nonce': { type: 'string' },
        at: { type: 'string' },
        profile: { type: 'string' },
        policy: { type: 'string', multiple: true },
        'require-explicit-policy': { type: 'boolean' },
        'inhibit-policy-mapping': { type: 'boolean' },
        'inhibit-any-policy': { type: 'boolean' },
        revocation: { type: 'string' },
        'max-depth': { type: 'string' },
        'max-status-age': { type: 'string' },
        'extended-key-usage': { type: 'string', multiple: true },
        'issuer-trusted-by-key': { type: 'boolean' },
        'allow-authority': { type: 'boolean' },
        'allow-sha1-for-test': { type: 'boolean' },
      },
    });
    if (positionals.length > 1) throw new UsageError('one certificate at a time; use --batch for many');
    if (values.batch === true)
      return runBatch(positionals[0], (line) => shortVerdict(checkOffline(caseOf(line))), 'verdict');
    const [certificate] = positionals;
    const anchors = (values['trust-anchor'] ?? []).flatMap(readDerFile);
    if (certificate === undefined) throw new UsageError('which certificate?');
    if (anchors.length === 0) throw new UsageError('at least one --trust-anchor is needed');
    const started = performance.now();
    const check: OfflineCheck = {
      certificate: readOneDer(certificate),
      trustAnchors: anchors,
      intermediates: (values.intermediate ?? []).flatMap(readDerFile),
      crls: (values.crl ?? []).flatMap(readDerFile),
      ocspResponses: (values['ocsp-response'] ?? []).flatMap(readDerFile),
      ocspNonce: values['ocsp-nonce'] === undefined ? null : hexBytes(values['ocsp-nonce']),
      at: values.at === undefined ? Date.now() / 1000 : instant(values.at),
      profile: profileName(values.profile),
      policies: values.policy?.map(objectIdentifier),
      requireExplicitPolicy: values['require-explicit-policy'],
      inhibitPolicyMapping: values['inhibit-policy-mapping'],
      inhibitAnyPolicy: values['inhibit-any-policy'],
      revocation: revocationMode(values.revocation),
      maxDepth: values['max-depth'] === undefined ? undefined : wholeNumber(values['max-depth']),
      maxStatusAgeSeconds: values['max-status-age'] === undefined ? undefined : wholeNumber(values['max-status-age']),
      extendedKeyUsage: values['extended-key-usage']?.map(objectIdentifier),
      issuerTrustedByKey: values['issuer-trusted-by-key'],
      allowAuthority: values['allow-authority'],
      allowSha1ForTest: values['allow-sha1-for-test'],
    };
    const verdict = checkOffline(check);
    await write(
      `${JSON.stringify({ version: CERTIFICATE_RULES.version, ...verdict, at: new Date(check.at * 1000).toISOString(), elapsedMs: elapsedSince(started) })}\n`,
    );
    return exitCodeOf(verdict.verdict);
  },
};

function caseOf(line: BatchLine): OfflineCheck {
  const at = line.text('at');
  const nonce = line.text('ocspNonce');
  const trustAnchors = line.byteLists('trustAnchors');
  if (trustAnchors.length === 0) throw new UsageError("'trustAnchors' is missing");
  return {
    certificate: line.bytes('certificate'),
    trustAnchors,
    intermediates: line.byteLists('intermediates'),
    crls: line.byteLists('crls'),
    ocspResponses: line.byteLists('ocspResponses'),
    ocspNonce: nonce === undefined || nonce === '' ? null : hexBytes(nonce),
    at: at === undefined ? Date.now() / 1000 : instant(at),
    profile: profileName(line.text('profile')),
    policies: line.texts('policies')?.map(objectIdentifier),
    requireExplicitPolicy: line.flag('requireExplicitPolicy'),
    inhibitPolicyMapping: line.flag('inhibitPolicyMapping'),
    inhibitAnyPolicy: line.flag('inhibitAnyPolicy'),
    revocation: revocationMode(line.text('revocation')),
    maxDepth: line.count('maxDepth'),
    maxStatusAgeSeconds: line.count('maxStatusAgeSeconds'),
    extendedKeyUsage: line.texts('extendedKeyUsage')?.map(objectIdentifier),
    allowSha1ForTest: line.flag('allowSha1ForTest'),
    issuerTrustedByKey: line.flag('issuerTrustedByKey'),
    allowAuthority: line.flag('allowAuthority'),
  };
}

function shortVerdict({ verdict, reason, detail }: OfflineVerdict): object {
  return { verdict, reason, detail };
}

function profileName(text: string | undefined): ProfileName | undefined {
  const name = PROFILE_NAMES.find((n) => n === text);
  if (text !== undefined && name === undefined)
    throw new UsageError(`profile '${text}': one of ${PROFILE_NAMES.join(', ')}`);
  return name;
}

function revocationMode(text: string | undefined): RevocationMode | undefined {
  const mode = REVOCATION_MODES.find((m) => m === text);
  if (text !== undefined && mode === undefined)
    throw new UsageError(`revocation '${text}': one of ${REVOCATION_MODES.join(', ')}`);
  return mode;
}

export function exitCodeOf(verdict: 'valid' | 'invalid' | 'unknown'): number {
  return verdict === 'valid' ? EXIT.ok : verdict === 'invalid' ? EXIT.failed : EXIT.unknown;
}
