import { createHash, timingSafeEqual } from 'node:crypto';
import type { InvalidCertificateReason } from '../../domain/values/certificate-status.js';
import { parseCertificate, serialHex, type Certificate } from '../x509/certificate/certificate.js';
import { parseCrl, type Crl } from '../x509/revocation/crl.js';
import { verifyCrl } from '../x509/revocation/crl-verifier.js';
import { DerError } from '../x509/asn1/der.js';
import { describeName, sameName } from '../x509/certificate/distinguished-name.js';
import { NAME_FORM } from '../x509/certificate/general-name.js';
import { KEY_USAGE, OID } from '../x509/asn1/oids.js';
import { verifyPath, type ValidPath } from '../x509/path/path-verifier.js';
import { profileFor } from '../x509/path/profiles.js';
import {
  checkSignature,
  GENERAL_ALGORITHMS,
  readPublicKey,
  signatureRuleByName,
  type PublicKey,
} from '../x509/certificate/public-key.js';
import type { TrustAnchor } from '../x509/path/trust-anchors.js';
import {
  CMS,
  parseSigningCertificate,
  parseSigningCertificateV2,
  parseTimestampResponse,
  TIMESTAMP_BYTES_MAX,
  type IdentifiedCertificate,
  type SignerInfo,
  type TimestampStatus,
  type TimestampToken,
} from './timestamp-response.js';

export interface TimestampCheck {
  /** TimeStampResp as it came or was stored. */
  readonly response: Uint8Array;
  /** What is said to be stamped. */
  readonly message: Uint8Array;
  /** Nonce of our request (content of the INTEGER); null when a stored token is judged later, where nothing can be
   * replayed any more. */
  readonly nonce: Uint8Array | null;
  /** The only acceptable policy; null: any. */
  readonly policy: string | null;
  /** Authorities that are believed. Never taken from the token. */
  readonly anchors: readonly TrustAnchor[];
  /** The stated time must not be before this, milliseconds since 1970; null: however old. Tolerances are the
   * caller's. */
  readonly notBeforeMs: number | null;
  /** The stated time must not be after this: nobody has seen the future. */
  readonly notAfterMs: number;
  /** CRLs of the authorities in the signer's path, DER; absent: revocation is not judged. When there are some, every
   * certificate of the path must be spoken of. */
  readonly crls?: readonly Uint8Array[];
  /** Instant at which the CRLs must be in force, seconds since 1970. Absent: each speaks as of its own time, which is
   * what kept ones can. */
  readonly crlsInForceAt?: number;
}

/** Which rule a token broke. `certificate_…`: what is wrong with the path of the signer's certificate. */
export type TimestampReason =
  | 'too_large'
  | 'malformed'
  | 'status_refused'
  | 'imprint_algorithm'
  | 'imprint_mismatch'
  | 'nonce_missing'
  | 'nonce_mismatch'
  | 'policy_mismatch'
  | 'critical_extension'
  | 'time_in_future'
  | 'time_too_old'
  | 'signer_certificate_missing'
  | 'revocation_unknown'
  | 'revocation_malformed'
  | 'content_type'
  | 'digest_algorithm'
  | 'digest_mismatch'
  | 'signing_certificate_missing'
  | 'signing_certificate_mismatch'
  | 'signature_algorithm'
  | 'signature'
  | 'authority_name'
  | 'extended_key_usage'
  | 'key_usage'
  | `certificate_${InvalidCertificateReason}`;

export type TimestampVerdict =
  | { readonly verdict: 'good'; readonly timestamp: ProvenTime }
  | { readonly verdict: 'refused'; readonly reason: TimestampReason; readonly detail: string };

/** What a good token proves: the message existed before `atMs` plus accuracy. */
export interface ProvenTime {
  readonly atMs: number;
  /** null: the authority does not state how exact its clock is; its policy says so. */
  readonly accuracyMicroseconds: number | null;
  /** Whether the authority promises that its tokens can be ordered by their times alone. */
  readonly ordering: boolean;
  readonly policy: string;
  readonly serialHex: string;
  /** Subject of the signer's certificate, for people. */
  readonly authority: string;
  readonly anchorSha256: string;
  /** The signer was not revoked as far as the CRLs tell, which is up to this time, milliseconds since 1970; null: not
   * judged. */
  readonly notRevokedUntilMs: number | null;
}

