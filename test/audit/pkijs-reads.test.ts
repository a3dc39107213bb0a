import { beforeAll, describe, expect, it } from '@jest/globals';
import * as asn1js from 'asn1js';
import * as pkijs from 'pkijs';
import { DerError } from '../../src/infrastructure/x509/asn1/der.js';
import { encodeTimestampRequest } from '../../src/infrastructure/timestamp/timestamp-request.js';
import { parseTimestampResponse } from '../../src/infrastructure/timestamp/timestamp-response.js';
import { newKeys } from '../../src/sandbox/timestamp/timestamp-authority.js';
import {
  readTimestampRequest,
  writeTimestamp,
  type TimestampKeys,
} from '../../src/sandbox/timestamp/timestamp-writer.js';

const NOW = new Date('2026-11-23T10:00:00Z');
const request = encodeTimestampRequest({ message: Buffer.from('x'), nonce: Buffer.of(0x41, 2), policy: null });
let keys: TimestampKeys;
beforeAll(async () => {
  keys = await newKeys(NOW);
});
const good = (fault: Parameters<typeof writeTimestamp>[2]['fault'] = 'none') =>
  writeTimestamp(readTimestampRequest(request), keys, { fault, now: NOW, serial: 7 });

/** An element of BER as it is written: with children where it is constructed. */
interface Node {
  tag: number;
  content: Buffer | Node[];
  /** Written with a longer length than is needed, or with none and an end mark. */
  form?: 'long' | 'indefinite';
}

function read(bytes: Buffer): Node[] {
  const nodes: Node[] = [];
  for (let at = 0; at < bytes.length;) {
    const [tag, first] = [bytes[at] as number, bytes[at + 1] as number];
    const octets = first < 0x80 ? 0 : first & 0x7f;
    const length = octets === 0 ? first : bytes.readUIntBE(at + 2, octets);
    const start = at + 2 + octets;
    const inner = bytes.subarray(start, start + length);
    nodes.push({ tag, content: (tag & 0x20) === 0 ? inner : read(inner) });
    at = start + length;
  }
  return nodes;
}

function write({ tag, content, form }: Node): Buffer {
  const inner = Buffer.isBuffer(content) ? content : Buffer.concat(content.map(write));
  if (form === 'indefinite') return Buffer.concat([Buffer.of(tag, 0x80), inner, Buffer.of(0, 0)]);
  const digits = inner.length.toString(16);
  const octets = Buffer.from(digits.padStart(digits.length + (digits.length % 2), '0'), 'hex');
  if (form === 'long') return Buffer.concat([Buffer.of(tag, 0x80 | (octets.length + 1), 0), octets, inner]);
  if (inner.length < 0x80) return Buffer.concat([Buffer.of(tag, inner.length), inner]);
  return Buffer.concat([Buffer.of(tag, 0x80 | octets.length), octets, inner]);
}

/** Follows children by their places. */
function at(node: Node, ...places: readonly number[]): Node {
  return places.reduce((found, place) => (found.content as Node[])[place] as Node, node);
}

const children = (node: Node) => node.content as Node[];
const TOKEN = [1] as const;
const SIGNED_DATA = [1, 1, 0] as const;
const SIGNER = [...SIGNED_DATA, 4, 0] as const;
const ATTRIBUTES = [...SIGNER, 3] as const;

/** A good answer with something else in its writing. */
function changed(change: (response: Node) => void): Buffer {
  const [response] = read(good()) as [Node];
  change(response);
  return write(response);
}

/** The same in the signed content. */
function changedInfo(change: (info: Node) => void): Buffer {
  return changed((response) => {
    const octets = at(response, ...SIGNED_DATA, 2, 1, 0);
    const [info] = read(octets.content as Buffer) as [Node];
    change(info);
    octets.content = write(info);
  });
}

/** What pkijs reads of an answer, all of it that a verifier of timestamps needs. */
function readByPkijs(bytes: Uint8Array) {
  const response = new pkijs.TimeStampResp({ schema: asn1js.fromBER(Uint8Array.from(bytes)).result });
  const data = new pkijs.SignedData({ schema: response.timeStampToken?.content });
  const content = data.encapContentInfo.eContent?.getValue() ?? new ArrayBuffer(0);
  return { info: new pkijs.TSTInfo({ schema: asn1js.fromBER(content).result }), data, response };
}

