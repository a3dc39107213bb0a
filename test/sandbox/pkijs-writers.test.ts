import { createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import * as asn1js from 'asn1js';
import fc from 'fast-check';
import * as pkijs from 'pkijs';
import { parseCertificate, serialHex } from '../../src/infrastructure/x509/certificate/certificate.js';
import { parseCrl } from '../../src/infrastructure/x509/revocation/crl.js';
import { describeName } from '../../src/infrastructure/x509/certificate/distinguished-name.js';
import { encodeTimestampRequest } from '../../src/infrastructure/timestamp/timestamp-request.js';
import { readOcspRequest } from '../../src/sandbox/jpki/ocsp-responder.js';
import { readTimestampRequest } from '../../src/sandbox/timestamp/timestamp-writer.js';
import {
  basicConstraintsCa,
  directoryName,
  encoded,
  encodeName,
  integer,
  keyUsage,
  namedBits,
  subjectAltOtherNames,
  writeCertificate,
  writeCrl,
  type DistinguishedName,
} from '../../src/sandbox/pki/x509-writer.js';

const key = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey;
const NAME: DistinguishedName = [
  ['C', 'JP'],
  ['O', 'JPKI-TEST'],
  ['OU', '利用者証明'],
  ['CN', 'x'],
];
const dates = { notBefore: new Date('2026-01-01T00:00:00.789Z'), notAfter: new Date('2049-12-31T23:59:59.999Z') };
const certificate = (change: Partial<Parameters<typeof writeCertificate>[0]> = {}) =>
  writeCertificate(
    {
      serial: Buffer.of(7),
      issuer: NAME,
      subject: NAME,
      ...dates,
      publicKey: createPublicKey(key),
      extensions: [basicConstraintsCa(), keyUsage('keyCertSign')],
      ...change,
    },
    key,
  );

/** pkijs writes, the server's own strict reader and OpenSSL read: they share nothing. */
describe('what the stand-ins write', () => {
  it('are certificates in DER, whatever the serial number', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: (1n << 159n) - 1n }), (value) => {
        const serial = Buffer.from(value.toString(16).padStart(40, '0'), 'hex');
        const made = certificate({ serial });
        const read = parseCertificate(made);
        expect(serialHex(read.serial)).toBe(value.toString(16));
        expect(BigInt(`0x${new X509Certificate(made).serialNumber}`)).toBe(value);
      }),
      { numRuns: 20 },
    );
    expect(encoded(integer(Buffer.of(0))).toString('hex')).toBe('020100');
    expect(encoded(integer(Buffer.of(0, 128))).toString('hex')).toBe('02020080');
  });

  it('have names with one attribute in each part', () => {
    const read = parseCertificate(certificate());
    expect(describeName(read.subject)).toBe('CN=x,OU=利用者証明,O=JPKI-TEST,C=JP');
    expect(new X509Certificate(certificate()).subject).toBe('C=JP\nO=JPKI-TEST\nOU=利用者証明\nCN=x');
  });

  it.each([
    ['2049-12-31T23:59:59.999Z', '2049-12-31T23:59:59.000Z', 0x17],
    ['2050-01-01T00:00:00.001Z', '2050-01-01T00:00:00.000Z', 0x18],
  ])('end at %s, in seconds', (end, told, tag) => {
    const made = certificate({ notAfter: new Date(end) });
    const read = parseCertificate(made);
    expect(new Date(read.notAfter * 1000).toISOString()).toBe(told);
    expect(new Date(read.notBefore * 1000).toISOString()).toBe('2026-01-01T00:00:00.000Z');
    const digits = told.replace(/\D/g, '').slice(tag === 0x17 ? 2 : 0, 14);
    expect(made.indexOf(Buffer.concat([Buffer.of(tag, digits.length + 1), Buffer.from(`${digits}Z`)]))).toBeGreaterThan(
      0,
    );
  });

  it('have named bits without zeros at the end', () => {
    const hex = (...bits: number[]) => encoded(namedBits(bits)).toString('hex');
    expect([hex(0), hex(0, 1), hex(5, 6), hex(8)]).toEqual(['03020780', '030206c0', '03020106', '0303070080']);
  });

  it('are lists of revocations, which leave the list out where nobody is on it', () => {
    const common = {
      issuer: NAME,
      thisUpdate: dates.notBefore,
      nextUpdate: dates.notAfter,
      number: 300,
      authorityKey: key,
    };
    const entry = { serial: Buffer.of(0x80, 1), revokedAt: dates.notBefore, reason: 'superseded' } as const;
    expect(parseCrl(writeCrl({ ...common, revoked: [] }, key)).indexed.entryCount).toBe(0);
    expect(
      parseCrl(writeCrl({ ...common, revoked: [entry, { ...entry, serial: Buffer.of(3) }] }, key)).indexed.entryCount,
    ).toBe(2);
  });

  it('answer no request that is none, or that something follows', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(() => readOcspRequest(bytes)).toThrow(RangeError);
        expect(() => readTimestampRequest(bytes)).toThrow(RangeError);
      }),
      { numRuns: 1000 },
    );
    const request = encodeTimestampRequest({ message: Buffer.from('x'), nonce: Buffer.of(0x41, 2), policy: null });
    expect(readTimestampRequest(request).wantsCertificates).toBe(true);
    expect(() => readTimestampRequest(Buffer.concat([request, Buffer.of(5, 0)]))).toThrow(RangeError);
  });
});

