import { createHash } from 'node:crypto';
import { bitString, context, contextPrimitive, der, enumerated, generalizedTime, integer, objectIdentifier, octetString, readDer, readElements, sequence, type DerElement } from './der.js';
import { hexSerial, type CertificateAuthority, type CertifiedKey, type IssuedCertificate } from './certificate-authority.js';
import { encodeExtension, publicKeyBits, reasonCode, signatureAlgorithm, signWith } from './x509-writer.js';

/** What the responder does wrong. Each is a thing that a verifier must not believe, or must treat as "nothing is known". */
export const OCSP_FAULTS = [
  'none', 'malformedRequest', 'internalError', 'tryLater', 'sigRequired', 'unauthorized', 'garbage', 'truncated', 'trailingBytes', 'oversize', 'http500', 'drop',
  'stale', 'future', 'withoutNextUpdate', 'withoutNonce', 'wrongNonce', 'wrongSerial', 'wrongIssuerHash', 'badSignature', 'foreignResponder', 'responderWithoutEku',
  'responderExpired', 'userCertificateSigns', 'signedByAuthority', 'withoutCertificates', 'statusUnknown', 'goodAndRevoked', 'unknownCriticalExtension', 'wrongResponseType',
] as const;
export type OcspFault = (typeof OCSP_FAULTS)[number];

/** One certificate that is asked about. */
export interface CertificateId {
  readonly raw: Buffer;
  readonly hash: 'sha1' | 'sha256';
  readonly nameHash: Buffer;
  readonly keyHash: Buffer;
  readonly serial: string;
}

export interface OcspQuestion {
  readonly ids: readonly CertificateId[];
  /** Content of the nonce extension's OCTET STRING as it came (an OCTET STRING again, by RFC 9654), or null. */
  readonly nonce: Buffer | null;
}

const HASHES: Readonly<Record<string, 'sha1' | 'sha256'>> = {
  [objectIdentifier('1.3.14.3.2.26').toString('hex')]: 'sha1',
  [objectIdentifier('2.16.840.1.101.3.4.2.1').toString('hex')]: 'sha256',
};
const NONCE_OID = '1.3.6.1.5.5.7.48.1.2';
const NONCE_BYTES_MAX = 128;

/** Reads an OCSPRequest. @throws {RangeError} when it is malformed. Source: RFC 6960 section 4.1.1, RFC 9654. */
export function readOcspRequest(bytes: Uint8Array): OcspQuestion {
  const [tbs] = readElements(readDer(bytes).content);
  if (tbs?.tag !== 0x30) throw new RangeError('not an OCSPRequest');
  const fields = readElements(tbs.content);
  const list = fields.find((field) => field.tag === 0x30);
  const extensions = fields.find((field) => field.tag === 0xa2);
  if (list === undefined) throw new RangeError('an OCSPRequest names at least one certificate');
  const ids = readElements(list.content).map((request) => readCertificateId(readElements(request.content)[0]));
  if (ids.length === 0 || ids.length > 16) throw new RangeError('one to sixteen certificates may be asked about');
  return { ids, nonce: extensions === undefined ? null : readNonce(extensions) };
}

function readCertificateId(element: DerElement | undefined): CertificateId {
  const [algorithm, nameHash, keyHash, serial] = readElements(element?.content ?? Buffer.alloc(0));
  if (element === undefined || algorithm === undefined || nameHash?.tag !== 0x04 || keyHash?.tag !== 0x04 || serial?.tag !== 0x02) throw new RangeError('not a CertID');
  const hash = HASHES[readElements(algorithm.content)[0]?.raw.toString('hex') ?? ''];
  if (hash === undefined) throw new RangeError('the CertID hash is SHA-1 or SHA-256');
  return { raw: element.raw, hash, nameHash: nameHash.content, keyHash: keyHash.content, serial: hexSerial(serial.content) };
}

