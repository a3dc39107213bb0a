import { describe, expect, it } from '@jest/globals';
import {
  context,
  contextConstructed,
  DerReader,
  encodeDer,
  encodeOid,
  TAG,
} from '../../src/infrastructure/x509/asn1/der.js';
import { OID } from '../../src/infrastructure/x509/asn1/oids.js';
import { parseCertificate } from '../../src/infrastructure/x509/certificate/certificate.js';
import {
  canonicalName,
  checkName,
  describeName,
  nameWithin,
  sameName,
} from '../../src/infrastructure/x509/certificate/distinguished-name.js';
import { readDistributionPoints, readGeneralNames } from '../../src/infrastructure/x509/certificate/general-name.js';
import { preparedText } from '../../src/infrastructure/x509/certificate/name-preparation.js';
import { NameConstraintState, type NameProblem } from '../../src/infrastructure/x509/path/name-constraints.js';
import { DAY, ecKey, ext, makeCertificate, name, NOW, type ExtensionSpec } from './support/certificate-factory.js';

/** Each rule about names alone, without a path around it. @fault V1 V2 */
const key = ecKey('P-256');
const EMPTY = encodeDer(TAG.sequence);
const NULL = encodeDer(TAG.null);
const certificate = (subject: Buffer, ...extensions: ExtensionSpec[]) =>
  parseCertificate(
    makeCertificate({
      ...{ subject, issuer: name(['O', 'Issuer']), key, signer: key, serial: 1, extensions },
      ...{ notBefore: NOW, notAfter: NOW + DAY },
    }),
  );
const alternatives = (...names: Buffer[]): ExtensionSpec[] =>
  names.length === 0 ? [] : [{ oid: OID.subjectAltName, value: encodeDer(TAG.sequence, ...names) }];

interface Constraints {
  readonly permitted?: Buffer[];
  readonly excluded?: Buffer[];
}
function problemOf(
  { permitted = [], excluded = [] }: Constraints,
  { subject = EMPTY, names = [] as Buffer[], isLeaf = true },
): NameProblem {
  const state = new NameConstraintState();
  const wrong = state.add(certificate(name(['O', 'Authority']), ext.nameConstraints(permitted, excluded)));
  return wrong ?? state.check(certificate(subject, ...alternatives(...names)), isLeaf);
}

const text = (form: number) => (value: string) => encodeDer(context(form), Buffer.from(value, 'latin1'));
const [mail, dns, uri] = [text(1), text(2), text(6)];
const address = (hex: string) => encodeDer(context(7), Buffer.from(hex, 'hex'));
const directory = (subject: Buffer) => encodeDer(contextConstructed(4), subject);
const attribute = (type: string, value: string, tag: number = TAG.utf8String): Buffer =>
  encodeDer(TAG.sequence, encodeOid(type), encodeDer(tag, Buffer.from(value, 'latin1')));
const rdns = (...of: Buffer[][]): Buffer =>
  encodeDer(TAG.sequence, ...of.map((attributes) => encodeDer(TAG.set, ...attributes)));
const [O, OU, TELETEX, UNIVERSAL] = ['2.5.4.10', '2.5.4.11', 0x14, 0x1c];

/** Held against the same subtree on both sides: only what is surely within may be permitted, and only what is surely
 * outside escapes an exclusion. */
function relation(base: Buffer, names: Buffer[], subject?: Buffer): string {
  const of = { names, ...(subject && { subject }) };
  const [isPermitted, isSpared] = [problemOf({ permitted: [base] }, of), problemOf({ excluded: [base] }, of)].map(
    (problem) => problem === null,
  );
  if (isPermitted && isSpared) return 'not constrained';
  return isPermitted ? 'within' : isSpared ? 'outside' : 'undecidable';
}

