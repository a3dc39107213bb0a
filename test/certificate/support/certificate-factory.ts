import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { contextConstructed, context, encodeDer, encodeOid, TAG } from '../../../src/infrastructure/x509/asn1/der.js';
import { KEY_USAGE, OID } from '../../../src/infrastructure/x509/asn1/oids.js';

/** Writes certificates, CRLs and OCSP answers with anything wrong in them that a test wants. Independent of the parser
 * except for TLV encoding. */

export interface KeyPair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

export function rsaKey(bits = 2048): KeyPair {
  return generateKeyPairSync('rsa', { modulusLength: bits });
}

export function ecKey(curve = 'P-384'): KeyPair {
  return generateKeyPairSync('ec', { namedCurve: curve });
}

export function spkiOf(key: KeyPair): Buffer {
  return key.publicKey.export({ format: 'der', type: 'spki' });
}

/** Key identifier as everybody computes it: SHA-1 of the key bits. */
export function keyIdOf(key: KeyPair): Buffer {
  const spki = spkiOf(key);
  const bits =
    key.publicKey.asymmetricKeyType === 'rsa' ? spki.subarray(24) : spki.subarray(spki.length - ecPointLength(key));
  return createHash('sha1').update(bits).digest();
}

function ecPointLength(key: KeyPair): number {
  const curve = key.publicKey.asymmetricKeyDetails?.namedCurve;
  return curve === 'prime256v1' ? 65 : curve === 'secp384r1' ? 97 : 133;
}

export type NameParts = readonly (readonly [string, string])[];

const ATTRIBUTES: Readonly<Record<string, string>> = {
  C: '2.5.4.6',
  O: '2.5.4.10',
  OU: '2.5.4.11',
  CN: '2.5.4.3',
  L: '2.5.4.7',
};

/** A Name; country as PrintableString, the rest as UTF8String. */
export function name(...parts: NameParts): Buffer {
  return encodeDer(
    TAG.sequence,
    ...parts.map(([type, value]) =>
      encodeDer(
        TAG.set,
        encodeDer(
          TAG.sequence,
          encodeOid(ATTRIBUTES[type] ?? type),
          encodeDer(type === 'C' ? TAG.printableString : TAG.utf8String, Buffer.from(value)),
        ),
      ),
    ),
  );
}

export interface ExtensionSpec {
  readonly oid: string;
  readonly critical?: boolean;
  readonly value: Buffer;
}

export function extension({ oid, critical, value }: ExtensionSpec): Buffer {
  return encodeDer(
    TAG.sequence,
    encodeOid(oid),
    ...(critical === true ? [encodeDer(TAG.boolean, Buffer.of(0xff))] : []),
    encodeDer(TAG.octetString, value),
  );
}

