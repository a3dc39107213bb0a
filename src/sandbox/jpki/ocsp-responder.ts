import { createHash } from 'node:crypto';
import * as asn1js from 'asn1js';
import * as pkijs from 'pkijs';
import {
  hexSerial,
  type CertificateAuthority,
  type CertifiedKey,
  type IssuedCertificate,
} from '../pki/certificate-authority.js';
import {
  encoded,
  extension,
  inSeconds,
  integer,
  publicKeyBits,
  reasonCode,
  signatureAlgorithm,
  signWith,
  tagged,
} from '../pki/x509-writer.js';

/** What the responder does wrong. Each is a thing that a verifier must not believe, or must treat as "nothing is
 * known". */
export const OCSP_FAULTS = [
  'none',
  'malformedRequest',
  'internalError',
  'tryLater',
  'sigRequired',
  'unauthorized',
  'garbage',
  'truncated',
  'trailingBytes',
  'oversize',
  'http500',
  'drop',
  'stale',
  'future',
  'withoutNextUpdate',
  'withoutNonce',
  'wrongNonce',
  'wrongSerial',
  'wrongIssuerHash',
  'badSignature',
  'foreignResponder',
  'responderWithoutEku',
  'responderExpired',
  'userCertificateSigns',
  'signedByAuthority',
  'withoutCertificates',
  'statusUnknown',
  'goodAndRevoked',
  'unknownCriticalExtension',
  'wrongResponseType',
] as const;
export type OcspFault = (typeof OCSP_FAULTS)[number];

/** One certificate that is asked about. */
export interface CertificateId {
  readonly id: pkijs.CertID;
  readonly hash: 'sha1' | 'sha256';
  readonly nameHash: Uint8Array;
  readonly keyHash: Uint8Array;
  readonly serial: string;
}

export interface OcspQuestion {
  readonly ids: readonly CertificateId[];
  /** Content of the nonce extension's OCTET STRING as it came (an OCTET STRING again, by RFC 9654), or null. */
  readonly nonce: Uint8Array | null;
}

const HASHES: Readonly<Record<string, 'sha1' | 'sha256'>> = {
  '1.3.14.3.2.26': 'sha1',
  '2.16.840.1.101.3.4.2.1': 'sha256',
};
const NONCE_OID = '1.3.6.1.5.5.7.48.1.2';
const NONCE_BYTES_MAX = 128;

/** Reads an OCSPRequest. @throws {RangeError} when it is malformed. Source: RFC 6960 section 4.1.1, RFC 9654. */
export function readOcspRequest(bytes: Uint8Array): OcspQuestion {
  const { tbsRequest } = readWhole(bytes, (schema) => new pkijs.OCSPRequest({ schema }));
  const ids = tbsRequest.requestList.map(({ reqCert }) => readCertificateId(reqCert));
  if (ids.length === 0 || ids.length > 16) throw new RangeError('one to sixteen certificates may be asked about');
  const nonce =
    tbsRequest.requestExtensions?.find(({ extnID }) => extnID === NONCE_OID)?.extnValue.valueBlock.valueHexView ?? null;
  if (nonce !== null && nonce.length > NONCE_BYTES_MAX + 3) throw new RangeError('the nonce is longer than 128 bytes');
  return { ids, nonce };
}

/** Reads one structure that fills the input. pkijs reads BER, and does not mind what comes after.
 *  @throws {RangeError} for anything else: pkijs throws errors of many kinds, each of which says that this is no such
 *  structure */