const SECOND = Buffer.from('3003020101', 'hex');

/** What pkijs takes for a timestamp and is none: two programs would read two things in it, or one reads what nobody
 *  signed so. The strict reader refuses each of them. Decision 0084. */
describe('answers that pkijs reads and that are not as the standards ask for', () => {
  it.each<[string, () => Buffer]>([
    ['bytes after the answer', () => Buffer.concat([good(), Buffer.of(0x05, 0)])],
    ['bytes of another answer after it', () => Buffer.concat([good(), good('wrong_imprint')])],
    ['a length in more bytes than it needs', () => changed((r) => void (at(r, ...TOKEN).form = 'long'))],
    ['signed data without a length (BER)', () => changed((r) => void (at(r, ...SIGNED_DATA).form = 'indefinite'))],
    [
      'content in pieces (BER)',
      () =>
        changed((r) => {
          const octets = at(r, ...SIGNED_DATA, 2, 1, 0);
          const whole = octets.content as Buffer;
          octets.tag = 0x24;
          octets.content = [whole.subarray(0, 9), whole.subarray(9)].map((content) => ({ tag: 0x04, content }));
        }),
    ],
    ['attributes in another order', () => good('unsorted_attributes')],
    ['an attribute twice', () => changed((r) => void children(at(r, ...ATTRIBUTES)).push(at(r, ...ATTRIBUTES, 1)))],
    ['something after the signed data', () => good('trailing_in_token')],
    ['another version of signed data', () => changed((r) => void (at(r, ...SIGNED_DATA, 0).content = Buffer.of(9)))],
    ['another version of the signer', () => changed((r) => void (at(r, ...SIGNER, 0).content = Buffer.of(9)))],
    ['two signers', () => good('two_signers')],
    [
      'a digest algorithm with parameters',
      () => changed((r) => void children(at(r, ...SIGNER, 2)).push(...read(SECOND))),
    ],
    ['another version of the timestamp', () => changedInfo((i) => void (at(i, 0).content = Buffer.of(9)))],
    ['a time with a zero at the end of its fraction', () => good('malformed_time')],
    ['a serial number with zeros in front', () => changedInfo((i) => void (at(i, 3).content = Buffer.of(0, 0, 7)))],
    [
      'a default that is written out',
      () => changedInfo((i) => void children(i).splice(6, 0, { tag: 0x01, content: Buffer.of(0) })),
    ],
    [
      'a truth that is neither 00 nor FF',
      () => changedInfo((i) => void children(i).splice(6, 0, { tag: 0x01, content: Buffer.of(1) })),
    ],
    [
      'an accuracy of no milliseconds',
      () => changedInfo((i) => void children(at(i, 5)).push({ tag: 0x80, content: Buffer.of(0) })),
    ],
  ])('%s', (_, make) => {
    const bytes = make();
    expect(readByPkijs(bytes).info.messageImprint.hashAlgorithm.algorithmId).toBe('2.16.840.1.101.3.4.2.1');
    expect(() => parseTimestampResponse(bytes)).toThrow(DerError);
  });

  it('come out of pkijs as other bytes than went in, so that nobody could tell from what it has read', () => {
    const padded = changed((r) => void (at(r, ...TOKEN).form = 'long'));
    expect(Buffer.from(readByPkijs(padded).response.toSchema().toBER()).equals(padded)).toBe(false);
  });

  it('are read alike by both where they are as they should be', () => {
    const bytes = good();
    const ours = parseTimestampResponse(bytes).token;
    const { info, data } = readByPkijs(bytes);
    expect(ours?.info).toMatchObject({ policy: info.policy, genTimeMs: info.genTime.getTime() });
    expect(
      Buffer.from(info.messageImprint.hashedMessage.valueBlock.valueHexView).equals(ours?.info.imprint as Buffer),
    ).toBe(true);
    expect(data.signerInfos).toHaveLength(1);
    expect(ours?.signer.attributes.map(({ oid }) => oid)).toEqual(
      data.signerInfos[0]?.signedAttrs?.attributes.map(({ type }) => type),
    );
  });
});
