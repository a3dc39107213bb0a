import type { Json } from '../../src/domain/event-envelope.js';
import { canonicalJson } from '../../src/domain/values/canonical-json.js';
import { parseCertificate } from '../../src/infrastructure/x509/certificate/certificate.js';
import { splitSource } from '../../src/infrastructure/x509/path/trust-anchors.js';

/** A kind of bytes that may change without the outcome changing, because nobody is told anything by them. */
export interface TellsNothing {
  readonly kind: string;
  /** The file of the reader in which they stand. */
  readonly of: 'list' | 'roots' | 'tsaRoots';
  /** Whether the files differ in such bytes alone. */
  readonly isSame: (bytes: Buffer, changed: Buffer) => boolean;
  /** A change of this kind. */
  readonly sample: (bytes: Buffer) => Buffer;
}

/** All of them: six at most. None is in a bundle, in a checkpoint or in a CRL. Another one is a decision, not a line
 * here. */
export const TELLS_NOTHING: readonly TellsNothing[] = [
  {
    kind: 'white space and escapes of a list that is kept as JSON: its values are compared, not its letters',
    of: 'list',
    isSame: (bytes, changed) => valuesOf(bytes) === valuesOf(changed),
    sample: (bytes) =>
      Buffer.from(JSON.stringify(JSON.parse(bytes.toString()), null, 7).replace('"list"', '"\\u006cist"')),
  },
  {
    kind: 'text around the certificates of a file, and how they are written in it: the certificates are used',
    of: 'roots',
    isSame: areSameCertificates,
    sample: (bytes) => Buffer.from(`other words\n${bytes.toString().replaceAll('\n', '\r\n')}`),
  },
  {
    kind: 'the same in the file of the timestamp authority',
    of: 'tsaRoots',
    isSame: areSameCertificates,
    sample: (bytes) => Buffer.from(`other words\n${bytes.toString().replaceAll('\n', '\r\n')}`),
  },
  {
    kind: "what a root of the timestamp authority says beside its name and its key: the reader's own file vouches for itself",
    of: 'tsaRoots',
    isSame: (bytes, changed) => rootOf(bytes) === rootOf(changed),
    sample: (bytes) => {
      const [der] = splitSource(bytes) as [Buffer];
      return Buffer.concat([der.subarray(0, -1), Buffer.of((der.at(-1) as number) ^ 1)]);
    },
  },
];

function valuesOf(bytes: Buffer): string {
  return canonicalJson(JSON.parse(bytes.toString()) as Json);
}

function areSameCertificates(bytes: Buffer, changed: Buffer): boolean {
  const [before, after] = [splitSource(bytes), splitSource(changed)];
  return before.length === after.length && before.every((der, i) => der.equals(after[i] as Buffer));
}

function rootOf(bytes: Buffer): string {
  const { subject, spki } = parseCertificate(splitSource(bytes)[0] as Buffer);
  return `${subject.toString('hex')} ${spki.toString('hex')}`;
}