describe('a name held against a constraint of its form', () => {
  const label = 'x'.repeat(63);
  const [long, longer] = [53, 54].map((length) => `${label}.${label}.${label}.${'x'.repeat(length)}.example`) as [
    string,
    string,
  ];
  it.each<[string, string, string]>([
    ['a.example', 'a.example', 'within'],
    ['a.example', 'b.a.example', 'within'],
    ['a.example', 'A.EXAMPLE', 'within'],
    ['A.example', 'a.example', 'within'],
    ['a.example', 'ba.example', 'outside'],
    ['a.example', 'example', 'outside'],
    ['a.example', '*.a.example', 'within'],
    ['x.a.example', '*.a.example', 'undecidable'],
    ['y.x.a.example', '*.a.example', 'outside'],
    ['xa.example', '*.a.example', 'outside'],
    ['x.b.example', '*.a.example', 'outside'],
    ['a.example', '*.*.a.example', 'undecidable'],
    ['a.example', 'x*.a.example', 'undecidable'],
    ['a.example', 'a.example.', 'undecidable'],
    ['a.example', 'b..example', 'undecidable'],
    ['a.example', '-b.example', 'undecidable'],
    ['a.example', 'b-.example', 'undecidable'],
    ['a.example', 'b_c.example', 'undecidable'],
    ['a.example', ' b.example', 'undecidable'],
    ['a.example', '', 'undecidable'],
    ['', 'b.example', 'within'],
    ['', '', 'undecidable'],
    ['example', `${label}.example`, 'within'],
    ['example', `x${label}.example`, 'undecidable'],
    ['example', long, 'within'],
    ['example', longer, 'undecidable'],
  ])('host %s: %s is %s', (base, value, expected) => {
    expect(relation(dns(base), [dns(value)])).toBe(expected);
  });
  it.each<[string, string, string]>([
    ['a.example', 'x@a.example', 'within'],
    ['a.example', 'x@A.EXAMPLE', 'within'],
    ['A.example', 'x@a.example', 'within'],
    ['a.example', 'x@b.a.example', 'outside'],
    ['.a.example', 'x@b.a.example', 'within'],
    ['.a.example', 'x@a.example', 'outside'],
    ['.a.example', 'x@ba.example', 'outside'],
    ['.a.example', 'x@b.ba.example', 'outside'],
    ['x@a.example', 'x@a.example', 'within'],
    ['x@A.example', 'x@a.EXAMPLE', 'within'],
    ['x@a.example', 'y@a.example', 'outside'],
    ['x@a.example', 'x@b.example', 'outside'],
    ['x@a.example', '"x"@a.example', 'undecidable'],
    ['x@a.example', 'x(y)@a.example', 'undecidable'],
    ['x@a.example', 'x\\y@a.example', 'undecidable'],
    ['"x"@a.example', 'x@a.example', 'undecidable'],
    ['"x"@a.example', '"x"@a.example', 'within'],
    ['x@a.example', '"x"@b.example', 'outside'],
    ['a.example', '"x"@b.example', 'outside'],
    ['', 'x@a.example', 'within'],
    ['a.example', 'x', 'undecidable'],
    ['a.example', '@b.example', 'undecidable'],
    ['a.example', 'x y@b.example', 'undecidable'],
    ['a.example', 'x@y@b.example', 'undecidable'],
    ['a.example', 'x@b.example.', 'undecidable'],
    ['example', `${'x'.repeat(66)}@${long}`, 'within'],
    ['example', `${'x'.repeat(67)}@${long}`, 'undecidable'],
  ])('mailbox %s: %s is %s', (base, value, expected) => {
    expect(relation(mail(base === 'example' ? long : base), [mail(value)])).toBe(expected);
  });
  it.each<[string, string, string]>([
    ['a.example', 'https://a.example/x', 'within'],
    ['a.example', 'https://A.EXAMPLE', 'within'],
    ['A.example', 'https://a.example', 'within'],
    ['a.example', 'https://a.example?x', 'within'],
    ['a.example', 'https://a.example#x', 'within'],
    ['a.example', 'https://a.example:8080/', 'within'],
    ['a.example', 'https://a.example:', 'within'],
    ['a.example', 'https://user:word@a.example/', 'within'],
    ['a.example', 'x+y-z.1://a.example/', 'within'],
    ['a.example1', 'https://a.example1/', 'within'],
    ['1.example', 'https://1.example/', 'within'],
    ['a.example', 'https://b.a.example/', 'outside'],
    ['.a.example', 'https://b.a.example/', 'within'],
    ['.a.example', 'https://a.example/', 'outside'],
    ['a.example', 'https://b.example/a.example', 'outside'],
    ['', 'https://b.example/', 'within'],
    ['', 'urn:b', 'undecidable'],
    ['a.example', 'mailto:x@b.example', 'undecidable'],
    ['a.example', 'https://10.0.0.1/', 'undecidable'],
    ['a.example', 'https://[2001:db8::1]/', 'undecidable'],
    ['a.example', 'https://example/', 'undecidable'],
    ['a.example', 'https://b_c.example/', 'undecidable'],
    ['a.example', 'https://b.example:x/', 'undecidable'],
    ['a.example', 'https://u@v@b.example/', 'undecidable'],
    // Programs that take \\ for / go to another host (WHATWG URL, section 4.4).
    ['a.example', 'https://b.example\\@a.example/', 'undecidable'],
    ['a.example', 'https://b.example @a.example/', 'undecidable'],
    ['a.example', "https://a-z.A~_0!$&'()*+,;=:%20@a.example/", 'within'],
    ['a.example', 'https:///b.example', 'undecidable'],
    ['a.example', '1https://b.example/', 'undecidable'],
    ['a.example', ' https://b.example/', 'undecidable'],
  ])('URI %s: %s is %s', (base, value, expected) => {
    expect(relation(uri(base), [uri(value)])).toBe(expected);
  });
  const V6 = '20010db8000000000000000000000000';
  it.each<[string, string, string]>([
    ['0a000000ff000000', '0a010203', 'within'],
    ['0a000000ff000000', '0b010203', 'outside'],
    ['0a010203ffffffff', '0a010203', 'within'],
    ['0a010203ffffffff', '0a010202', 'outside'],
    ['0a010203fffffffe', '0a010202', 'within'],
    ['0000000000000000', '0b010203', 'within'],
    [`${V6}ffffffff${'0'.repeat(24)}`, '20010db8000000000000000000000001', 'within'],
    [`${V6}ffffffff${'0'.repeat(24)}`, '20010db9000000000000000000000001', 'outside'],
    [`${V6}ffffffff${'0'.repeat(24)}`, '20010db8', 'outside'],
    ['0a000000ff000000', '0a010203000000000000000000000000', 'outside'],
    // The same host by its other name (RFC 4291 section 2.5.5.2).
    ['0a000000ff000000', '00000000000000000000ffff0a010203', 'undecidable'],
    ['0a000000ff000000', '0000000000000000000000000a010203', 'outside'],
    [`${V6}ffffffff${'0'.repeat(24)}`, '00000000000000000000ffff0a010203', 'outside'],
    ['0a000000ff000000', '0a01020300', 'undecidable'],
    ['0a000000ff000000', '', 'undecidable'],
    [`${V6}ffffffff${'0'.repeat(24)}`, '20010db800000000000000000000', 'undecidable'],
  ])('address %s: %s is %s', (base, value, expected) => {
    expect(relation(address(base), [address(value)])).toBe(expected);
  });
  it.each<[string, Buffer, Buffer, string]>([
    ['the same', rdns([attribute(O, 'x')]), rdns([attribute(O, 'x')]), 'within'],
    ['one below', rdns([attribute(O, 'x')]), rdns([attribute(O, 'X')], [attribute(OU, 'y')]), 'within'],
    ['one above', rdns([attribute(O, 'x')], [attribute(OU, 'y')]), rdns([attribute(O, 'x')]), 'outside'],
    ['another type', rdns([attribute(O, 'x')]), rdns([attribute(OU, 'x')]), 'outside'],
    ['another value', rdns([attribute(O, 'x')]), rdns([attribute(O, 'y')]), 'outside'],
    ['no agreed reading', rdns([attribute(O, 'x')]), rdns([attribute(O, 'y', TELETEX)]), 'undecidable'],
    ['the same without one', rdns([attribute(O, 'y', TELETEX)]), rdns([attribute(O, 'y', TELETEX)]), 'within'],
    ['one attribute more', rdns([attribute(O, 'x')]), rdns([attribute(O, 'x'), attribute(OU, 'y')]), 'outside'],
    [
      'attributes in another order',
      rdns([attribute(O, 'x'), attribute(OU, 'y')]),
      rdns([attribute(OU, 'y'), attribute(O, 'x')]),
      'within',
    ],
    [
      'values that changed their places',
      rdns([attribute(O, 'x'), attribute(OU, 'y')]),
      rdns([attribute(O, 'y'), attribute(OU, 'x')]),
      'outside',
    ],
    [
      'one that differs beside one without reading',
      rdns([attribute(O, 'x'), attribute(OU, 'y')]),
      rdns([attribute(O, 'z'), attribute(OU, 'y', TELETEX)]),
      'outside',
    ],
    [
      'one that is the same beside one without reading',
      rdns([attribute(O, 'x'), attribute(OU, 'y')]),
      rdns([attribute(O, 'x'), attribute(OU, 'y', TELETEX)]),
      'undecidable',
    ],
    [
      'one without reading, and below it one that differs',
      rdns([attribute(O, 'x')], [attribute(OU, 'y')]),
      rdns([attribute(O, 'x', TELETEX)], [attribute(OU, 'z')]),
      'outside',
    ],
  ])('directory name: %s is %s', (_, base, value, expected) => {
    expect(relation(directory(base), [directory(value)])).toBe(expected);
    expect(relation(directory(base), [], value)).toBe(expected);
    expect(nameWithin(value, base)).toBe(expected);
  });
  it('of no form that is compared is undecidable', () => {
    const other = encodeDer(contextConstructed(0), encodeOid('1.2.3'), encodeDer(contextConstructed(0), NULL));
    const [x400, edi] = [encodeDer(contextConstructed(3), NULL), encodeDer(contextConstructed(5), NULL)];
    const registered = encodeDer(context(8), Buffer.of(0x2a, 3));
    for (const one of [other, x400, edi, registered]) expect(relation(one, [one])).toBe('undecidable');
    expect(relation(dns('a.example'), [registered])).toBe('not constrained');
  });
});

