/** Seeded randomness (mulberry32), so that a found case is found again. */
export function seeded(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

interface Element {
  readonly start: number;
  readonly contentStart: number;
  readonly end: number;
}

/** Every TLV element in the bytes, outer before inner, as far as they can be read. */
function elements(bytes: Buffer): Element[] {
  const found: Element[] = [];
  const walk = (from: number, to: number): void => {
    let at = from;
    while (at + 2 <= to && found.length < 5000) {
      const first = bytes[at + 1]!;
      const count = first < 0x80 ? 0 : first & 0x7f;
      if (first === 0x80 || count > 4 || at + 2 + count > to) return;
      const length = first < 0x80 ? first : bytes.readUIntBE(at + 2, count);
      const contentStart = at + 2 + count;
      if (contentStart + length > to) return;
      found.push({ start: at, contentStart, end: contentStart + length });
      if ((bytes[at]! & 0x20) !== 0 || bytes[at] === 0x04) walk(contentStart, contentStart + length);
      at = contentStart + length;
    }
  };
  walk(0, bytes.length);
  return found.length > 0 ? found : [{ start: 0, contentStart: Math.min(2, bytes.length), end: bytes.length }];
}

const INTERESTING = [0x00, 0x01, 0x7f, 0x80, 0x81, 0x84, 0x88, 0xff, 0x1f, 0x30, 0x31, 0x24, 0x05, 0xa0];

type Random = (below: number) => number;
type Mutation = (bytes: Buffer, random: Random) => Buffer;

const splice = (bytes: Buffer, start: number, end: number, insert: Buffer): Buffer =>
  Buffer.concat([bytes.subarray(0, start), insert, bytes.subarray(end)]);
const pick = <T>(list: readonly T[], random: Random): T => list[random(list.length)]!;

/** Ways to damage DER: lengths, tags, BER forms, elements dropped, doubled, swapped, emptied, nested; and plain
 * bytes. */
export const MUTATIONS: Readonly<Record<string, Mutation>> = {
  bit: (bytes, random) => {
    const copy = Buffer.from(bytes);
    copy[random(copy.length)]! ^= 1 << random(8);
    return copy;
  },
  byte: (bytes, random) => {
    const copy = Buffer.from(bytes);
    copy[random(copy.length)] = pick(INTERESTING, random);
    return copy;
  },
  length: (bytes, random) => {
    const copy = Buffer.from(bytes);
    copy[pick(elements(bytes), random).start + 1] = pick(INTERESTING, random);
    return copy;
  },
  tag: (bytes, random) => {
    const copy = Buffer.from(bytes);
    copy[pick(elements(bytes), random).start] = random(256);
    return copy;
  },
  'long length': (bytes, random) => {
    const { start, contentStart, end } = pick(elements(bytes), random);
    return splice(
      bytes,
      start + 1,
      contentStart,
      Buffer.of(0x84, 0, 0, (end - contentStart) >> 8, (end - contentStart) & 0xff),
    );
  },
  indefinite: (bytes, random) => {
    const { start, contentStart, end } = pick(elements(bytes), random);
    return Buffer.concat([
      bytes.subarray(0, start + 1),
      Buffer.of(0x80),
      bytes.subarray(contentStart, end),
      Buffer.of(0, 0),
      bytes.subarray(end),
    ]);
  },
  drop: (bytes, random) => {
    const { start, end } = pick(elements(bytes), random);
    return repaired(bytes, start, end, Buffer.alloc(0));
  },
  double: (bytes, random) => {
    const { start, end } = pick(elements(bytes), random);
    const one = bytes.subarray(start, end);
    return repaired(bytes, start, end, Buffer.concat([one, one]));
  },
  empty: (bytes, random) => {
    const { start, end } = pick(elements(bytes), random);
    return repaired(bytes, start, end, Buffer.of(bytes[start]!, 0));
  },
  swap: (bytes, random) => {
    const list = elements(bytes);
    const [a, b] = [pick(list, random), pick(list, random)];
    return repaired(bytes, a.start, a.end, bytes.subarray(b.start, b.end));
  },
  nest: (bytes, random) => {
    const { start, end } = pick(elements(bytes), random);
    const depth = 1 + random(200);
    let inner = bytes.subarray(start, end);
    for (let i = 0; i < depth && inner.length < 20_000; i++) inner = Buffer.concat([header(0x30, inner.length), inner]);
    return repaired(bytes, start, end, inner);
  },
  truncate: (bytes, random) => bytes.subarray(0, random(bytes.length)),
  append: (bytes, random) => Buffer.concat([bytes, Buffer.alloc(1 + random(8), random(256))]),
};

function header(tag: number, length: number): Buffer {
  if (length < 0x80) return Buffer.of(tag, length);
  return length < 0x100 ? Buffer.of(tag, 0x81, length) : Buffer.of(tag, 0x82, length >> 8, length & 0xff);
}

/** Replaces an element and corrects the lengths around it, so that the damage reaches the inner parsers. */
function repaired(bytes: Buffer, start: number, end: number, insert: Buffer): Buffer {
  const around = elements(bytes)
    .filter((e) => e.contentStart <= start && e.end >= end)
    .reverse();
  let content = insert;
  let [from, to] = [start, end];
  for (const outer of around) {
    const inside = Buffer.concat([bytes.subarray(outer.contentStart, from), content, bytes.subarray(to, outer.end)]);
    if (inside.length > 0xffff) break;
    content = Buffer.concat([header(bytes[outer.start]!, inside.length), inside]);
    [from, to] = [outer.start, outer.end];
  }
  return splice(bytes, from, to, content);
}

/** One to three mutations. */
export function mutate(bytes: Buffer, random: Random): { readonly bytes: Buffer; readonly how: string } {
  let current = bytes;
  const how: string[] = [];
  const kinds = Object.keys(MUTATIONS);
  for (let i = 1 + random(3); i > 0 && current.length > 2; i--) {
    const kind = pick(kinds, random);
    how.push(kind);
    current = MUTATIONS[kind]!(current, random);
  }
  return { bytes: current, how: how.join('+') };
}