class Refusal extends Error {
  constructor(
    readonly reason: TimestampReason,
    detail: string,
  ) {
    super(detail);
  }
}

/** Judges one answer of a timestamp authority by every rule. It never throws on input, and says `good` only when all of
 * them hold. Source: RFC 3161 sections 2.2, 2.3 and 2.4.2, RFC 5816, RFC 5652 section 5, RFC 5035 section 5.4, RFC 5280
 * section 6. */
export function verifyTimestamp(check: TimestampCheck): TimestampVerdict {
  try {
    if (check.response.length > TIMESTAMP_BYTES_MAX)
      throw new Refusal('too_large', `an answer of ${check.response.length} bytes`);
    return { verdict: 'good', timestamp: judge(check) };
  } catch (error) {
    if (error instanceof Refusal) return { verdict: 'refused', reason: error.reason, detail: error.message };
    if (error instanceof DerError) return { verdict: 'refused', reason: 'malformed', detail: error.message };
    throw error;
  }
}

function judge(check: TimestampCheck): ProvenTime {
  const { status, token } = parseTimestampResponse(check.response);
  // "Granted with modifications" too: nothing of what we ask for may be another thing.
  if (status.code !== 0) throw new Refusal('status_refused', refusalText(status));
  if (token === null) throw new Refusal('malformed', 'granted, and no token in it');
  checkInfo(token, check);
  const certificates = token.certificates.map((der) => parseCertificate(der));
  const { signer, others } = identifySigner(token.signer, certificates);
  checkAttributes(token);
  checkSigned(token.signer, keyOf(signer));
  checkPurpose(signer);
  checkAuthorityName(token, signer);
  const path = checkPath({ signer, others, anchors: check.anchors, atMs: token.info.genTimeMs });
  const notRevokedUntilMs =
    check.crls === undefined
      ? null
      : checkRevocation(path, check.crls, { atMs: token.info.genTimeMs, inForceAt: check.crlsInForceAt ?? null });
  const { genTimeMs, accuracyMicroseconds, ordering, policy, serial } = token.info;
  return {
    atMs: genTimeMs,
    accuracyMicroseconds,
    ordering,
    policy,
    serialHex: serialHex(serial),
    authority: describeName(signer.subject),
    anchorSha256: path.anchor.sha256,
    notRevokedUntilMs,
  };
}

const STATUS_WORDS = [
  'granted',
  'granted with modifications',
  'rejection',
  'waiting',
  'revocation warning',
  'revocation notification',
];
/** PKIFailureInfo (RFC 3161 section 2.4.2). */
const FAILURES: readonly (readonly [bit: number, word: string])[] = [
  [0, 'bad algorithm'],
  [2, 'bad request'],
  [5, 'bad data format'],
  [14, 'time not available'],
  [15, 'unaccepted policy'],
  [16, 'unaccepted extension'],
  [17, 'additional information not available'],
  [25, 'system failure'],
];

function refusalText({ code, texts, failure }: TimestampStatus): string {
  const why = FAILURES.filter(([bit]) => failure !== null && Math.floor(failure / 2 ** bit) % 2 === 1).map(
    ([, word]) => word,
  );
  return `the authority answered ${STATUS_WORDS[code] ?? `status ${code}`}${[...why, ...texts].map((text) => `, ${text}`).join('')}`;
}

/** What the token says: about these bytes, to this question, at a possible time. */
function checkInfo(
  { info }: TimestampToken,
  { message, nonce, policy, notBeforeMs, notAfterMs }: TimestampCheck,
): void {
  if (info.imprintAlgorithm !== OID.sha256)
    throw new Refusal('imprint_algorithm', `the imprint is made with ${info.imprintAlgorithm}, not with SHA-256`);
  if (!createHash('sha256').update(message).digest().equals(info.imprint))
    throw new Refusal('imprint_mismatch', 'the token is about other bytes');
  if (nonce !== null && info.nonce === null) throw new Refusal('nonce_missing', 'the token has no nonce');
  if (nonce !== null && !(info.nonce?.length === nonce.length && timingSafeEqual(info.nonce, nonce)))
    throw new Refusal('nonce_mismatch', 'the token has the nonce of another request');
  if (policy !== null && info.policy !== policy)
    throw new Refusal('policy_mismatch', `the token was issued under policy ${info.policy}`);
  const critical = info.extensions.find((extension) => extension.critical);
  if (critical !== undefined)
    throw new Refusal('critical_extension', `unknown critical extension ${critical.oid} in the token`);
  const accuracyMs = (info.accuracyMicroseconds ?? 0) / 1000;
  const stated = new Date(info.genTimeMs).toISOString();
  if (info.genTimeMs - accuracyMs > notAfterMs)
    throw new Refusal('time_in_future', `the stated time ${stated} has not come yet`);
  if (notBeforeMs !== null && info.genTimeMs + accuracyMs < notBeforeMs)
    throw new Refusal('time_too_old', `the stated time ${stated} was before the question`);
}