/** Why some parts are put together from ASN.1. Where one of these fails, pkijs has learned to write it, and the part
 * may go. */
describe('what pkijs writes otherwise than the standards ask for', () => {
  const hex = (structure: { toSchema(): unknown }) =>
    Buffer.from((structure.toSchema() as asn1js.AsnType).toBER()).toString('hex');
  const tags = (der: Buffer) =>
    (asn1js.fromBER(der).result as asn1js.Sequence).valueBlock.value.map(({ idBlock }) => idBlock.tagNumber);

  it('a name from its parts: one SET of all attributes instead of one for each', () => {
    const typesAndValues = [
      new pkijs.AttributeTypeAndValue({ type: '2.5.4.6', value: new asn1js.PrintableString({ value: 'JP' }) }),
      new pkijs.AttributeTypeAndValue({ type: '2.5.4.3', value: new asn1js.Utf8String({ value: 'x' }) }),
    ];
    const theirs = Buffer.from(hex(new pkijs.RelativeDistinguishedNames({ typesAndValues })), 'hex');
    expect(tags(theirs)).toEqual([17]);
    expect(
      tags(
        encodeName([
          ['C', 'JP'],
          ['CN', 'x'],
        ]),
      ),
    ).toEqual([17, 17]);
    expect(
      encoded(
        directoryName([
          ['C', 'JP'],
          ['CN', 'x'],
        ]),
      ).subarray(2),
    ).toEqual(
      encodeName([
        ['C', 'JP'],
        ['CN', 'x'],
      ]),
    );
  });

  it('an otherName: its tag holds one element instead of two', () => {
    const value = new asn1js.Sequence({ value: [new asn1js.ObjectIdentifier({ value: '1.2.3' }), new asn1js.Null()] });
    expect(hex(new pkijs.GeneralName({ type: 0, value }))).toBe('a008300606022a030500');
    expect(subjectAltOtherNames([['1.2.3', 'x']]).extnValue.toString()).toBeDefined();
    const ours = Buffer.from(subjectAltOtherNames([['1.2.3', 'x']]).extnValue.valueBlock.valueHexView).toString('hex');
    expect(ours).toBe('300ba00906022a03a0030c0178');
  });

  it('the content of signed data: pieces of a constructed string, which is not DER', () => {
    const eContent = new asn1js.OctetString({ valueHex: Buffer.from('0102', 'hex') });
    const info = new pkijs.EncapsulatedContentInfo({ eContentType: '1.2.3', eContent });
    expect(hex(info)).toContain('a006240404020102');
  });

  it('attributes of a signer: in the order in which they are given', () => {
    const attribute = (last: number) => new pkijs.Attribute({ type: `1.2.${last}`, values: [new asn1js.Null()] });
    const attributes = [attribute(9), attribute(3)];
    const written = hex(new pkijs.SignedAndUnsignedAttributes({ type: 0, attributes }));
    expect(written.indexOf('06022a09')).toBeLessThan(written.indexOf('06022a03'));
  });
});