describe('a constraint', () => {
  const WRITTEN = { reason: 'name_constraints', detail: 'a name constraint that is not written as RFC 5280 asks' };
  it.each<[string, Buffer]>([
    ['host', dns('.a.example')],
    ['host', dns('*.a.example')],
    ['mailbox', mail('x@')],
    ['mailbox', mail('@a.example')],
    ['mailbox', mail('..a.example')],
    ['URI', uri('https://a.example')],
    ['mailbox', mail('a..example')],
    ['URI', uri('..a.example')],
    ['URI', uri('a..example')],
    ['address of no version', address('0a0000ff0000')],
    ['address without mask', address('0a000000')],
    ['address with more than a mask', address('0a000000ff000000ff000000')],
    ['address with a hole in its mask', address('0a000000ff00ff00')],
    ['address whose mask begins late', address('0a00000000ff0000')],
    ['address with a mask of odd bits', address('0a000000ff700000')],
  ])('that is no %s is refused', (_, base) => {
    expect(problemOf({ permitted: [base] }, {})).toEqual(WRITTEN);
    expect(problemOf({ excluded: [base] }, {})).toEqual(WRITTEN);
  });
  it('of each issuer narrows what those above permit, and what one excludes stays excluded', () => {
    const state = new NameConstraintState();
    const add = (permitted: Buffer[], excluded: Buffer[]) =>
      expect(state.add(certificate(name(['O', 'x']), ext.nameConstraints(permitted, excluded)))).toBeNull();
    const refused = (host: string) => state.check(certificate(EMPTY, ...alternatives(dns(host))), true) !== null;
    expect(refused('z.example')).toBe(false);
    add([dns('a.example'), dns('b.example')], [dns('x.a.example')]);
    add([], [dns('y.a.example')]);
    add([dns('a.example'), dns('c.example')], []);
    expect(['a', 'b', 'c', 'x.a', 'y.a', 'z.a'].map((host) => refused(`${host}.example`))).toEqual([
      ...[false, true, true, true, true, false],
    ]);
    expect(state.add(certificate(name(['O', 'without'])))).toBeNull();
  });
  it('is not compared more often than honest certificates need', () => {
    const excluded = Array.from({ length: 100 }, (_, i) => dns(`x${i}.example`));
    const names = (count: number) => Array.from({ length: count }, (_, i) => dns(`y${i}.example`));
    const limit = { reason: 'limit_exceeded', detail: 'too many names and name constraints' };
    expect(problemOf({ excluded }, { names: names(200) })).toBeNull();
    expect(problemOf({ excluded }, { names: names(201) })).toEqual(limit);
    const last = { reason: 'name_constraints', detail: 'a name of form 2 lies outside what an issuer may certify' };
    expect(problemOf({ excluded }, { names: [...names(199), dns('x99.example')] })).toEqual(last);
    const permitted = [...excluded.slice(1), dns('example')];
    expect(problemOf({ permitted }, { names: names(200) })).toBeNull();
    expect(problemOf({ permitted }, { names: names(201) })).toEqual(limit);
  });
});

