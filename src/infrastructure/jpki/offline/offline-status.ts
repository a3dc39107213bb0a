import { parseCertificate, type Certificate } from '../../x509/certificate/certificate.js';
import { verifyCrlBytes } from '../../x509/revocation/crl-verifier.js';
import { DerError } from '../../x509/asn1/der.js';
import { sameName } from '../../x509/certificate/distinguished-name.js';
import {
  DEFAULT_STATUS_AGE_SECONDS,
  unknown,
  verifyOcspResponse,
  type CertificateStatus,
  type StatusIssuer,
  type StatusProblem,
} from '../../x509/revocation/ocsp-response-verifier.js';
import { KEY_USAGE } from '../../x509/asn1/oids.js';
import {
  checkSignature,
  GENERAL_ALGORITHMS,
  PublicKey,
  readPublicKey,
  signatureRuleByName,
  withSha1ForTest,
  type AlgorithmPolicy,
} from '../../x509/certificate/public-key.js';

/** One OCSP response or CRL, the certificate that it is asked about, and that certificate's issuer. */
export interface OfflineStatusCheck {
  readonly issuer: Uint8Array;
  readonly certificate: Uint8Array;
  readonly answer: { readonly ocsp: Uint8Array } | { readonly crl: Uint8Array };
  /** The nonce that the OCSP response must carry. */
  readonly nonce?: Uint8Array | null | undefined;
  /** Seconds since 1970. */
  readonly at: number;
  /** Default: seven days. */
  readonly maxStatusAgeSeconds?: number | undefined;
  /** Of the issuer only name and key count; otherwise it must be an authority, in date, and have signed the
   * certificate. */
  readonly issuerTrustedByKey?: boolean | undefined;
  readonly allowSha1ForTest?: boolean | undefined;
}

const CLOCK_TOLERANCE_SECONDS = 300;

/** What an OCSP response or a CRL proves about a certificate. Never throws on input. @req R6 */
export function checkOfflineStatus(check: OfflineStatusCheck): CertificateStatus {
  try {
    return judge(check);
  } catch (error) {
    if (error instanceof DerError) return unknown('status_malformed', error.message);
    throw error;
  }
}

function judge(check: OfflineStatusCheck): CertificateStatus {
  const algorithms = check.allowSha1ForTest === true ? withSha1ForTest(GENERAL_ALGORITHMS) : GENERAL_ALGORITHMS;
  const certificate = named('certificate', () => parseCertificate(check.certificate));
  const issuer = named('issuer', () => readIssuer(check.issuer));
  if (!sameName(certificate.issuer, issuer.certificate.subject))
    return unknown('status_mismatch', 'the certificate was issued by another authority');
  const refusal = check.issuerTrustedByKey === true ? null : refuseIssuer(issuer, certificate, check.at, algorithms);
  if (refusal !== null) return refusal;
  const common = {
    certificate,
    issuer,
    at: check.at,
    clockToleranceSeconds: CLOCK_TOLERANCE_SECONDS,
    maxStatusAgeSeconds: check.maxStatusAgeSeconds ?? DEFAULT_STATUS_AGE_SECONDS,
    algorithms,
  };
  if ('crl' in check.answer) return verifyCrlBytes(check.answer.crl, { ...common, conforming: false });
  const nonce = check.nonce ?? null;
  return verifyOcspResponse({
    ...common,
    response: check.answer.ocsp,
    nonce,
    requireNonce: nonce !== null,
    certIdHash: null,
    producedWithinValidity: true,
  });
}

function named<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof DerError) throw new DerError(`${what}: ${error.message}`);
    throw error;
  }
}

function readIssuer(der: Uint8Array): StatusIssuer {
  const certificate = parseCertificate(der);
  return { certificate, publicKey: new PublicKey(certificate.spki) };
}

function refuseIssuer(
  { certificate: issuer, publicKey }: StatusIssuer,
  certificate: Certificate,
  at: number,
  algorithms: AlgorithmPolicy,
): StatusProblem | null {
  const { basicConstraints, keyUsage } = issuer.extensions;
  const refuse = (detail: string): StatusProblem => unknown('responder_unauthorised', detail);
  if (basicConstraints?.ca !== true || (keyUsage !== null && (keyUsage & KEY_USAGE.keyCertSign) === 0))
    return refuse('the issuer is not an authority');
  if (at < issuer.notBefore || at > issuer.notAfter) return refuse('the issuer is not valid at this time');
  const signed = checkSignature(
    { message: certificate.tbs, signature: certificate.signature, algorithm: certificate.signatureAlgorithm },
    publicKey,
    algorithms,
  );
  return signed === null ? null : refuse(`the issuer did not sign the certificate: ${signed.detail}`);
}

export interface SignatureVector {
  /** DER of SubjectPublicKeyInfo. */
  readonly spki: Uint8Array;
  /** For example `sha256WithRSAEncryption` or `ecdsa-with-SHA384`. */
  readonly algorithm: string;
  readonly message: Uint8Array;
  /** ECDSA: DER of the two numbers. */
  readonly signature: Uint8Array;
  readonly allowSha1ForTest?: boolean | undefined;
}

export interface SignatureVerdict {
  readonly verdict: 'valid' | 'invalid';
  readonly reason: string;
  readonly detail: string;
}

/** Checks one signature as the verifier checks those of certificates, OCSP answers, CRLs and cards. Never throws on
 * input. */
export function checkSignatureVector(vector: SignatureVector): SignatureVerdict {
  const key = readPublicKey(Buffer.from(vector.spki));
  if (key instanceof DerError) return { verdict: 'invalid', reason: 'malformed', detail: `key: ${key.message}` };
  const rule = signatureRuleByName(commonAlgorithmName(vector.algorithm));
  if (rule === undefined)
    return { verdict: 'invalid', reason: 'unsupported', detail: `signature algorithm '${vector.algorithm}'` };
  const policy = vector.allowSha1ForTest === true ? withSha1ForTest(GENERAL_ALGORITHMS) : GENERAL_ALGORITHMS;
  const problem = checkSignature(
    { message: Buffer.from(vector.message), signature: Buffer.from(vector.signature), algorithm: rule.algorithm },
    key,
    policy,
  );
  return problem === null
    ? { verdict: 'valid', reason: 'valid', detail: rule.rule.name }
    : { verdict: 'invalid', ...problem };
}

/** One algorithm has many spellings (`RSA-SHA256`, `SHA256withRSA`, `RSASSA-PKCS1-v1_5/SHA-256`, `ES384`); what is left
 * after dropping punctuation names the family and the hash, or the name stays as it is and is not supported. */
function commonAlgorithmName(name: string): string {
  const plain = name.toLowerCase().replace(/[^a-z0-9]/g, '');
  const parts =
    /^(?:(?:sha(?<h1>1|256|384|512))?(?:with|and)?)?(?<family>rsassapkcs1v15|rsapkcs1v15|rsapkcs1|rsaencryption|rsa|rs|ecdsa|es)(?:with|and|using|in)?(?:(?:sha)?(?<h2>1|256|384|512))?(?:encryption)?$/.exec(
      plain,
    )?.groups;
  const hash = parts?.['h1'] ?? parts?.['h2'];
  if (parts === undefined || hash === undefined || (parts['h1'] !== undefined && parts['h2'] !== undefined))
    return name;
  return parts['family']!.startsWith('e') ? `ecdsa-with-SHA${hash}` : `sha${hash}WithRSAEncryption`;
}
