import { describe, expect, it } from '@jest/globals';
import { fromBER, GeneralizedTime, Integer, ObjectIdentifier, UTCTime } from 'asn1js';
import fc from 'fast-check';
import { generalizedTime, integer, namedBits, objectIdentifier, octetString, readDer, readElements, sequence, time } from '../../src/sandbox/der.js';
import { readOcspRequest } from '../../src/sandbox/ocsp-responder.js';

const parsed = (bytes: Uint8Array): unknown => fromBER(Uint8Array.from(bytes)).result;

describe('the DER of the stand-ins, read by a parser that nobody here wrote', () => {
  it('writes integers with the shortest form and a sign byte where it is needed', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: (1n << 160n) - 1n }), (value) => {
        const bytes = Buffer.from(value.toString(16).padStart(42, '0'), 'hex');
        expect((parsed(integer(bytes)) as Integer).toBigInt()).toBe(value);
      }),
    );
    expect(integer(0).toString('hex')).toBe('020100');
    expect(integer(128).toString('hex')).toBe('02020080');
  });

  it.each(['1.2.392.200149.8.5.1.3.30', '2.5.4.3', '2.16.840.1.101.3.4.2.1', '1.3.6.1.5.5.7.48.1.2', '0.9.2342.19200300.100.1.25'])('writes %s', (dotted) => {
    expect((parsed(objectIdentifier(dotted)) as ObjectIdentifier).getValue()).toBe(dotted);
  });

  it('writes times up to 2049 as UTCTime and later ones as GeneralizedTime', () => {
    expect((parsed(time(new Date('2049-12-31T23:59:59Z'))) as UTCTime).toDate().toISOString()).toBe('2049-12-31T23:59:59.000Z');
    expect((parsed(time(new Date('2050-01-01T00:00:00Z'))) as GeneralizedTime).toDate().toISOString()).toBe('2050-01-01T00:00:00.000Z');
    expect(generalizedTime(new Date('2026-11-23T01:02:03.456Z')).subarray(2).toString()).toBe('20261123010203Z');
  });

  it('writes named bits without trailing zeros', () => {
    expect(namedBits([0]).toString('hex')).toBe('03020780');
    expect(namedBits([0, 1]).toString('hex')).toBe('030206c0');
    expect(namedBits([5, 6]).toString('hex')).toBe('03020106');
    expect(namedBits([8]).toString('hex')).toBe('0303070080');
  });

  it('reads back what it wrote, whatever the length', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 400 }), { maxLength: 5 }), (contents) => {
        const outer = readDer(sequence(...contents.map(octetString)));
        expect(readElements(outer.content).map(({ content }) => Buffer.from(content))).toEqual(contents.map((content) => Buffer.from(content)));
      }),
    );
  });

  it('refuses every malformed OCSP request in the same way, and never hangs or crashes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(() => readOcspRequest(bytes)).toThrow(RangeError);
      }),
      { numRuns: 2000 },
    );
  });
});