describe('a common name', () => {
  const cn = (value: string) => ({ subject: name(['CN', value]) });
  const TEN = address('0a000000ff000000');
  const HERE = address(`20010db8000000000000000000000000ffffffff${'0'.repeat(24)}`);
  const outside = (form: number) => `a name of form ${form} lies outside what an issuer may certify`;
  it.each<[string, Constraints, string, number | null]>([
    ['a host', { permitted: [dns('a.example')] }, 'b.example', 2],
    ['a host that is permitted', { permitted: [dns('a.example')] }, 'a.example', null],
    ['the same with a dot at its end', { permitted: [dns('a.example')] }, ' a.example. ', null],
    ['no host', { permitted: [dns('a.example')] }, 'Dr. b', null],
    ['no host either', { permitted: [dns('a.example')] }, 'b', null],
    ['an excluded address', { excluded: [TEN] }, '10.1.2.3', 7],
    ['a permitted address', { permitted: [TEN] }, '10.1.2.3', null],
    ['another address', { permitted: [TEN] }, '11.1.2.3', 7],
    ['an address where hosts are permitted', { permitted: [dns('a.example')] }, '10.1.2.3', 2],
    ['an address of version 6 where hosts are permitted', { permitted: [dns('a.example')] }, '2001:db8::1', 2],
    ['an excluded address of version 6', { excluded: [HERE] }, '2001:db8::1', 7],
    ['one written in full', { excluded: [HERE] }, '2001:db8:0:0:0:0:0:1', 7],
    ['one that ends in zeros', { excluded: [HERE] }, '2001:db8::', 7],
    ['another one', { excluded: [HERE] }, '2001:db9::1', null],
    ['another one that begins with zeros', { excluded: [HERE] }, '::2001:db8', null],
    ['one that begins with zeros', { permitted: [address(`${'0'.repeat(31)}1${'f'.repeat(32)}`)] }, '::1', null],
    [
      'one with a middle',
      { permitted: [address(`00010002${'0'.repeat(16)}00070008${'f'.repeat(32)}`)] },
      '1:2::7:8',
      null,
    ],
    ['one of version 4 in version 6', { excluded: [TEN] }, '::ffff:10.1.2.3', 7],
    ['one of version 4 in version 6, permitted', { permitted: [TEN] }, '::ffff:10.1.2.3', 7],
  ])('that reads as %s is held to it', (_, constraints, value, form) => {
    expect(problemOf(constraints, cn(value))).toEqual(
      form === null ? null : { reason: 'name_constraints', detail: outside(form) },
    );
  });
  it('is a host where nothing else says one, and of a holder only', () => {
    const permitted = [dns('a.example')];
    expect(problemOf({ permitted }, { ...cn('b.example'), names: [dns('a.example')] })).toBeNull();
    expect(problemOf({ permitted }, { ...cn('b.example'), names: [mail('x@b.example')] })).not.toBeNull();
    expect(problemOf({ permitted }, { ...cn('b.example'), isLeaf: false })).toBeNull();
  });
  it('beside it an address in the subject is a mailbox, and an empty subject is no name', () => {
    const subject = rdns([attribute(OID.emailAddress, 'x@b.example', TAG.ia5String)]);
    expect(problemOf({ permitted: [mail('a.example')] }, { subject })).not.toBeNull();
    expect(problemOf({ permitted: [mail('b.example')] }, { subject })).toBeNull();
    expect(problemOf({ permitted: [directory(name(['O', 'x']))] }, {})).toBeNull();
  });
});

