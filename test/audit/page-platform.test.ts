import { createHash, generateKeyPairSync, sign, verify } from 'node:crypto';
import { isUtf8 } from 'node:buffer';
import { isIP } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Buffer as PlatformBuffer, isUtf8 as platformIsUtf8 } from '../../src/console/platform/buffer.js';
import { createHash as platformHash, timingSafeEqual } from '../../src/console/platform/crypto.js';
import { isIP as platformIsIP } from '../../src/console/platform/net.js';
import { SignatureDesk, webCryptography, type SignatureQuestion } from '../../src/console/platform/signatures.js';

const bytes = fc.uint8Array({ maxLength: 80 });
const hex = (value: Uint8Array) => Buffer.from(value).toString('hex');

/** What the page has in place of Node: our readers of certificates must see no difference. */
describe('bytes of the page', () => {
  it('are read and written as Node does it', () => {
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        const [node, page] = [Buffer.from(a), PlatformBuffer.from(a)];
        for (const encoding of ['hex', 'latin1', 'utf8', 'base64'] as const)
          expect(page.toString(encoding)).toBe(node.toString(encoding));
        expect(page.equals(PlatformBuffer.from(b))).toBe(node.equals(Buffer.from(b)));
        expect(PlatformBuffer.compare(a, b)).toBe(Buffer.compare(a, b));
        expect(hex(PlatformBuffer.concat([a, b]))).toBe(hex(Buffer.concat([a, b])));
        expect(platformIsUtf8(a)).toBe(isUtf8(a));
        if (a.length >= 6)
          expect([page.readUIntBE(1, 5), page.readUInt32BE(2)]).toEqual([node.readUIntBE(1, 5), node.readUInt32BE(2)]);
      }),
    );
    const [node, page] = [Buffer.alloc(4), PlatformBuffer.alloc(4)];
    expect([page.writeUInt16BE(0xabcd, 1), hex(page)]).toEqual([node.writeUInt16BE(0xabcd, 1), hex(node)]);
    expect(() => page.writeUInt16BE(0x10000, 0)).toThrow(RangeError);
  });

  it('come out of texts as Node does it, whatever stands in them', () => {
    const base64 = fc.oneof(
      fc.base64String({ maxLength: 60 }),
      fc.string({ maxLength: 40, unit: fc.constantFrom(...'AZaz09+/-_= \n.%') }),
    );
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 40 }),
        base64,
        fc.string({ unit: fc.constantFrom(...'09afAFg') }),
        (text, coded, digits) => {
          expect(hex(PlatformBuffer.from(text))).toBe(hex(Buffer.from(text)));
          expect(hex(PlatformBuffer.from(text, 'latin1'))).toBe(hex(Buffer.from(text, 'latin1')));
          expect(hex(PlatformBuffer.from(coded, 'base64'))).toBe(hex(Buffer.from(coded, 'base64')));
          expect(hex(PlatformBuffer.from(digits, 'hex'))).toBe(hex(Buffer.from(digits, 'hex')));
        },
      ),
      { numRuns: 400 },
    );
  });

  it('are views where they are views in Node', () => {
    const whole = PlatformBuffer.of(1, 2, 3, 4);
    const part = whole.slice(1, 3);
    part[0] = 9;
    expect([...whole, PlatformBuffer.isBuffer(part), PlatformBuffer.isBuffer(whole.subarray(1))]).toEqual([
      1,
      9,
      3,
      4,
      true,
      true,
    ]);
  });

  it('are hashed as Node does it', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        fc.constantFrom('sha1', 'sha256', 'sha384', 'sha512'),
        (a, name) => {
          expect(platformHash(name).update(a).digest('hex')).toBe(createHash(name).update(a).digest('hex'));
          expect(hex(platformHash(name).update(a).update('é').digest())).toBe(
            createHash(name).update(a).update('é').digest('hex'),
          );
        },
      ),
      { numRuns: 60 },
    );
    expect([
      timingSafeEqual(Uint8Array.of(1), Uint8Array.of(1)),
      timingSafeEqual(Uint8Array.of(1), Uint8Array.of(2)),
    ]).toEqual([true, false]);
  });

  it('tell addresses as Node does it', () => {
    const near = fc.string({ maxLength: 24, unit: fc.constantFrom(...'0123456789abcfF:.%g') });
    fc.assert(
      fc.property(fc.oneof(near, fc.ipV4(), fc.ipV6(), fc.ipV4Extended()), (text) => {
        expect([text, platformIsIP(text)]).toEqual([text, isIP(text)]);
      }),
      { numRuns: 3000 },
    );
    for (const text of [
      '::',
      '::1',
      '1::',
      ':::',
      '::1.2.3.4',
      '1.2.3.4::',
      '1:2:3:4:5:6:1.2.3.4',
      '1:2:3:4:5:6:7:8',
      '1:2:3:4:5:6:7::',
      '1::2:3:4:5:6:7:8',
      'fe80::1%eth0',
      '01.2.3.4',
      '1.2.3.4%1',
      '',
    ]) {
      expect([text, platformIsIP(text)]).toEqual([text, isIP(text)]);
    }
  });
});

