import { isIP } from 'node:net';
import type { Certificate, Subtree } from '../certificate/certificate.js';
import { contextConstructed, DerError, DerReader, readOid, TAG } from '../asn1/der.js';
import { attributeValues, nameWithin } from '../certificate/distinguished-name.js';
import { NAME_FORM, type GeneralName } from '../certificate/general-name.js';
import { OID } from '../asn1/oids.js';

/** What is wrong with names and constraints, or null. */
export type NameProblem = {
  readonly reason: 'name_constraints' | 'malformed' | 'limit_exceeded';
  readonly detail: string;
} | null;

/** Comparing many names with many constraints is quadratic; honest certificates need a few dozen comparisons. */
const COMPARISONS_MAX = 20_000;

const EMPTY_NAME = Buffer.from('3000', 'hex');

/** Name constraints gathered along a path, anchor first. Each certificate's permitted subtrees narrow those above it.
 *  Source: RFC 5280 sections 4.2.1.10 and 6.1.3 (b), (c), 6.1.4 (g). */
export class NameConstraintState {
  private readonly permitted: (readonly Subtree[])[] = [];
  private readonly excluded: Subtree[] = [];
  private comparisons = 0;

  /** Takes over the constraints of an issuing certificate. @returns a problem when one of them cannot be understood: a
   * constraint is never skipped */
  add(certificate: Certificate): NameProblem {
    const constraints = certificate.extensions.nameConstraints;
    if (constraints === null) return null;
    for (const { base } of [...constraints.permitted, ...constraints.excluded]) {
      if (!wellFormedConstraint(base))
        return { reason: 'name_constraints', detail: 'a name constraint that is not written as RFC 5280 asks' };
    }
    if (constraints.permitted.length > 0) this.permitted.push(constraints.permitted);
    this.excluded.push(...constraints.excluded);
    return null;
  }

  /** Whether all names of a certificate are permitted and none is excluded. */
  check(certificate: Certificate, isLeaf: boolean): NameProblem {
    if (this.permitted.length === 0 && this.excluded.length === 0) return null;
    for (const name of this.namesOf(certificate, isLeaf)) {
      const problem = this.checkOne(name);
      if (problem !== null) return problem;
    }
    return null;
  }

  /** Every name that somebody may take the certificate's holder by, also where it stands outside of its own form. */
  private namesOf(certificate: Certificate, isLeaf: boolean): GeneralName[] {
    const all = [...this.permitted.flat(), ...this.excluded];
    const constrained = new Set(all.map(({ base }) => base.form));
    return namesOf(certificate, isLeaf, constrained);
  }

  private checkOne(name: GeneralName): NameProblem {
    for (const group of this.permitted) {
      const ofForm = group.filter((s) => s.base.form === name.form);
      if (ofForm.length > 0 && !this.anyMatches(name, ofForm, 'permitted')) return this.refused(name);
    }
    const excluded = this.excluded.filter((s) => s.base.form === name.form);
    return this.anyMatches(name, excluded, 'excluded') ? this.refused(name) : null;
  }

  private refused(name: GeneralName): NameProblem {
    return this.comparisons > COMPARISONS_MAX
      ? { reason: 'limit_exceeded', detail: 'too many names and name constraints' }
      : { reason: 'name_constraints', detail: `a name of form ${name.form} lies outside what an issuer may certify` };
  }

  private anyMatches(name: GeneralName, subtrees: readonly Subtree[], list: 'permitted' | 'excluded'): boolean {
    return subtrees.some((subtree) => {
      this.comparisons += 1;
      // Past the limit everything fails: not permitted, or excluded.
      if (this.comparisons > COMPARISONS_MAX) return list === 'excluded';
      return matches(name, subtree.base, list);
    });
  }
}

function namesOf(certificate: Certificate, isLeaf: boolean, constrained: ReadonlySet<number>): GeneralName[] {
  const names: GeneralName[] = [...(certificate.extensions.subjectAltName ?? [])];
  if (!certificate.subject.equals(EMPTY_NAME)) names.push(synthetic(NAME_FORM.directoryName, certificate.subject));
  for (const address of attributeValues(certificate.subject, OID.emailAddress))
    names.push(synthetic(NAME_FORM.rfc822Name, Buffer.from(address)));
  for (const name of certificate.extensions.subjectAltName ?? []) names.push(...mailboxIn(name));
  const hasDnsName = names.some((n) => n.form === NAME_FORM.dnsName);
  if (isLeaf && !hasDnsName)
    for (const cn of attributeValues(certificate.subject, OID.commonName)) names.push(...hostIn(cn, constrained));
  return names;
}

