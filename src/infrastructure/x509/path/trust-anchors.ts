import { createHash } from 'node:crypto';
import type { CertificateType } from '../../../domain/values/certificate-status.js';
import { fingerprint, parseCertificate, type Certificate } from '../certificate/certificate.js';
import { asBuffer, DerError } from '../asn1/der.js';
import { attributeValues, describeName, sameName } from '../certificate/distinguished-name.js';
import { preparedText } from '../certificate/name-preparation.js';
import { OID } from '../asn1/oids.js';
import { PublicKey } from '../certificate/public-key.js';

/** A certificate that is trusted because somebody configured it, never because it was sent. */
export interface TrustAnchor {
  readonly certificate: Certificate;
  readonly publicKey: PublicKey;
  /** SHA-256 of the certificate's DER, hex. */
  readonly sha256: string;
  /** Only name and key count; the certificate around them is not judged (RFC 5280 section 6.1.1 d). For test tools. */
  readonly trustedByKey: boolean;
}

/** Makes an anchor of one certificate. @throws {DerError} when the bytes are not a certificate */
export function trustAnchor(der: Uint8Array, options: { trustedByKey?: boolean | undefined } = {}): TrustAnchor {
  const certificate = parseCertificate(der);
  return {
    certificate,
    publicKey: new PublicKey(certificate.spki),
    sha256: fingerprint(certificate),
    trustedByKey: options.trustedByKey ?? false,
  };
}

/** Certificates as an operator configures them: PEM text (several blocks allowed) or DER. */
export type TrustAnchorSource = string | Uint8Array;

/** The anchors of each purpose, kept apart: an anchor for signing certificates never vouches for an authentication
 * certificate. Several generations may share one name; the signature (and the key identifier) decides which issued a
 * certificate. */
export class TrustAnchors {
  private constructor(private readonly byType: Readonly<Record<CertificateType, readonly TrustAnchor[]>>) {}

  /** @param environment `production` refuses the certification service's test hierarchy (`O=JPKI-TEST`).
   *  @throws {TrustAnchorError} with the name of the faulty anchor: a server with half of its anchors must not start */
  static load(
    sources: Readonly<Record<CertificateType, readonly TrustAnchorSource[]>>,
    environment: 'production' | 'test',
  ): TrustAnchors {
    return new TrustAnchors({
      user_authentication: loadAnchors(sources.user_authentication, 'user_authentication', environment),
      digital_signature: loadAnchors(sources.digital_signature, 'digital_signature', environment),
    });
  }

  for(type: CertificateType): readonly TrustAnchor[] {
    return this.byType[type];
  }

  /** Those of them that are named. @param sha256s of certificates, hex */
  only(sha256s: readonly string[]): TrustAnchors {
    const named = (type: CertificateType) => this.byType[type].filter(({ sha256 }) => sha256s.includes(sha256));
    return new TrustAnchors({
      user_authentication: named('user_authentication'),
      digital_signature: named('digital_signature'),
    });
  }

  /** Hash over all anchors; part of every cache key, so that a changed store forgets old answers. */
  get version(): string {
    const hash = createHash('sha256');
    for (const type of ['user_authentication', 'digital_signature'] as const) {
      hash.update(`${type}:`);
      for (const anchor of this.byType[type]) hash.update(`${anchor.sha256},`);
    }
    return hash.digest('hex');
  }
}

/** The configured anchors cannot be used as they are. */
export class TrustAnchorError extends Error {}

function loadAnchors(
  sources: readonly TrustAnchorSource[],
  type: CertificateType,
  environment: 'production' | 'test',
): TrustAnchor[] {
  const anchors = sources.flatMap(splitSource).map((der, i) => readAnchor(der, `${type} anchor ${i + 1}`));
  for (const anchor of anchors) {
    const name = describeName(anchor.certificate.subject);
    if (environment === 'production' && isOfTestHierarchy(anchor.certificate))
      throw new TrustAnchorError(`${name} belongs to the test hierarchy and cannot be a production anchor`);
    if (!sameName(anchor.certificate.issuer, anchor.certificate.subject))
      throw new TrustAnchorError(`${name} is not a root: its issuer is another name`);
  }
  return anchors;
}

/** By the name as names are compared, not by its letters: case, spaces, widths and what stands between letters make no
 * other organization. Text of a historic string type is read as Latin-1. */
function isOfTestHierarchy({ subject, issuer }: Certificate): boolean {
  return [subject, issuer].some((name) =>
    attributeValues(name, OID.organization).some((value) => looseText(value) === looseText('JPKI-TEST')),
  );
}

/** Without what stands between letters. */
function looseText(value: string): string {
  return (preparedText(value) ?? value).replace(/[\s\p{P}]/gu, '');
}

function readAnchor(der: Buffer, what: string): TrustAnchor {
  try {
    return trustAnchor(der);
  } catch (error) {
    if (error instanceof DerError) throw new TrustAnchorError(`${what} is not a certificate: ${error.message}`);
    throw error;
  }
}

/** DER blocks out of PEM text or DER bytes. @throws {TrustAnchorError} on text without a certificate */
export function splitSource(source: TrustAnchorSource): Buffer[] {
  if (typeof source !== 'string') {
    const bytes = asBuffer(source);
    return bytes[0] === 0x30 ? [bytes] : splitSource(bytes.toString('latin1'));
  }
  const blocks = [
    ...source.matchAll(
      /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----([\s\S]*?)-----END (?:TRUSTED |X509 )?CERTIFICATE-----/g,
    ),
  ];
  if (blocks.length === 0) throw new TrustAnchorError('no certificate in PEM text');
  return blocks.map((block) => Buffer.from(block[1]!, 'base64'));
}