export const ext = {
  basicConstraints: (ca: boolean, pathLength?: number, critical = true): ExtensionSpec => ({
    oid: OID.basicConstraints,
    critical,
    value: encodeDer(
      TAG.sequence,
      ...(ca ? [encodeDer(TAG.boolean, Buffer.of(0xff))] : []),
      ...(pathLength === undefined ? [] : [integer(pathLength)]),
    ),
  }),
  keyUsage: (bits: number, critical = true): ExtensionSpec => ({ oid: OID.keyUsage, critical, value: namedBits(bits) }),
  extendedKeyUsage: (...oids: string[]): ExtensionSpec => ({
    oid: OID.extendedKeyUsage,
    value: encodeDer(TAG.sequence, ...oids.map(encodeOid)),
  }),
  policies: (oids: readonly string[], critical = false): ExtensionSpec => ({
    oid: OID.certificatePolicies,
    critical,
    value: encodeDer(TAG.sequence, ...oids.map((o) => encodeDer(TAG.sequence, encodeOid(o)))),
  }),
  subjectKeyId: (key: KeyPair): ExtensionSpec => ({
    oid: OID.subjectKeyIdentifier,
    value: encodeDer(TAG.octetString, keyIdOf(key)),
  }),
  authorityKeyId: (key: KeyPair): ExtensionSpec => ({
    oid: OID.authorityKeyIdentifier,
    value: encodeDer(TAG.sequence, encodeDer(context(0), keyIdOf(key))),
  }),
  nameConstraints: (permitted: readonly Buffer[], excluded: readonly Buffer[] = []): ExtensionSpec => ({
    oid: OID.nameConstraints,
    critical: true,
    value: encodeDer(
      TAG.sequence,
      ...(permitted.length > 0
        ? [encodeDer(contextConstructed(0), ...permitted.map((b) => encodeDer(TAG.sequence, b)))]
        : []),
      ...(excluded.length > 0
        ? [encodeDer(contextConstructed(1), ...excluded.map((b) => encodeDer(TAG.sequence, b)))]
        : []),
    ),
  }),
  dnsNames: (...names: string[]): ExtensionSpec => ({
    oid: OID.subjectAltName,
    value: encodeDer(TAG.sequence, ...names.map(dnsName)),
  }),
  ocspNoCheck: (): ExtensionSpec => ({ oid: OID.ocspNoCheck, value: encodeDer(TAG.null) }),
  unknown: (critical: boolean): ExtensionSpec => ({ oid: '1.3.6.1.4.1.99999.1', critical, value: encodeDer(TAG.null) }),
};

export function dnsName(text: string): Buffer {
  return encodeDer(context(2), Buffer.from(text));
}

export function integer(value: number | bigint | Buffer): Buffer {
  if (Buffer.isBuffer(value)) return encodeDer(TAG.integer, value);
  let hex = BigInt(value).toString(16);
  if (hex.length % 2 === 1) hex = `0${hex}`;
  const bytes = Buffer.from(hex, 'hex');
  return encodeDer(TAG.integer, bytes[0]! >= 0x80 ? Buffer.concat([Buffer.of(0), bytes]) : bytes);
}

function namedBits(bits: number): Buffer {
  const bytes = [0, 0];
  for (let i = 0; i < 16; i++) if ((bits & (1 << i)) !== 0) bytes[i >> 3]! |= 0x80 >> (i & 7);
  while (bytes.length > 1 && bytes.at(-1) === 0) bytes.pop();
  const last = bytes.at(-1)!;
  const unused = last === 0 ? 7 : 31 - Math.clz32(last & -last);
  return encodeDer(TAG.bitString, Buffer.of(unused, ...bytes));
}

/** UTCTime before 2050, GeneralizedTime from then on. @param seconds since 1970 */
export function time(seconds: number): Buffer {
  const text = new Date(seconds * 1000).toISOString().replace(/[-:T]|\.\d+/g, '');
  return Number(text.slice(0, 4)) < 2050 && Number(text.slice(0, 4)) >= 1950
    ? encodeDer(TAG.utcTime, Buffer.from(text.slice(2)))
    : encodeDer(TAG.generalizedTime, Buffer.from(text));
}

export function generalizedTime(seconds: number): Buffer {
  return encodeDer(
    TAG.generalizedTime,
    Buffer.from(new Date(seconds * 1000).toISOString().replace(/[-:T]|\.\d+/g, '')),
  );
}

export const ALGORITHM = {
  'rsa-sha1': Buffer.from('300d06092a864886f70d0101050500', 'hex'),
  'rsa-sha256': Buffer.from('300d06092a864886f70d01010b0500', 'hex'),
  'ecdsa-sha256': Buffer.from('300a06082a8648ce3d040302', 'hex'),
  'ecdsa-sha384': Buffer.from('300a06082a8648ce3d040303', 'hex'),
} as const;
export type AlgorithmName = keyof typeof ALGORITHM;

export function algorithmFor(key: KeyPair): AlgorithmName {
  return key.publicKey.asymmetricKeyType === 'rsa' ? 'rsa-sha256' : 'ecdsa-sha384';
}

