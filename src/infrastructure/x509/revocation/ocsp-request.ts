import { createHash } from 'node:crypto';
import type { Certificate } from '../certificate/certificate.js';
import { contextConstructed, encodeDer, encodeOid, TAG } from '../asn1/der.js';
import { OID } from '../asn1/oids.js';

export type CertIdHash = 'sha1' | 'sha256';

/** An OCSP request for one certificate.
 *  @param issuer the certificate of the authority that issued it
 *  @param options.nonce at most 128 bytes (RFC 9654), or null for none
 *  @returns DER of OCSPRequest. Source: RFC 6960 section 4.1. */
export function encodeOcspRequest(
  certificate: Certificate,
  issuer: Certificate,
  options: { readonly nonce: Uint8Array | null; readonly hash: CertIdHash },
): Buffer {
  const request = encodeDer(TAG.sequence, encodeCertId(certificate, issuer, options.hash));
  const list = encodeDer(TAG.sequence, request);
  const extensions =
    options.nonce === null
      ? []
      : [encodeDer(contextConstructed(2), encodeDer(TAG.sequence, encodeNonceExtension(options.nonce)))];
  return encodeDer(TAG.sequence, encodeDer(TAG.sequence, list, ...extensions));
}

/** CertID: which certificate is asked for, by its issuer's name and key and its serial number. */
export function encodeCertId(certificate: Certificate, issuer: Certificate, hash: CertIdHash): Buffer {
  const digest = (bytes: Buffer): Buffer => encodeDer(TAG.octetString, createHash(hash).update(bytes).digest());
  const algorithm = encodeDer(TAG.sequence, encodeOid(OID[hash]), encodeDer(TAG.null));
  return encodeDer(
    TAG.sequence,
    algorithm,
    digest(certificate.issuer),
    digest(issuer.publicKeyBits),
    encodeDer(TAG.integer, certificate.serial),
  );
}

function encodeNonceExtension(nonce: Uint8Array): Buffer {
  return encodeDer(
    TAG.sequence,
    encodeOid(OID.ocspNonce),
    encodeDer(TAG.octetString, encodeDer(TAG.octetString, nonce)),
  );
}
