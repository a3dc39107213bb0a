import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { contextConstructed, encodeDer, encodeOid, TAG } from '../../dist/infrastructure/x509/asn1/der.js';

/** A root, a card certificate, an OCSP answer and a CRL as they come from an authority, for one kind of key. */
export interface Material {
  readonly root: Buffer;
  readonly leaf: Buffer;
  readonly ocspResponse: Buffer;
  readonly nonce: Buffer;
  readonly at: number;
  crl(entries: number): Buffer;
}

const DAY = 86_400;

export function makeMaterial(kind: 'rsa' | 'ec'): Material {
  const make = (): Pair =>
    kind === 'rsa'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : generateKeyPairSync('ec', { namedCurve: 'P-384' });
  const [ca, card] = [make(), make()];
  // pkijs judges OCSP answers by the system's clock, so everything lives around now.
  const at = Math.floor(Date.now() / 1000);
  const rootName = name('JPKI for user authentication');
  const validity = encodeDer(TAG.sequence, time(at - 100 * DAY), time(at + 100 * DAY));
  const algorithm = Buffer.from(kind === 'rsa' ? '300d06092a864886f70d01010b0500' : '300a06082a8648ce3d040303', 'hex');
  const signed = (tbs: Buffer): Buffer =>
    encodeDer(
      TAG.sequence,
      tbs,
      algorithm,
      encodeDer(TAG.bitString, Buffer.of(0), sign(kind === 'rsa' ? 'sha256' : 'sha384', tbs, ca.privateKey)),
    );
  const certificate = (serial: Buffer, subject: Buffer, key: Pair, extensions: Buffer[]): Buffer =>
    signed(
      encodeDer(
        TAG.sequence,
        encodeDer(0xa0, integer(Buffer.of(2))),
        integer(serial),
        algorithm,
        rootName,
        validity,
        subject,
        spki(key),
        encodeDer(0xa3, encodeDer(TAG.sequence, ...extensions)),
      ),
    );
  const caId = keyId(ca);
  const critical = encodeDer(TAG.boolean, Buffer.of(0xff));
  const root = certificate(Buffer.of(1), rootName, ca, [
    extension('2.5.29.19', encodeDer(TAG.sequence, critical), critical),
    extension('2.5.29.15', Buffer.from('03020106', 'hex'), critical),
    extension('2.5.29.14', encodeDer(TAG.octetString, caId)),
  ]);
  const serial = Buffer.from('1122334455667788', 'hex');
  const leaf = certificate(serial, name('card'), card, [
    extension('2.5.29.15', Buffer.from('03020780', 'hex'), critical),
    extension(
      '2.5.29.32',
      encodeDer(TAG.sequence, encodeDer(TAG.sequence, encodeOid('1.2.392.200149.8.5.1.3.30'))),
      critical,
    ),
    extension('2.5.29.35', encodeDer(TAG.sequence, encodeDer(0x80, caId))),
    extension('2.5.29.14', encodeDer(TAG.octetString, keyId(card))),
  ]);
  const nonce = Buffer.alloc(32, 7);
  const sha1 = (bytes: Buffer): Buffer => encodeDer(TAG.octetString, createHash('sha1').update(bytes).digest());
  const certId = encodeDer(
    TAG.sequence,
    encodeDer(TAG.sequence, encodeOid('1.3.14.3.2.26'), encodeDer(TAG.null)),
    sha1(rootName),
    encodeDer(TAG.octetString, caId),
    integer(serial),
  );
  const single = encodeDer(
    TAG.sequence,
    certId,
    encodeDer(0x80),
    generalized(at - 60),
    encodeDer(0xa0, generalized(at + 900)),
  );
  const basic = signed(
    encodeDer(
      TAG.sequence,
      encodeDer(0xa1, rootName),
      generalized(at - 30),
      encodeDer(TAG.sequence, single),
      encodeDer(0xa1, encodeDer(TAG.sequence, extension('1.3.6.1.5.5.7.48.1.2', encodeDer(TAG.octetString, nonce)))),
    ),
  );
  // The signer's certificate goes along, because pkijs cannot verify without it.
  const withCertificate = encodeDer(
    TAG.sequence,
    basic.subarray(headerLength(basic)),
    encodeDer(contextConstructed(0), encodeDer(TAG.sequence, root)),
  );
  const ocspResponse = encodeDer(
    TAG.sequence,
    encodeDer(TAG.enumerated, Buffer.of(0)),
    encodeDer(
      0xa0,
      encodeDer(TAG.sequence, encodeOid('1.3.6.1.5.5.7.48.1.1'), encodeDer(TAG.octetString, withCertificate)),
    ),
  );
  const crl = (entries: number): Buffer => {
    const list = Array.from({ length: entries }, (_, i) =>
      encodeDer(
        TAG.sequence,
        integer(serialNumber(i)),
        time(at - 3600),
        ...(i % 4 === 0
          ? []
          : [encodeDer(TAG.sequence, extension('2.5.29.21', encodeDer(TAG.enumerated, Buffer.of(3))))]),
      ),
    );
    const extensions = [
      extension('2.5.29.35', encodeDer(TAG.sequence, encodeDer(0x80, caId))),
      extension('2.5.29.20', integer(Buffer.of(5))),
    ];
    return signed(
      encodeDer(
        TAG.sequence,
        integer(Buffer.of(1)),
        algorithm,
        rootName,
        time(at - 3600),
        time(at + DAY),
        encodeDer(TAG.sequence, Buffer.concat(list)),
        encodeDer(0xa0, encodeDer(TAG.sequence, ...extensions)),
      ),
    );
  };
  return { root, leaf, ocspResponse, nonce, at, crl };
}