/** SEQUENCE { tbs, algorithm, signature }. */
export function signed(
  tbs: Buffer,
  signer: KeyPair,
  algorithm: AlgorithmName = algorithmFor(signer),
  outerAlgorithm: AlgorithmName = algorithm,
): Buffer {
  const signature = sign(algorithm.split('-')[1]!, tbs, signer.privateKey);
  return encodeDer(TAG.sequence, tbs, ALGORITHM[outerAlgorithm], encodeDer(TAG.bitString, Buffer.of(0), signature));
}

export interface CertificateSpec {
  readonly subject: Buffer;
  readonly issuer: Buffer;
  readonly key: KeyPair;
  readonly signer: KeyPair;
  readonly serial: number | bigint | Buffer;
  /** Seconds since 1970. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly extensions: readonly ExtensionSpec[];
  readonly algorithm?: AlgorithmName;
  /** Written inside the signed part instead of the algorithm that signs. */
  readonly innerAlgorithm?: AlgorithmName;
  readonly version?: 1 | 3;
}

export function makeCertificate(spec: CertificateSpec): Buffer {
  const algorithm = spec.algorithm ?? algorithmFor(spec.signer);
  const tbs = encodeDer(
    TAG.sequence,
    ...(spec.version === 1 ? [] : [encodeDer(contextConstructed(0), integer(2))]),
    integer(spec.serial),
    ALGORITHM[spec.innerAlgorithm ?? algorithm],
    spec.issuer,
    encodeDer(TAG.sequence, time(spec.notBefore), time(spec.notAfter)),
    spec.subject,
    spkiOf(spec.key),
    ...(spec.extensions.length === 0
      ? []
      : [encodeDer(contextConstructed(3), encodeDer(TAG.sequence, ...spec.extensions.map(extension)))]),
  );
  return signed(tbs, spec.signer, algorithm);
}

/** A fixed instant for tests that need no real clock: 2026-06-01T00:00:00Z. */
export const NOW = Date.UTC(2026, 5, 1) / 1000;
export const DAY = 86_400;

export interface Authority {
  readonly key: KeyPair;
  readonly name: Buffer;
  readonly certificate: Buffer;
}

/** A self-signed root shaped as the certification service's: one level, key identifiers, no policies. */
export function makeAuthority(
  key: KeyPair,
  options: {
    subject?: Buffer;
    serial?: number;
    notBefore?: number;
    notAfter?: number;
    extensions?: readonly ExtensionSpec[];
  } = {},
): Authority {
  const subject = options.subject ?? name(['C', 'JP'], ['O', 'Stand-in'], ['OU', 'user authentication']);
  const extensions = options.extensions ?? [
    ext.basicConstraints(true),
    ext.keyUsage(KEY_USAGE.keyCertSign | KEY_USAGE.crlSign),
    ext.subjectKeyId(key),
  ];
  return {
    key,
    name: subject,
    certificate: makeCertificate({
      subject,
      issuer: subject,
      key,
      signer: key,
      serial: options.serial ?? 1,
      notBefore: options.notBefore ?? NOW - 1000 * DAY,
      notAfter: options.notAfter ?? NOW + 1000 * DAY,
      extensions,
    }),
  };
}

/** Extensions of a card certificate of one type. */
export function cardExtensions(authority: Authority, key: KeyPair, type: 'auth' | 'sign' = 'auth'): ExtensionSpec[] {
  const usage = type === 'auth' ? KEY_USAGE.digitalSignature : KEY_USAGE.digitalSignature | KEY_USAGE.nonRepudiation;
  return [
    ext.keyUsage(usage),
    ext.policies([type === 'auth' ? OID.jpkiAuthenticationPolicy : OID.jpkiSignaturePolicy], true),
    ext.authorityKeyId(authority.key),
    ext.subjectKeyId(key),
  ];
}