/** SmtpUTF8Mailbox is a mailbox in the clothes of an otherName; RFC 9598 section 6 holds it to the constraints of
 * rfc822Name. */
function mailboxIn(name: GeneralName): GeneralName[] {
  if (name.form !== NAME_FORM.otherName) return [];
  try {
    const content = new DerReader(name.value);
    if (readOid(content) !== OID.smtpUtf8Mailbox) return [];
    const explicit = content.enter(contextConstructed(0));
    const text = explicit.read(TAG.utf8String);
    explicit.finish('SmtpUTF8Mailbox');
    content.finish('SmtpUTF8Mailbox');
    return [synthetic(NAME_FORM.rfc822Name, text)];
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    // No mailbox at all: undecidable wherever mailboxes are constrained.
    return [synthetic(NAME_FORM.rfc822Name, Buffer.alloc(0))];
  }
}

/** Dots of other scripts that name resolution takes for dots (RFC 3490 section 3.1). */
const DOTS = /[\u3002\uff0e\uff61]/gu;

/** A common name that reads as a host name or an address is used as one by older software, so it is held to the same
 * constraints: also as a wildcard, with a dot at its end, and in letters of other widths. One that is nearly a host
 * name is undecidable. */
function hostIn(commonName: string, constrained: ReadonlySet<number>): GeneralName[] {
  const text = commonName.replace(DOTS, '.').normalize('NFKC').trim().replace(/\.$/, '');
  if (isIP(text) !== 0)
    return constrained.has(NAME_FORM.ipAddress)
      ? [synthetic(NAME_FORM.ipAddress, addressBytes(text)), ...dnsNameOf(text)]
      : dnsNameOf(text);
  // What has dots and no spaces can be meant as a host, whatever letters it has.
  return text.includes('.') && !/\s/u.test(text) ? dnsNameOf(text) : [];
}

function dnsNameOf(text: string): GeneralName[] {
  return [synthetic(NAME_FORM.dnsName, Buffer.from(text))];
}

/** @returns nothing, which is undecidable, for an address of version 4 that is written in one of version 6 */
function addressBytes(text: string): Buffer {
  if (isIP(text) === 4) return Buffer.from(text.split('.').map(Number));
  if (text.includes('.')) return Buffer.alloc(0);
  const [head = '', tail] = text.split('::');
  const groups = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16));
  const [before, after] = [groups(head), groups(tail ?? '')];
  const middle = Array.from({ length: 8 - before.length - after.length }, () => 0);
  const bytes = Buffer.alloc(16);
  [...before, ...(tail === undefined ? [] : middle), ...after]
    .slice(0, 8)
    .forEach((group, i) => bytes.writeUInt16BE(Number.isNaN(group) ? 0 : group, i * 2));
  return bytes;
}

function synthetic(form: number, value: Buffer): GeneralName {
  return { form, value, der: value };
}

/** Whether a name falls under a constraint of the same form. Anything undecidable counts against the certificate. */
function matches(name: GeneralName, base: GeneralName, list: 'permitted' | 'excluded'): boolean {
  const undecidable = list === 'excluded';
  switch (name.form) {
    case NAME_FORM.directoryName:
      return isWithin(nameWithin(name.value, base.value), undecidable);
    case NAME_FORM.dnsName: {
      const host = name.value.toString().toLowerCase();
      return isHostName(host.replace(/^\*\./, ''))
        ? dnsMatches(host, base.value.toString('latin1').toLowerCase(), list)
        : undecidable;
    }
    case NAME_FORM.rfc822Name: {
      const mailbox = name.value.toString();
      return isMailbox(mailbox) ? mailboxMatches(mailbox, base.value.toString('latin1'), undecidable) : undecidable;
    }
    case NAME_FORM.uri: {
      const host = uriHost(name.value.toString('latin1'));
      return host === null ? undecidable : hostMatches(host, base.value.toString('latin1').toLowerCase());
    }
    case NAME_FORM.ipAddress:
      return addressMatches(name.value, base.value, undecidable);
    default:
      // otherName, x400Address, ediPartyName and registeredID are not compared: a certificate with such a name fails
      // where such a constraint exists.
      return undecidable;
  }
}

function isWithin(found: ReturnType<typeof nameWithin>, undecidable: boolean): boolean {
  return found === 'undecidable' ? undecidable : found === 'within';
}