/** The certificate that the signed attributes identify by its hash. Without that the signer's certificate could be
 * exchanged for another one with the same key and other rights. */
function identifySigner(
  info: SignerInfo,
  certificates: readonly Certificate[],
): { readonly signer: Certificate; readonly others: readonly Certificate[] } {
  const named = certificates.filter((certificate) => isNamed(info, certificate));
  if (named.length === 0)
    throw new Refusal('signer_certificate_missing', "the token does not bring its signer's certificate");
  const identified = identifiedCertificates(info);
  const [first, ...further] = identified;
  const signer = named.find((certificate) => first !== undefined && isIdentified(certificate, first));
  if (signer === undefined)
    throw new Refusal(
      'signing_certificate_mismatch',
      'the signed attributes identify another certificate than the one that is handed over',
    );
  checkOlderForm(info, signer);
  const others = certificates.filter(
    (certificate) =>
      certificate !== signer && (further.length === 0 || further.some((id) => isIdentified(certificate, id))),
  );
  return { signer, others };
}

function isNamed({ name }: SignerInfo, certificate: Certificate): boolean {
  if ('keyIdentifier' in name) return certificate.extensions.subjectKeyIdentifier?.equals(name.keyIdentifier) === true;
  // Byte by byte: whoever signs copies the name out of the certificate.
  return certificate.serial.equals(name.serial) && certificate.issuer.equals(name.issuer);
}

function identifiedCertificates(info: SignerInfo): readonly IdentifiedCertificate[] {
  const value = singleValue(info, CMS.signingCertificateV2);
  if (value !== null) {
    const identified = parseSigningCertificateV2(value);
    if (!identified.some(({ hashAlgorithm }) => hashAlgorithm === OID.sha1)) return identified;
  }
  const isOlder = value !== null || info.attributes.some(({ oid }) => oid === CMS.signingCertificate);
  throw new Refusal(
    'signing_certificate_missing',
    isOlder
      ? 'the token identifies its signer with SHA-1 only'
      : 'the token does not identify the certificate of its signer',
  );
}

/** RFC 5816 lets both forms stand side by side; then both must mean the same certificate. */
function checkOlderForm(info: SignerInfo, signer: Certificate): void {
  const value = singleValue(info, CMS.signingCertificate);
  const first = value === null ? undefined : parseSigningCertificate(value)[0];
  if (first !== undefined && !isIdentified(signer, first))
    throw new Refusal(
      'signing_certificate_mismatch',
      'the two forms of the signing certificate attribute name different certificates',
    );
}

const HASHES: Readonly<Record<string, 'sha1' | 'sha256' | 'sha384' | 'sha512'>> = {
  [OID.sha1]: 'sha1',
  [OID.sha256]: 'sha256',
  [OID.sha384]: 'sha384',
  [OID.sha512]: 'sha512',
};

function isIdentified(
  certificate: Certificate,
  { hashAlgorithm, hash, issuer, serial }: IdentifiedCertificate,
): boolean {
  const algorithm = HASHES[hashAlgorithm];
  if (algorithm === undefined || !createHash(algorithm).update(certificate.der).digest().equals(hash)) return false;
  if (serial !== null && !serial.equals(certificate.serial)) return false;
  return (
    issuer === null ||
    issuer.some(({ form, value }) => form === NAME_FORM.directoryName && sameName(value, certificate.issuer))
  );
}

/** The value of an attribute that must stand there once, with one value (RFC 5652 section 11). @returns null when it is
 * absent */