/** A card certificate; anything can be replaced. */
export function makeCardCertificate(
  authority: Authority,
  key: KeyPair,
  changes: Partial<CertificateSpec> = {},
  type: 'auth' | 'sign' = 'auth',
): Buffer {
  return makeCertificate({
    subject: name(['C', 'JP'], ['CN', '997794E9AGCIEG13221003A']),
    issuer: authority.name,
    key,
    signer: authority.key,
    serial: 0x1234,
    notBefore: NOW - 100 * DAY,
    notAfter: NOW + 100 * DAY,
    extensions: cardExtensions(authority, key, type),
    ...changes,
  });
}

export interface OcspAnswerSpec {
  readonly issuer: Authority;
  readonly serial: number | bigint;
  /** Whose name goes into ResponderID, and who signs. Default: the authority. */
  readonly responder?: { readonly name: Buffer; readonly key: KeyPair };
  readonly byKey?: boolean;
  readonly certificates?: readonly Buffer[];
  readonly status?: 'good' | 'unknown' | { readonly revokedAt: number; readonly reason?: number };
  readonly thisUpdate: number;
  readonly nextUpdate?: number;
  readonly producedAt?: number;
  readonly nonce?: Uint8Array;
  readonly hash?: 'sha1' | 'sha256';
  /** Takes the place of one field of CertID. */
  readonly certId?: { readonly nameHash?: Buffer; readonly keyHash?: Buffer; readonly hashOid?: string };
  readonly responseExtensions?: readonly ExtensionSpec[];
  readonly singleExtensions?: readonly ExtensionSpec[];
  /** Whole further SingleResponse elements. */
  readonly more?: readonly Buffer[];
  readonly typeOid?: string;
}

export function makeSingleResponse(spec: OcspAnswerSpec): Buffer {
  const hash = spec.hash ?? 'sha1';
  const digest = (bytes: Buffer): Buffer => createHash(hash).update(bytes).digest();
  const keyBits = spkiOf(spec.issuer.key);
  const bits =
    spec.issuer.key.publicKey.asymmetricKeyType === 'rsa'
      ? keyBits.subarray(24)
      : keyBits.subarray(keyBits.length - ecPointLength(spec.issuer.key));
  const certId = encodeDer(
    TAG.sequence,
    encodeDer(TAG.sequence, encodeOid(spec.certId?.hashOid ?? OID[hash]), encodeDer(TAG.null)),
    encodeDer(TAG.octetString, spec.certId?.nameHash ?? digest(spec.issuer.name)),
    encodeDer(TAG.octetString, spec.certId?.keyHash ?? digest(bits)),
    integer(spec.serial),
  );
  const status = spec.status ?? 'good';
  const statusElement =
    status === 'good'
      ? encodeDer(context(0))
      : status === 'unknown'
        ? encodeDer(context(2))
        : encodeDer(
            contextConstructed(1),
            generalizedTime(status.revokedAt),
            ...(status.reason === undefined
              ? []
              : [encodeDer(contextConstructed(0), encodeDer(TAG.enumerated, Buffer.of(status.reason)))]),
          );
  return encodeDer(
    TAG.sequence,
    certId,
    statusElement,
    generalizedTime(spec.thisUpdate),
    ...(spec.nextUpdate === undefined ? [] : [encodeDer(contextConstructed(0), generalizedTime(spec.nextUpdate))]),
    ...(spec.singleExtensions === undefined
      ? []
      : [encodeDer(contextConstructed(1), encodeDer(TAG.sequence, ...spec.singleExtensions.map(extension)))]),
  );
}

