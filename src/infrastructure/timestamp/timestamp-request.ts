import { createHash } from 'node:crypto';
import { encodeDer, encodeOid, TAG } from '../x509/asn1/der.js';
import { OID } from '../x509/asn1/oids.js';

export interface TimestampQuestion {
  /** The stamped bytes themselves; only their SHA-256 leaves the house. */
  readonly message: Uint8Array;
  /** Content of a positive INTEGER in its shortest form. */
  readonly nonce: Uint8Array;
  /** Policy that is asked for, or null for the authority's own choice. */
  readonly policy: string | null;
}

const SHA256_ALGORITHM = encodeDer(TAG.sequence, encodeOid(OID.sha256), encodeDer(TAG.null));

/** TimeStampReq with SHA-256, nonce and certReq: the answer must carry the authority's certificates, because a token
 * whose signer is not at hand in ten years proves nothing. Source: RFC 3161 section 2.4.1. */
export function encodeTimestampRequest({ message, nonce, policy }: TimestampQuestion): Buffer {
  const imprint = encodeDer(
    TAG.sequence,
    SHA256_ALGORITHM,
    encodeDer(TAG.octetString, createHash('sha256').update(message).digest()),
  );
  return encodeDer(
    TAG.sequence,
    encodeDer(TAG.integer, Buffer.of(1)),
    imprint,
    ...(policy === null ? [] : [encodeOid(policy)]),
    encodeDer(TAG.integer, nonce),
    encodeDer(TAG.boolean, Buffer.of(0xff)),
  );
}