function readNonce(extensions: DerElement): Buffer | null {
  const wanted = objectIdentifier(NONCE_OID);
  for (const extension of readElements(readDer(extensions.content).content)) {
    const parts = readElements(extension.content);
    const value = parts.at(-1);
    if (parts[0]?.raw.equals(wanted) !== true || value === undefined) continue;
    if (value.content.length > NONCE_BYTES_MAX + 3) throw new RangeError('the nonce is longer than 128 bytes');
    return value.content;
  }
  return null;
}

/** Keys that sign wrongly on purpose. */
export interface WrongResponders {
  readonly foreign: CertifiedKey;
  readonly withoutEku: CertifiedKey;
  readonly expired: CertifiedKey;
  /** An ordinary card certificate of the same authority. */
  readonly user: CertifiedKey;
}

export interface OcspSituation {
  readonly authorities: readonly CertificateAuthority[];
  readonly now: Date;
  readonly fault: OcspFault;
  /** How long an answer stays fresh; the real service refreshes every quarter of an hour. */
  readonly validityMs: number;
  wrongResponders(authority: CertificateAuthority): Promise<WrongResponders>;
}

/** Answers as RFC 6960 says, or wrongly in exactly the way of the fault. @returns DER of an OCSPResponse (or garbage). */
export async function answerOcsp(request: Uint8Array, situation: OcspSituation): Promise<Buffer> {
  const status = ERROR_STATUS[situation.fault];
  if (status !== undefined) return errorResponse(status);
  if (situation.fault === 'garbage') return Buffer.from('<html>this is not OCSP</html>');
  if (situation.fault === 'oversize') return sequence(enumerated(0), octetString(Buffer.alloc(1024 * 1024)));
  let question: OcspQuestion;
  try {
    question = readOcspRequest(request);
  } catch (error) {
    if (error instanceof RangeError) return errorResponse(ERROR_STATUS.malformedRequest);
    throw error;
  }
  const authority = situation.authorities.find((candidate) => question.ids.every((id) => candidate.isNamedBy(id.hash, id.nameHash, id.keyHash)));
  // A certificate of an authority that this responder does not speak for: RFC 6960 section 2.3.
  if (authority === undefined) return errorResponse(ERROR_STATUS.unauthorized);
  return spoil(await successfulResponse(question, authority, situation), situation.fault);
}

/** OCSPResponseStatus of RFC 6960 section 4.2.1; the other faults have none. */
const ERROR_STATUS: Readonly<Record<'malformedRequest' | 'internalError' | 'tryLater' | 'sigRequired' | 'unauthorized', number> & Partial<Record<OcspFault, number>>> = {
  malformedRequest: 1,
  internalError: 2,
  tryLater: 3,
  sigRequired: 5,
  unauthorized: 6,
};

function errorResponse(status: number): Buffer {
  return sequence(enumerated(status));
}

function spoil(response: Buffer, fault: OcspFault): Buffer {
  if (fault === 'truncated') return response.subarray(0, response.length - 20);
  if (fault === 'trailingBytes') return Buffer.concat([response, Buffer.from('0500', 'hex')]);
  return response;
}

async function successfulResponse(question: OcspQuestion, authority: CertificateAuthority, situation: OcspSituation): Promise<Buffer> {
  const { fault } = situation;
  const signer = await chooseSigner(authority, situation);
  const answers = question.ids.flatMap((id) => singleResponses(id, authority.find(id.serial), situation));
  const extensions = responseExtensions(question.nonce, fault);
  const producedAt = fault === 'stale' ? daysFrom(situation.now, -2) : situation.now;
  const tbs = sequence(
    context(2, octetString(createHash('sha1').update(publicKeyBits(signer.privateKey)).digest())),
    generalizedTime(producedAt),
    sequence(...answers),
    ...(extensions.length > 0 ? [context(1, sequence(...extensions))] : []),
  );
  const signature = signWith(signer.privateKey, tbs);
  if (fault === 'badSignature') signature[signature.length - 1] = (signature.at(-1) ?? 0) ^ 1;
  const certificates = fault === 'withoutCertificates' || fault === 'signedByAuthority' ? [] : [context(0, sequence(signer.certificate))];
  const basic = sequence(tbs, signatureAlgorithm(signer.privateKey), bitString(signature), ...certificates);
  const type = fault === 'wrongResponseType' ? '1.3.6.1.5.5.7.48.1.99' : '1.3.6.1.5.5.7.48.1.1';
  return sequence(enumerated(0), context(0, sequence(objectIdentifier(type), octetString(basic))));
}