export function makeOcspResponse(spec: OcspAnswerSpec): Buffer {
  const responder = spec.responder ?? { name: spec.issuer.name, key: spec.issuer.key };
  const extensions = [
    ...(spec.nonce === undefined ? [] : [{ oid: OID.ocspNonce, value: encodeDer(TAG.octetString, spec.nonce) }]),
    ...(spec.responseExtensions ?? []),
  ];
  const tbs = encodeDer(
    TAG.sequence,
    spec.byKey === true
      ? encodeDer(contextConstructed(2), encodeDer(TAG.octetString, keyIdOf(responder.key)))
      : encodeDer(contextConstructed(1), responder.name),
    generalizedTime(spec.producedAt ?? spec.thisUpdate),
    encodeDer(TAG.sequence, makeSingleResponse(spec), ...(spec.more ?? [])),
    ...(extensions.length === 0
      ? []
      : [encodeDer(contextConstructed(1), encodeDer(TAG.sequence, ...extensions.map(extension)))]),
  );
  const algorithm = algorithmFor(responder.key);
  const signature = sign(algorithm.split('-')[1]!, tbs, responder.key.privateKey);
  const certificates =
    spec.certificates === undefined
      ? []
      : [encodeDer(contextConstructed(0), encodeDer(TAG.sequence, ...spec.certificates))];
  const basic = encodeDer(
    TAG.sequence,
    tbs,
    ALGORITHM[algorithm],
    encodeDer(TAG.bitString, Buffer.of(0), signature),
    ...certificates,
  );
  return ocspEnvelope(basic, spec.typeOid);
}

export function ocspEnvelope(basic: Buffer, typeOid: string = OID.ocspBasic): Buffer {
  return encodeDer(
    TAG.sequence,
    encodeDer(TAG.enumerated, Buffer.of(0)),
    encodeDer(contextConstructed(0), encodeDer(TAG.sequence, encodeOid(typeOid), encodeDer(TAG.octetString, basic))),
  );
}

export function ocspError(status: number): Buffer {
  return encodeDer(TAG.sequence, encodeDer(TAG.enumerated, Buffer.of(status)));
}

export function pem(der: Uint8Array, label = 'CERTIFICATE'): string {
  return `-----BEGIN ${label}-----\n${Buffer.from(der)
    .toString('base64')
    .replace(/(.{64})(?=.)/g, '$1\n')}\n-----END ${label}-----\n`;
}

export interface CrlEntrySpec {
  readonly serial: number | bigint | Buffer;
  readonly revokedAt: number;
  readonly extensions?: readonly ExtensionSpec[];
}

export interface CrlSpec {
  readonly issuer: { readonly name: Buffer; readonly key: KeyPair };
  readonly signer?: KeyPair;
  readonly thisUpdate: number;
  /** Absent: a day after thisUpdate. Null: left out. */
  readonly nextUpdate?: number | null;
  readonly number?: number | bigint | null;
  readonly entries?: readonly CrlEntrySpec[];
  /** Besides the authority key identifier and the CRL number. */
  readonly extensions?: readonly ExtensionSpec[];
  readonly version?: 1 | 2;
  readonly algorithm?: AlgorithmName;
  readonly innerAlgorithm?: AlgorithmName;
  readonly authorityKey?: KeyPair | null;
}