interface Pair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

function spki(key: Pair): Buffer {
  return key.publicKey.export({ format: 'der', type: 'spki' });
}

function keyId(key: Pair): Buffer {
  const der = spki(key);
  return createHash('sha1')
    .update(der.subarray(der.length - (key.publicKey.asymmetricKeyType === 'rsa' ? 270 : 97)))
    .digest();
}

function headerLength(der: Buffer): number {
  return der[1]! < 0x80 ? 2 : 2 + (der[1]! & 0x7f);
}

function integer(bytes: Buffer): Buffer {
  return encodeDer(TAG.integer, bytes[0]! >= 0x80 ? Buffer.concat([Buffer.of(0), bytes]) : bytes);
}

function serialNumber(i: number): Buffer {
  const bytes = Buffer.alloc(9);
  bytes[0] = 0x10;
  bytes.writeUInt32BE(i, 4);
  bytes[8] = (i * 31) & 0xff;
  return bytes;
}

function name(unit: string): Buffer {
  const part = (oid: string, tag: number, text: string): Buffer =>
    encodeDer(TAG.set, encodeDer(TAG.sequence, encodeOid(oid), encodeDer(tag, Buffer.from(text))));
  return encodeDer(
    TAG.sequence,
    part('2.5.4.6', TAG.printableString, 'JP'),
    part('2.5.4.10', TAG.printableString, 'JPKI-BENCH'),
    part('2.5.4.11', TAG.printableString, unit),
    part('2.5.4.11', TAG.printableString, 'Japan Agency for Local Authority Information Systems'),
  );
}

function extension(oid: string, value: Buffer, critical?: Buffer): Buffer {
  return encodeDer(
    TAG.sequence,
    encodeOid(oid),
    ...(critical === undefined ? [] : [critical]),
    encodeDer(TAG.octetString, value),
  );
}

function digits(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(/[-:T]|\.\d+/g, '');
}

function time(seconds: number): Buffer {
  return encodeDer(TAG.utcTime, Buffer.from(digits(seconds).slice(2)));
}

function generalized(seconds: number): Buffer {
  return encodeDer(TAG.generalizedTime, Buffer.from(digits(seconds)));
}
