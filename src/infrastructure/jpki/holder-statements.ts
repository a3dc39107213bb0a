import type { CertificateStatements } from '../../domain/registration/card-agreement.js';
import type { Certificate } from '../x509/certificate/certificate.js';
import { contextConstructed, DerError, DerReader, readOid, TAG } from '../x509/asn1/der.js';
import { NAME_FORM, type GeneralName } from '../x509/certificate/general-name.js';
import { OID } from '../x509/asn1/oids.js';

/** What a certificate says of its holder that a face record says too. Name and address are pictures in the record and
 *  not compared, so they are
 *  not even read. @returns `null` for what is not named; an empty text for what is named twice or in no known form,
 * which compares with nothing */
export function statementsOf({
  extensions,
  notAfter,
}: Pick<Certificate, 'extensions' | 'notAfter'>): CertificateStatements {
  const names = (extensions.subjectAltName ?? []).filter(({ form }) => form === NAME_FORM.otherName).map(readOtherName);
  const only = (oid: string): string | null => {
    const found = names.filter((name) => name?.oid === oid);
    return found.length === 0 ? null : found.length === 1 ? (found[0]?.text ?? '') : '';
  };
  return {
    birthDate: only(OID.jpkiHolderBirthDate),
    sex: only(OID.jpkiHolderSex),
    notAfterUtc: new Date(notAfter * 1000).toISOString(),
  };
}

/** `OtherName ::= SEQUENCE { type-id OBJECT IDENTIFIER, value [0] EXPLICIT ANY }`, its tag being implicit. Names of
 *  kinds that are not known are
 *  left alone: more are being added. Source: RFC 5280 section 4.2.1.6. */
function readOtherName({ value }: GeneralName): { readonly oid: string; readonly text: string } | null {
  let oid: string | null = null;
  try {
    const reader = new DerReader(value);
    oid = readOid(reader);
    const explicit = reader.enter(contextConstructed(0));
    const text = explicit.read(TAG.utf8String).toString('utf8');
    explicit.finish('otherName');
    reader.finish('otherName');
    return { oid, text };
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    // Whoever issued it has signed it like this; it is no reason to refuse, and nothing to compare.
    return oid === null ? null : { oid, text: '' };
  }
}