function singleValue({ attributes }: SignerInfo, oid: string): Buffer | null {
  const found = attributes.filter((attribute) => attribute.oid === oid);
  const [attribute] = found;
  if (attribute === undefined) return null;
  const [value] = attribute.values;
  if (found.length !== 1 || attribute.values.length !== 1 || value === undefined)
    throw new Refusal('malformed', `attribute ${oid} does not have exactly one value`);
  return value;
}

/** The signature covers the attributes; these two tie the content to them (RFC 5652 section 5.3). */
function checkAttributes({ signer, content }: TimestampToken): void {
  const contentType = singleValue(signer, CMS.contentType);
  if (contentType === null || !contentType.equals(CONTENT_TYPE_VALUE))
    throw new Refusal('content_type', 'the signed attributes do not say that the content is a timestamp');
  const hash = HASHES[signer.digestAlgorithm];
  if (hash === undefined || hash === 'sha1')
    throw new Refusal('digest_algorithm', `digest algorithm ${signer.digestAlgorithm} is not accepted here`);
  const digest = createHash(hash).update(content).digest();
  const stated = singleValue(signer, CMS.messageDigest);
  if (stated === null || !stated.equals(Buffer.concat([Buffer.of(0x04, digest.length), digest])))
    throw new Refusal('digest_mismatch', 'the content is not the one that was signed');
}

/** DER of the OBJECT IDENTIFIER id-ct-TSTInfo. */
const CONTENT_TYPE_VALUE = Buffer.from('060b2a864886f70d0109100104', 'hex');
/** CMS may name only the kind of key, with the hash beside it (RFC 3370 section 3.2). */
const RSA_ENCRYPTION = new Set(['300d06092a864886f70d0101010500', '300b06092a864886f70d010101']);

function checkSigned(
  { digestAlgorithm, signatureAlgorithm, signedBytes, signature }: SignerInfo,
  key: PublicKey,
): void {
  const hash = HASHES[digestAlgorithm] as string;
  const rsa = signatureRuleByName(`${hash}WithRSAEncryption`)?.algorithm;
  const ecdsa = signatureRuleByName(`ecdsa-with-${hash.toUpperCase()}`)?.algorithm;
  const algorithm = RSA_ENCRYPTION.has(signatureAlgorithm.toString('hex'))
    ? rsa
    : [rsa, ecdsa].find((known) => known?.equals(signatureAlgorithm));
  if (algorithm === undefined)
    throw new Refusal(
      'signature_algorithm',
      `the signature is made with an algorithm that is not checked here, or that does not go with digests of ${hash}`,
    );
  const problem = checkSignature({ message: signedBytes, signature, algorithm }, key, GENERAL_ALGORITHMS);
  if (problem !== null)
    throw new Refusal(problem.reason === 'bad_signature' ? 'signature' : 'signature_algorithm', problem.detail);
}

function keyOf(certificate: Certificate): PublicKey {
  const key = readPublicKey(certificate.spki);
  if (key instanceof DerError) throw new Refusal('malformed', `key of the signer: ${key.message}`);
  return key;
}

/** RFC 3161 section 2.3: the key stamps and does nothing else, and its certificate insists on that. */
function checkPurpose({ extensions, extensionList }: Certificate): void {
  const usage = extensions.extendedKeyUsage;
  if (usage === null || !usage.includes(OID.timeStamping))
    throw new Refusal('extended_key_usage', "the signer's certificate is not for timestamps");
  if (usage.length !== 1)
    throw new Refusal('extended_key_usage', "the signer's certificate is for other things besides timestamps");
  if (!extensionList.some(({ oid, critical }) => oid === OID.extendedKeyUsage && critical))
    throw new Refusal('extended_key_usage', "the purpose in the signer's certificate is not critical");
  const signing = KEY_USAGE.digitalSignature | KEY_USAGE.nonRepudiation;
  if (extensions.keyUsage !== null && ((extensions.keyUsage & signing) === 0 || (extensions.keyUsage & ~signing) !== 0))
    throw new Refusal('key_usage', "the signer's key is not for signatures alone");
}