describe('signatures of the page', () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const keys = [rsa, ...['P-256', 'P-384', 'P-521'].map((namedCurve) => generateKeyPairSync('ec', { namedCurve }))];
  const questions: SignatureQuestion[] = keys.flatMap(({ publicKey, privateKey }) =>
    (['sha1', 'sha256', 'sha384', 'sha512'] as const).map((hash) => {
      const message = Buffer.from(`${hash} of a message`);
      const spki = publicKey.export({ format: 'der', type: 'spki' }) as Buffer;
      return { hash, message, spki, signature: sign(hash, message, privateKey) };
    }),
  );

  it('are judged by WebCrypto as Node judges them, right, changed and in other forms', async () => {
    for (const question of questions) {
      expect(await webCryptography(question)).toBe(true);
      const { hash, message, spki, signature } = question;
      const key = { key: Buffer.from(spki), format: 'der', type: 'spki' } as const;
      const changed = [
        ...[0, 1, 2, 3, 4, 5, signature.length >> 1, signature.length - 1].map((at) =>
          Uint8Array.from(signature, (b, i) => (i === at ? b ^ 1 : b)),
        ),
        signature.subarray(1),
        Buffer.concat([signature, Buffer.of(0)]),
        Buffer.alloc(0),
        longer(signature),
      ];
      for (const other of changed)
        expect([hash, hex(other), await webCryptography({ ...question, signature: other })]).toEqual([
          hash,
          hex(other),
          nodeSays(hash, message, key, other),
        ]);
      expect(await webCryptography({ ...question, message: Buffer.from('other') })).toBe(false);
      expect(await webCryptography({ ...question, spki: spki.subarray(0, -1) })).toBe(false);
    }
  });

  it('are asked for until none is open, each once, and the result before is thrown away', async () => {
    const asked: SignatureQuestion[] = [];
    const desk = new SignatureDesk(async (question) => {
      asked.push(question);
      return webCryptography(question);
    });
    const [a, b] = questions as [SignatureQuestion, SignatureQuestion];
    let runs = 0;
    // The second is asked only when the first is good: as a chain of certificates is walked.
    const result = await desk.settled(() => {
      runs += 1;
      return desk.isSigned(a) && desk.isSigned(b) ? 'both' : 'not both';
    });
    expect([result, runs, asked.length]).toEqual(['both', 3, 2]);
    expect(await desk.settled(() => desk.isSigned({ ...a, message: Buffer.from('other') }))).toBe(false);
  });

  function nodeSays(
    hash: string,
    message: Uint8Array,
    key: { key: Buffer; format: 'der'; type: 'spki' },
    signature: Uint8Array,
  ): boolean {
    try {
      return verify(hash, message, key, signature);
    } catch {
      return false;
    }
  }

  /** The same numbers with the length of the sequence in a longer form, as BER allows. */
  function longer(signature: Uint8Array): Uint8Array {
    return Buffer.concat([Buffer.of(0x30, 0x82, 0, signature[1] ?? 0), signature.subarray(2)]);
  }
});