export const crlExt = {
  number: (value: number | bigint, critical = false): ExtensionSpec => ({
    oid: OID.crlNumber,
    critical,
    value: integer(value),
  }),
  delta: (base: number): ExtensionSpec => ({ oid: OID.deltaCrlIndicator, critical: true, value: integer(base) }),
  reason: (code: number): ExtensionSpec => ({ oid: OID.reasonCode, value: encodeDer(TAG.enumerated, Buffer.of(code)) }),
  certificateIssuer: (issuer: Buffer): ExtensionSpec => ({
    oid: OID.certificateIssuer,
    critical: true,
    value: encodeDer(TAG.sequence, encodeDer(contextConstructed(4), issuer)),
  }),
  issuingDistributionPoint: (scope: {
    uri?: string;
    user?: boolean;
    authority?: boolean;
    attribute?: boolean;
    reasons?: number;
    indirect?: boolean;
  }): ExtensionSpec => {
    const yes = (n: number, on: boolean | undefined): Buffer[] =>
      on === true ? [encodeDer(context(n), Buffer.of(0xff))] : [];
    return {
      oid: OID.issuingDistributionPoint,
      critical: true,
      value: encodeDer(
        TAG.sequence,
        ...(scope.uri === undefined
          ? []
          : [encodeDer(contextConstructed(0), encodeDer(contextConstructed(0), uriName(scope.uri)))]),
        ...yes(1, scope.user),
        ...yes(2, scope.authority),
        ...(scope.reasons === undefined ? [] : [encodeDer(context(3), namedBits(scope.reasons).subarray(2))]),
        ...yes(4, scope.indirect),
        ...yes(5, scope.attribute),
      ),
    };
  },
  distributionPoint: (uri: string, options: { reasons?: number; issuer?: Buffer } = {}): ExtensionSpec => ({
    oid: OID.crlDistributionPoints,
    value: encodeDer(
      TAG.sequence,
      encodeDer(
        TAG.sequence,
        encodeDer(contextConstructed(0), encodeDer(contextConstructed(0), uriName(uri))),
        ...(options.reasons === undefined ? [] : [encodeDer(context(1), namedBits(options.reasons).subarray(2))]),
        ...(options.issuer === undefined
          ? []
          : [encodeDer(contextConstructed(2), encodeDer(contextConstructed(4), options.issuer))]),
      ),
    ),
  }),
};

function uriName(uri: string): Buffer {
  return encodeDer(context(6), Buffer.from(uri));
}

export function crlEntry({ serial, revokedAt, extensions = [] }: CrlEntrySpec): Buffer {
  return encodeDer(
    TAG.sequence,
    integer(serial),
    time(revokedAt),
    ...(extensions.length === 0 ? [] : [encodeDer(TAG.sequence, ...extensions.map(extension))]),
  );
}

export function makeCrl(spec: CrlSpec): Buffer {
  const signer = spec.signer ?? spec.issuer.key;
  const algorithm = spec.algorithm ?? algorithmFor(signer);
  const entries = spec.entries ?? [];
  const authorityKey = spec.authorityKey === undefined ? spec.issuer.key : spec.authorityKey;
  const extensions = [
    ...(authorityKey === null ? [] : [ext.authorityKeyId(authorityKey)]),
    ...(spec.number === null ? [] : [crlExt.number(spec.number ?? 1)]),
    ...(spec.extensions ?? []),
  ];
  const tbs = encodeDer(
    TAG.sequence,
    ...(spec.version === 1 ? [] : [integer(1)]),
    ALGORITHM[spec.innerAlgorithm ?? algorithm],
    spec.issuer.name,
    time(spec.thisUpdate),
    ...(spec.nextUpdate === null ? [] : [time(spec.nextUpdate ?? spec.thisUpdate + DAY)]),
    ...(entries.length === 0 ? [] : [encodeDer(TAG.sequence, Buffer.concat(entries.map(crlEntry)))]),
    ...(extensions.length === 0
      ? []
      : [encodeDer(contextConstructed(0), encodeDer(TAG.sequence, ...extensions.map(extension)))]),
  );
  return signed(tbs, signer, algorithm);
}

/** A CRL with many entries as they come from a real authority: serial numbers of 9 bytes, most with a reason. */
export function makeLargeCrl(
  issuer: { name: Buffer; key: KeyPair },
  count: number,
  times: { thisUpdate: number; nextUpdate?: number; number?: number },
): Buffer {
  const entries: CrlEntrySpec[] = [];
  for (let i = 0; i < count; i++)
    entries.push({
      serial: 0x1000_0000_0000_0000n + BigInt(i) * 7919n,
      revokedAt: times.thisUpdate - i,
      ...(i % 4 !== 0 && { extensions: [crlExt.reason(i % 3 === 0 ? 4 : 3)] }),
    });
  return makeCrl({ issuer, ...times, entries });
}
