import { checkName } from './distinguished-name.js';
import { context, contextConstructed, DerError, DerReader, encodeDer, readNamedBits, TAG } from '../asn1/der.js';

/** The choices of GeneralName by tag number (RFC 5280 section 4.2.1.6). */
export const NAME_FORM = {
  otherName: 0,
  rfc822Name: 1,
  dnsName: 2,
  x400Address: 3,
  directoryName: 4,
  ediPartyName: 5,
  uri: 6,
  ipAddress: 7,
  registeredId: 8,
} as const;

export interface GeneralName {
  /** One of {@link NAME_FORM}. */
  readonly form: number;
  /** Content: text bytes, address bytes, or for a directoryName the DER of the Name. */
  readonly value: Buffer;
  /** The whole element, tag and length included. */
  readonly der: Buffer;
}

/** Reads GeneralName elements to the end of the reader. At least one must be there. */
export function readGeneralNames(reader: DerReader): GeneralName[] {
  const names: GeneralName[] = [];
  while (!reader.atEnd) names.push(readGeneralName(reader));
  if (names.length === 0) throw new DerError('an empty list of names');
  return names;
}

export function readGeneralName(reader: DerReader): GeneralName {
  const tag = reader.next();
  const der = reader.bytes.subarray(reader.elementStart, reader.contentEnd);
  const content = reader.bytes.subarray(reader.contentStart, reader.contentEnd);
  const form = tag & 0x1f;
  const constructed =
    form === NAME_FORM.otherName ||
    form === NAME_FORM.x400Address ||
    form === NAME_FORM.directoryName ||
    form === NAME_FORM.ediPartyName;
  if (form > NAME_FORM.registeredId || tag !== (constructed ? contextConstructed(form) : context(form)))
    throw new DerError('not a GeneralName');
  if (form === NAME_FORM.directoryName) checkName(content);
  if (form === NAME_FORM.rfc822Name || form === NAME_FORM.dnsName || form === NAME_FORM.uri) checkIa5(content);
  return { form, value: content, der };
}

/** A NUL or a byte over 7F in a host name or address is never meant honestly. */
function checkIa5(text: Buffer): void {
  for (const byte of text)
    if (byte === 0 || byte > 0x7f) throw new DerError('a name with bytes that are not printable ASCII');
}

/** Where a CRL for the certificate is found, or what a CRL covers. */
export interface DistributionPointName {
  /** Full names, or null when the name is given relative to the CRL issuer. */
  readonly fullName: readonly GeneralName[] | null;
  /** Content of the RelativeDistinguishedName (a SET's content), or null. */
  readonly relativeName: Buffer | null;
}

export interface DistributionPoint {
  readonly name: DistributionPointName | null;
  /** Bits of ReasonFlags, or null for all reasons. */
  readonly reasons: number | null;
  readonly crlIssuer: readonly GeneralName[] | null;
}

/** Content of a `DistributionPointName [0]` element. */
export function readDistributionPointName(reader: DerReader): DistributionPointName {
  const full = reader.enterOptional(contextConstructed(0));
  if (full !== null) return finished(reader, { fullName: readGeneralNames(full), relativeName: null });
  const relativeName = reader.read(contextConstructed(1));
  checkName(encodeDer(TAG.sequence, encodeDer(TAG.set, relativeName)));
  return finished(reader, { fullName: null, relativeName });
}

function finished<T>(reader: DerReader, value: T): T {
  reader.finish('distribution point name');
  return value;
}

/** `CRLDistributionPoints` and `FreshestCRL`. Source: RFC 5280 section 4.2.1.13. */
export function readDistributionPoints(value: Buffer): DistributionPoint[] {
  const outer = new DerReader(value);
  const list = outer.enter(TAG.sequence);
  outer.finish('distribution points');
  const points: DistributionPoint[] = [];
  while (!list.atEnd) points.push(readDistributionPoint(list.enter(TAG.sequence)));
  if (points.length === 0) throw new DerError('no distribution point');
  return points;
}

function readDistributionPoint(point: DerReader): DistributionPoint {
  const nameReader = point.enterOptional(contextConstructed(0));
  const name = nameReader === null ? null : readDistributionPointName(nameReader);
  const reasons = point.peek() === context(1) ? readNamedBits(point, context(1)) : null;
  const issuerReader = point.enterOptional(contextConstructed(2));
  const crlIssuer = issuerReader === null ? null : readGeneralNames(issuerReader);
  point.finish('distribution point');
  if (name === null && crlIssuer === null) throw new DerError('a distribution point without name and issuer');
  return { name, reasons, crlIssuer };
}