export function readWhole<T>(bytes: Uint8Array, read: (schema: asn1js.AsnType) => T): T {
  try {
    const { result, offset } = asn1js.fromBER(bytes);
    if (offset === bytes.length) return read(result);
  } catch (error) {
    throw new RangeError(`malformed: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
  throw new RangeError('malformed: bytes are missing, or left over');
}

function readCertificateId(id: pkijs.CertID): CertificateId {
  const hash = HASHES[id.hashAlgorithm.algorithmId];
  if (hash === undefined) throw new RangeError('the CertID hash is SHA-1 or SHA-256');
  const [nameHash, keyHash] = [id.issuerNameHash.valueBlock.valueHexView, id.issuerKeyHash.valueBlock.valueHexView];
  return { id, hash, nameHash, keyHash, serial: hexSerial(id.serialNumber.valueBlock.valueHexView) };
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

/** Answers as RFC 6960 says, or wrongly in exactly the way of the fault. @returns DER of an OCSPResponse (or
 * garbage). */
export async function answerOcsp(request: Uint8Array, situation: OcspSituation): Promise<Buffer> {
  const status = ERROR_STATUS[situation.fault];
  if (status !== undefined) return answer(status);
  if (situation.fault === 'garbage') return Buffer.from('<html>this is not OCSP</html>');
  if (situation.fault === 'oversize') return answer(0, { type: BASIC, bytes: Buffer.alloc(1024 * 1024) });
  let question: OcspQuestion;
  try {
    question = readOcspRequest(request);
  } catch (error) {
    if (error instanceof RangeError) return answer(ERROR_STATUS.malformedRequest);
    throw error;
  }
  const authority = situation.authorities.find((candidate) =>
    question.ids.every((id) => candidate.isNamedBy(id.hash, id.nameHash, id.keyHash)),
  );
  // A certificate of an authority that this responder does not speak for: RFC 6960 section 2.3.
  if (authority === undefined) return answer(ERROR_STATUS.unauthorized);
  return spoil(await successfulResponse(question, authority, situation), situation.fault);
}

/** OCSPResponseStatus of RFC 6960 section 4.2.1; the other faults have none. */
const ERROR_STATUS: Readonly<
  Record<'malformedRequest' | 'internalError' | 'tryLater' | 'sigRequired' | 'unauthorized', number> &
    Partial<Record<OcspFault, number>>
> = { malformedRequest: 1, internalError: 2, tryLater: 3, sigRequired: 5, unauthorized: 6 };
const BASIC = '1.3.6.1.5.5.7.48.1.1';

function answer(status: number, response?: { readonly type: string; readonly bytes: Uint8Array }): Buffer {
  const responseBytes =
    response &&
    new pkijs.ResponseBytes({
      responseType: response.type,
      response: new asn1js.OctetString({ valueHex: response.bytes }),
    });
  return encoded(
    new pkijs.OCSPResponse({
      responseStatus: new asn1js.Enumerated({ value: status }),
      ...(responseBytes && { responseBytes }),
    }),
  );
}

function spoil(response: Buffer, fault: OcspFault): Buffer {
  if (fault === 'truncated') return response.subarray(0, response.length - 20);
  if (fault === 'trailingBytes') return Buffer.concat([response, Buffer.from('0500', 'hex')]);
  return response;
}

async function successfulResponse(
  question: OcspQuestion,
  authority: CertificateAuthority,
  situation: OcspSituation,
): Promise<Buffer> {
  const { fault } = situation;
  const signer = await chooseSigner(authority, situation);
  const extensions = responseExtensions(question.nonce, fault);
  const data = new pkijs.ResponseData({
    responderID: new asn1js.OctetString({
      valueHex: createHash('sha1').update(publicKeyBits(signer.privateKey)).digest(),
    }),
    producedAt: inSeconds(fault === 'stale' ? daysFrom(situation.now, -2) : situation.now),
    responses: question.ids.flatMap((id) => singleResponses(id, authority.find(id.serial), situation)),
    ...(extensions.length > 0 && { responseExtensions: extensions }),
  });
  const tbs = encoded(data.toSchema(true));
  // pkijs writes what it has read, or here: what was signed.
  data.tbsView = tbs;
  const signature = signWith(signer.privateKey, tbs);
  if (fault === 'badSignature') signature[signature.length - 1] = (signature.at(-1) ?? 0) ^ 1;
  const isBare = fault === 'withoutCertificates' || fault === 'signedByAuthority';
  const basic = new pkijs.BasicOCSPResponse({
    tbsResponseData: data,
    signatureAlgorithm: signatureAlgorithm(signer.privateKey),
    signature: new asn1js.BitString({ valueHex: signature }),
    ...(!isBare && { certs: [pkijs.Certificate.fromBER(signer.certificate)] }),
  });
  return answer(0, { type: fault === 'wrongResponseType' ? '1.3.6.1.5.5.7.48.1.99' : BASIC, bytes: encoded(basic) });
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

function singleResponses(
  asked: CertificateId,
  entry: IssuedCertificate | undefined,
  situation: OcspSituation,
): pkijs.SingleResponse[] {
  const { fault, now, validityMs } = situation;
  const start = fault === 'stale' ? daysFrom(now, -2) : fault === 'future' ? daysFrom(now, 2) : now;
  const times = {
    thisUpdate: inSeconds(start),
    ...(fault !== 'withoutNextUpdate' && { nextUpdate: inSeconds(new Date(start.getTime() + validityMs)) }),
  };
  const single = (certStatus: asn1js.AsnType) =>
    new pkijs.SingleResponse({ certID: answeredId(asked, fault), certStatus, ...times });
  if (fault === 'goodAndRevoked') return [single(bare(GOOD)), single(revoked(now, 1))];
  return [single(fault === 'statusUnknown' ? bare(UNKNOWN) : certificateStatus(entry))];
}

/** CertStatus of RFC 6960 section 4.2.1: `[0]` and `[2]` with nothing in them. */
const GOOD = 0;
const UNKNOWN = 2;
const bare = (status: number) => new asn1js.Primitive({ idBlock: { tagClass: 3, tagNumber: status } });
const revoked = (at: Date, reason: number) =>
  tagged(
    1,
    new asn1js.GeneralizedTime({ valueDate: inSeconds(at) }),
    tagged(0, new asn1js.Enumerated({ value: reason })),
  );

function certificateStatus(entry: IssuedCertificate | undefined): asn1js.AsnType {
  if (entry === undefined) return bare(UNKNOWN);
  return entry.revocation === null
    ? bare(GOOD)
    : revoked(new Date(entry.revocation.atUtc), reasonCode(entry.revocation.reason));
}

function answeredId({ id, nameHash }: CertificateId, fault: OcspFault): pkijs.CertID {
  if (fault !== 'wrongSerial' && fault !== 'wrongIssuerHash') return id;
  const { hashAlgorithm, issuerNameHash, issuerKeyHash, serialNumber } = id;
  return new pkijs.CertID({
    hashAlgorithm,
    issuerNameHash:
      fault === 'wrongIssuerHash'
        ? new asn1js.OctetString({ valueHex: nameHash.map((byte) => byte ^ 0xff) })
        : issuerNameHash,
    issuerKeyHash,
    serialNumber:
      fault === 'wrongSerial'
        ? integer(Buffer.concat([Buffer.of(1), serialNumber.valueBlock.valueHexView]))
        : serialNumber,
  });
}

function responseExtensions(nonce: Uint8Array | null, fault: OcspFault): pkijs.Extension[] {
  const extensions: pkijs.Extension[] = [];
  if (nonce !== null && fault !== 'withoutNonce') {
    // The last byte is flipped, so that the wrong nonce still has the right form and length.
    const answered =
      fault === 'wrongNonce' ? Buffer.concat([nonce.subarray(0, -1), Buffer.of((nonce.at(-1) ?? 0) ^ 1)]) : nonce;
    extensions.push(extension(NONCE_OID, answered));
  }
  if (fault === 'unknownCriticalExtension') extensions.push(extension('1.2.392.200149.99.1', new asn1js.Null(), true));
  return extensions;
}

function daysFrom(at: Date, days: number): Date {
  return new Date(at.getTime() + days * 24 * 3600 * 1000);
}