describe('a mailbox in an otherName', () => {
  const otherName = (oid: string, ...parts: Buffer[]) => encodeDer(contextConstructed(0), encodeOid(oid), ...parts);
  const utf8 = encodeDer(TAG.utf8String, Buffer.from('x@a.example'));
  const explicit = (...parts: Buffer[]) => encodeDer(contextConstructed(0), ...parts);
  it.each<[string, Buffer, string]>([
    ['is one', otherName(OID.smtpUtf8Mailbox, explicit(utf8)), 'within'],
    ['with more inside is undecidable', otherName(OID.smtpUtf8Mailbox, explicit(utf8, NULL)), 'undecidable'],
    ['with more behind is undecidable', otherName(OID.smtpUtf8Mailbox, explicit(utf8), NULL), 'undecidable'],
    ['of another kind is none', otherName('1.2.3', explicit(utf8)), 'not constrained'],
  ])('%s', (_, one, expected) => {
    expect(relation(mail('a.example'), [one])).toBe(expected);
  });
});

describe('names are read', () => {
  const read = (...names: Buffer[]) => readGeneralNames(new DerReader(Buffer.concat(names))).map(({ form }) => form);
  it('in every form, with the tag of each', () => {
    const forms = [0, 1, 2, 3, 4, 5, 6, 7, 8];
    const isConstructed = (form: number) => [0, 3, 4, 5].includes(form);
    const of = (form: number, constructed: boolean) =>
      encodeDer(constructed ? contextConstructed(form) : context(form), form === 4 ? EMPTY : Buffer.alloc(0));
    expect(read(...forms.map((form) => of(form, isConstructed(form))))).toEqual(forms);
    for (const form of forms) expect(() => read(of(form, !isConstructed(form)))).toThrow('not a GeneralName');
    for (const tag of [context(9), contextConstructed(9), 0x02, 0x24])
      expect(() => read(encodeDer(tag, EMPTY))).toThrow('not a GeneralName');
    expect(() => read()).toThrow('an empty list of names');
  });
  it('as text of ASCII without NUL', () => {
    for (const written of [mail, dns, uri]) {
      expect(read(written('\u0001\u007f'))).toHaveLength(1);
      for (const wrong of ['a\u0000', 'a\u0080'])
        expect(() => read(written(wrong))).toThrow('a name with bytes that are not printable ASCII');
    }
    expect(read(address('00ff'))).toEqual([7]);
  });
  it('with text that can be decoded, or not at all', () => {
    const units = (...codes: number[]) =>
      Buffer.concat(codes.map((code) => Buffer.from(code.toString(16).padStart(8, '0'), 'hex'))).toString('latin1');
    const wrong: [number, string][] = [
      [TAG.utf8String, '\u00ff'],
      [TAG.bmpString, '\u00d8\u0000'],
      [TAG.bmpString, 'a'],
      [UNIVERSAL, 'abc'],
      [UNIVERSAL, units(0x110000)],
      [UNIVERSAL, units(0xd800)],
      [UNIVERSAL, units(0xdfff)],
    ];
    for (const [tag, value] of wrong) {
      const bad = rdns([attribute(O, value, tag)]);
      expect(() => checkName(bad)).toThrow('a name with undecodable text');
      expect(() => read(directory(bad))).toThrow('a name with undecodable text');
    }
    for (const code of [0x10ffff, 0xd7ff, 0xe000, 0x41])
      expect(() => checkName(rdns([attribute(O, units(code), UNIVERSAL)]))).not.toThrow();
    expect(() => checkName(rdns([]))).toThrow('an empty RDN');
    expect(() => checkName(Buffer.concat([EMPTY, NULL]))).toThrow('name: bytes after the end');
    const longer = encodeDer(TAG.sequence, encodeOid(O), encodeDer(TAG.utf8String, Buffer.from('x')), NULL);
    expect(() => checkName(rdns([longer]))).toThrow('name attribute: bytes after the end');
  });
  it('and are the same across string types, RDN by RDN', () => {
    const bmp = '\u0000A\u0000b';
    const same = [
      attribute(O, 'aB'),
      attribute(O, 'Ab', TAG.printableString),
      attribute(O, 'AB', TAG.ia5String),
      attribute(O, bmp, TAG.bmpString),
      attribute(O, 'ab', 0x1a),
      attribute(O, '\u0000\u0000\u0000A\u0000\u0000\u0000b', UNIVERSAL),
    ];
    for (const one of same) expect(sameName(rdns([one]), rdns([same[0]!]))).toBe(true);
    expect(sameName(rdns([attribute(O, '12', 0x12)]), rdns([attribute(O, '12')]))).toBe(true);
    expect(sameName(rdns([attribute(O, 'ab', TELETEX)]), rdns([attribute(O, 'ab')]))).toBe(false);
    const [x, y] = [[attribute(O, 'x')], [attribute(OU, 'y')]];
    expect([sameName(rdns(x, y), rdns(x)), sameName(rdns(x), rdns(x, y)), sameName(rdns(x, y), rdns(y, x))]).toEqual([
      ...[false, false, false],
    ]);
    expect(sameName(rdns([...x, ...y]), rdns([...y, ...x]))).toBe(true);
  });
  it('and written as a key and for people', () => {
    const subject = rdns(
      [attribute('2.5.4.6', 'JP', TAG.printableString)],
      [attribute(O, 'A "b"/c'), attribute(OU, 'y', TELETEX)],
      [attribute('1.2.3', 'z')],
    );
    expect(canonicalName(subject)).toBe('2.5.4.6="jp"/2.5.4.10="a \\"b\\"/c"+2.5.4.11=#14:79/1.2.3="z"');
    expect(describeName(subject)).toBe('1.2.3=z,O=A "b"/c+OU=#79,C=JP');
    const short = ['2.5.4.3', '2.5.4.5', '2.5.4.6', '2.5.4.7', '2.5.4.8', O, OU, '0.9.2342.19200300.100.1.25'];
    expect(describeName(rdns(...[...short, OID.emailAddress].map((type) => [attribute(type, 'v')])))).toBe(
      'emailAddress=v,DC=v,OU=v,O=v,ST=v,L=v,C=v,serialNumber=v,CN=v',
    );
    expect(describeName(Buffer.alloc(65, 0xab))).toBe(`#${'ab'.repeat(64)}`);
  });
  it('prepared for comparison', () => {
    expect(preparedText(' A\t \u00a0b\u200bc ')).toBe('a bc');
    expect(preparedText('\u0000\u0008\u007f\u0086\u00ad\ufeff')).toBe('');
    expect(['\ue000', '\ufffd', '\ud800', '\u0378'].map(preparedText)).toEqual([null, null, null, null]);
  });
  it('of points where lists are found', () => {
    const point = (...parts: Buffer[]) => encodeDer(TAG.sequence, ...parts);
    const named = encodeDer(contextConstructed(0), encodeDer(contextConstructed(0), uri('x')));
    const list = (...points: Buffer[]) => encodeDer(TAG.sequence, ...points);
    const issuer = encodeDer(contextConstructed(2), directory(name(['O', 'x'])));
    expect(readDistributionPoints(list(point(named), point(issuer)))).toMatchObject([
      { name: { fullName: [{ form: 6 }], relativeName: null }, reasons: null, crlIssuer: null },
      { name: null, reasons: null, crlIssuer: [{ form: 4 }] },
    ]);
    const wrong: [Buffer, string][] = [
      [Buffer.concat([list(point(named)), NULL]), 'distribution points: bytes after the end'],
      [list(), 'no distribution point'],
      [list(point()), 'a distribution point without name and issuer'],
      [list(point(named, NULL)), 'distribution point: bytes after the end'],
      [
        list(point(encodeDer(contextConstructed(0), encodeDer(contextConstructed(0), uri('x')), NULL))),
        'distribution point name: bytes after the end',
      ],
      [
        list(point(encodeDer(contextConstructed(0), encodeDer(contextConstructed(1), attribute(O, '\u00ff'))))),
        'a name with undecodable text',
      ],
    ];
    for (const [bytes, words] of wrong) expect(() => readDistributionPoints(bytes)).toThrow(words);
  });
});