function dnsMatches(name: string, base: string, list: 'permitted' | 'excluded'): boolean {
  if (base === '' || name === base || name.endsWith(`.${base}`)) return true;
  // A wildcard stands for every name one label deeper, so an excluded name among those excludes the wildcard.
  return (
    list === 'excluded' &&
    name.startsWith('*.') &&
    base.endsWith(name.slice(1)) &&
    !base.slice(0, -(name.length - 1)).includes('.')
  );
}

/** A mailbox can be written in several ways where quotes, escapes or comments stand in it (RFC 5322 section 3.4.1). */
const IN_SEVERAL_WAYS = /["\\(]/;

function mailboxMatches(mailbox: string, base: string, undecidable: boolean): boolean {
  const at = mailbox.lastIndexOf('@');
  const host = mailbox.slice(at + 1).toLowerCase();
  const baseAt = base.lastIndexOf('@');
  if (baseAt >= 0) {
    const [local, wanted] = [mailbox.slice(0, at), base.slice(0, baseAt)];
    if (host !== base.slice(baseAt + 1).toLowerCase()) return false;
    return local === wanted || (IN_SEVERAL_WAYS.test(local + wanted) && undecidable);
  }
  return hostMatches(host, base.toLowerCase());
}

/** For mail and URI constraints: a leading period means hosts below the domain, its absence the host itself. */
function hostMatches(host: string, base: string): boolean {
  if (base === '') return true;
  return base.startsWith('.') ? host.length > base.length && host.endsWith(base) : host === base;
}

function uriHost(uri: string): string | null {
  // What stands before the @ has the characters of RFC 3986 section 3.2.1 only: with others, programs differ about
  // where the host begins.
  const authority = /^[a-z][a-z0-9+.-]*:\/\/(?:[a-z0-9._~!$&'()*+,;=:%-]*@)?([^/?#:@]+)(?::\d*)?(?:[/?#]|$)/i.exec(uri);
  const host = authority?.[1]?.toLowerCase() ?? null;
  // RFC 5280: a URI without a fully qualified host name cannot meet a constraint.
  return host !== null && isHostName(host) && host.includes('.') && !/^[\d.]+$/.test(host) ? host : null;
}

/** ::ffff:0:0/96 holds the addresses of version 4 in the clothes of version 6. */
const MAPPED = Buffer.from('00000000000000000000ffff', 'hex');

function addressMatches(address: Buffer, base: Buffer, undecidable: boolean): boolean {
  if (address.length !== 4 && address.length !== 16) return undecidable;
  if (address.length * 2 === base.length) return addressWithin(address, base);
  return address.subarray(0, MAPPED.length).equals(MAPPED) && undecidable;
}

function addressWithin(address: Buffer, base: Buffer): boolean {
  const size = address.length;
  for (let i = 0; i < size; i++) if (((address[i]! ^ base[i]!) & base[size + i]!) !== 0) return false;
  return true;
}

function wellFormedConstraint(base: GeneralName): boolean {
  const text = (): string => base.value.toString('latin1');
  switch (base.form) {
    case NAME_FORM.dnsName:
      return text() === '' || isHostName(text());
    case NAME_FORM.rfc822Name:
      return text().includes('@') ? isMailbox(text()) : text() === '' || isHostName(text().replace(/^\./, ''));
    case NAME_FORM.uri:
      return text() === '' || isHostName(text().replace(/^\./, ''));
    case NAME_FORM.ipAddress:
      return (
        (base.value.length === 8 || base.value.length === 32) &&
        isPrefixMask(base.value.subarray(base.value.length / 2))
      );
    default:
      return true;
  }
}

function isPrefixMask(mask: Buffer): boolean {
  const bits = [...mask].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return /^1*0*$/.test(bits);
}

/** Letters, digits and hyphens in labels of 1 to 63; at most 253 in all. */
export function isHostName(name: string): boolean {
  return (
    name.length <= 253 &&
    /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/i.test(name)
  );
}

export function isMailbox(address: string): boolean {
  const at = address.lastIndexOf('@');
  const local = address.slice(0, at);
  // Letters beyond ASCII stand before the @ of an internationalised mailbox; its host is written in ASCII (RFC 9598
  // section 3).
  return (
    at > 0 &&
    address.length <= 320 &&
    /^[\x21-\x3f\x41-\x7e\u00a0-\u{10ffff}]+$/u.test(local) &&
    isHostName(address.slice(at + 1))
  );
}