/** A name that the token gives its authority must be one of the signer's (RFC 3161 section 2.4.2). */
function checkAuthorityName({ info: { tsa } }: TimestampToken, signer: Certificate): void {
  if (tsa === null) return;
  const isSubject = tsa.form === NAME_FORM.directoryName && sameName(tsa.value, signer.subject);
  if (!isSubject && !(signer.extensions.subjectAltName ?? []).some(({ der }) => der.equals(tsa.der)))
    throw new Refusal('authority_name', 'the token names another authority than the one that signed it');
}

/** The path is judged at the stated time: a certificate that ran out since was good when it signed. */
function checkPath({
  signer,
  others,
  anchors,
  atMs,
}: {
  readonly signer: Certificate;
  readonly others: readonly Certificate[];
  readonly anchors: readonly TrustAnchor[];
  readonly atMs: number;
}): ValidPath {
  const result = verifyPath({
    certificate: signer,
    intermediates: others,
    anchors,
    at: atMs / 1000,
    profile: profileFor('rfc5280', { extendedKeyUsage: [OID.timeStamping] }),
    policies: { acceptable: null, requireExplicitPolicy: false, inhibitPolicyMapping: false, inhibitAnyPolicy: false },
  });
  if ('problem' in result) throw new Refusal(`certificate_${result.problem.reason}`, result.problem.detail);
  return result.path;
}

/** Reasons of revocation under which earlier tokens stay good: nobody else had the key (RFC 3161 section 4, 1). Every
 * other reason, and none at all, takes the worth of all its tokens away. */
const HARMLESS = new Set<string>(['affiliation_changed', 'superseded', 'cessation_of_operation']);

/** @returns up to when nobody of the path was revoked, milliseconds since 1970 */
function checkRevocation(
  { certificates, anchor }: ValidPath,
  crls: readonly Uint8Array[],
  { atMs, inForceAt }: { readonly atMs: number; readonly inForceAt: number | null },
): number {
  const lists = crls.map(readCrl);
  let untilMs = Number.POSITIVE_INFINITY;
  certificates.forEach((certificate, i) => {
    const above = certificates[i + 1];
    const issuer = above === undefined ? anchor : { certificate: above, publicKey: keyOf(above) };
    const statuses = lists.map((crl) =>
      verifyCrl({
        crl,
        certificate,
        issuer,
        at: inForceAt ?? crl.thisUpdate,
        clockToleranceSeconds: 300,
        maxStatusAgeSeconds: null,
        algorithms: GENERAL_ALGORITHMS,
        conforming: true,
      }),
    );
    const spoken = statuses.flatMap((status) => (status.status === 'unknown' ? [] : [status]));
    for (const status of spoken) {
      if (status.status !== 'revoked') continue;
      // The key may have been bad before anybody revoked it (RFC 5280 section 5.3.2).
      const badSinceMs = Math.min(status.revokedAt, status.invalidSince ?? Infinity) * 1000;
      if (HARMLESS.has(status.reason ?? '') && badSinceMs > atMs) continue;
      throw new Refusal(
        'certificate_revoked',
        `${describeName(certificate.subject)} was revoked at ${new Date(status.revokedAt * 1000).toISOString()} (${status.reason ?? 'no reason given'})`,
      );
    }
    // A list that ended before the stamp knows nothing of the time of the stamp, nor of a certificate that did not
    // exist yet.
    const ofTheTime = spoken.filter(
      ({ evidence }) => evidence.nextUpdate !== null && evidence.nextUpdate * 1000 >= atMs,
    );
    if (spoken.length > 0 && ofTheTime.length === 0) {
      throw new Refusal(
        'revocation_unknown',
        `every CRL that speaks of ${describeName(certificate.subject)} ended before the stated time`,
      );
    }
    if (spoken.length === 0)
      throw new Refusal(
        'revocation_unknown',
        `no CRL speaks of ${describeName(certificate.subject)}: ${statuses.map((status) => (status.status === 'unknown' ? status.detail : '')).join('; ') || 'there is none'}`,
      );
    untilMs = Math.min(untilMs, Math.max(...ofTheTime.map(({ evidence }) => evidence.thisUpdate * 1000)));
  });
  return untilMs;
}

function readCrl(bytes: Uint8Array): Crl {
  try {
    return parseCrl(bytes);
  } catch (error) {
    if (error instanceof DerError) throw new Refusal('revocation_malformed', `a CRL: ${error.message}`);
    throw error;
  }
}