async function chooseSigner(authority: CertificateAuthority, situation: OcspSituation): Promise<CertifiedKey> {
  switch (situation.fault) {
    case 'signedByAuthority':
      return authority.anchor;
    case 'foreignResponder':
      return (await situation.wrongResponders(authority)).foreign;
    case 'responderWithoutEku':
      return (await situation.wrongResponders(authority)).withoutEku;
    case 'responderExpired':
      return (await situation.wrongResponders(authority)).expired;
    case 'userCertificateSigns':
      return (await situation.wrongResponders(authority)).user;
    default:
      return authority.responder;
  }
}

function singleResponses(id: CertificateId, entry: IssuedCertificate | undefined, situation: OcspSituation): Buffer[] {
  const { fault } = situation;
  const status = fault === 'statusUnknown' ? unknownStatus() : certificateStatus(entry);
  const times = updateTimes(situation);
  const single = (what: Buffer): Buffer => sequence(answeredId(id, fault), what, ...times);
  return fault === 'goodAndRevoked' ? [single(goodStatus()), single(revokedStatus(situation.now, 1))] : [single(status)];
}

const goodStatus = (): Buffer => contextPrimitive(0, Buffer.alloc(0));
const unknownStatus = (): Buffer => contextPrimitive(2, Buffer.alloc(0));
const revokedStatus = (at: Date, reason: number): Buffer => context(1, generalizedTime(at), context(0, enumerated(reason)));

function certificateStatus(entry: IssuedCertificate | undefined): Buffer {
  if (entry === undefined) return unknownStatus();
  return entry.revocation === null ? goodStatus() : revokedStatus(new Date(entry.revocation.atUtc), reasonCode(entry.revocation.reason));
}

function updateTimes({ fault, now, validityMs }: OcspSituation): Buffer[] {
  const start = fault === 'stale' ? daysFrom(now, -2) : fault === 'future' ? daysFrom(now, 2) : now;
  const next = context(0, generalizedTime(new Date(start.getTime() + validityMs)));
  return [generalizedTime(start), ...(fault === 'withoutNextUpdate' ? [] : [next])];
}

function answeredId(id: CertificateId, fault: OcspFault): Buffer {
  if (fault !== 'wrongSerial' && fault !== 'wrongIssuerHash') return id.raw;
  const [algorithm, nameHash, keyHash, serial] = readElements(readDer(id.raw).content);
  if (algorithm === undefined || nameHash === undefined || keyHash === undefined || serial === undefined) throw new RangeError('not a CertID');
  const wrongHash = octetString(nameHash.content.map((byte) => byte ^ 0xff));
  return fault === 'wrongSerial'
    ? sequence(algorithm.raw, nameHash.raw, keyHash.raw, integer(Buffer.concat([Buffer.of(1), serial.content])))
    : sequence(algorithm.raw, wrongHash, keyHash.raw, serial.raw);
}

function responseExtensions(nonce: Buffer | null, fault: OcspFault): Buffer[] {
  const extensions: Buffer[] = [];
  if (nonce !== null && fault !== 'withoutNonce') {
    // The last byte is flipped, so that the wrong nonce still has the right form and length.
    const answered = fault === 'wrongNonce' ? Buffer.concat([nonce.subarray(0, -1), Buffer.of((nonce.at(-1) ?? 0) ^ 1)]) : nonce;
    extensions.push(encodeExtension({ oid: NONCE_OID, critical: false, value: answered }));
  }
  if (fault === 'unknownCriticalExtension') extensions.push(encodeExtension({ oid: '1.2.392.200149.99.1', critical: true, value: der(0x05) }));
  return extensions;
}

function daysFrom(at: Date, days: number): Date {
  return new Date(at.getTime() + days * 24 * 3600 * 1000);
}
