import { describe, expect, it } from '@jest/globals';
import { BUNDLE_LABEL, BundleFormatError, cutIntoLines, readBundle } from '../../src/domain/audit/bundle/bundle.js';
import { parseLeaf } from '../../src/domain/audit/log/leaf.js';
import { canonicalJson } from '../../src/domain/values/canonical-json.js';

type Header = Record<string, unknown>;

const HEADER: Header = {
  asked: { first: 3, last: 9 },
  certificate: 'a note',
  checkpoint: 'a note',
  createdAtUtc: '2026-11-23T12:00:00.000Z',
  evidence: { e: 'AA==' },
  known: [{ checkpoint: 'a note', proof: ['p'] }],
  lists: { requests: [{ row: 1 }], holds: [] },
  openings: { t: { id: 'i', kind: 'staff', salt: 'AA==' } },
  policyVersion: 1,
  proof: ['p'],
  query: { kind: 'range' },
  successions: ['s'],
  timestamp: { checkpoint: 'a note', proof: ['p'], token: 'AA==' },
};
const withMember = (name: string, value: unknown): Header => ({ ...HEADER, [name]: value });
const without = (value: unknown, name: string): Header =>
  Object.fromEntries(Object.entries(value as object).filter(([key]) => key !== name));
const read = (header: Header | string, ...leaves: readonly string[]) => {
  const line = typeof header === 'string' ? header : canonicalJson(header as never);
  return [...readBundle([BUNDLE_LABEL, line, ...leaves]).leaves];
};
const NO_TEXT = [1, null, {}, ['a']];
const NO_TEXTS = ['a', null, {}, ['a', 1], [['a']]];
const NO_OBJECT = ['a', 1, null, []];

/** The form of a bundle alone: no rule that judges it has to meet a value of another kind. */
describe('the form of a header', () => {
  it.each<[string, unknown]>([
    ['asked', null],
    ['policyVersion', null],
    ['timestamp', null],
    ['query', { kind: 'registration', requestId: 'r' }],
    ['lists', {}],
    ['known', []],
    ['openings', {}],
    ['evidence', {}],
    ['proof', []],
    ['successions', []],
  ])('may have as %s %j', (name, value) => {
    expect(read(withMember(name, value), 'end 0')).toEqual([]);
    expect(read(HEADER, 'end 0')).toEqual([]);
  });

  it.each(Object.keys(HEADER))('has the member %s', (name) => {
    expect(() => read(without(HEADER, name), 'end 0')).toThrow(BundleFormatError);
  });

  const { asked, known, openings, timestamp } = HEADER as Record<string, Record<string, unknown>>;
  const opening = openings!['t'] as Record<string, unknown>;
  const proven = (known as unknown as Record<string, unknown>[])[0]!;
  const wrong: [string, unknown][] = [
    ...['certificate', 'checkpoint', 'createdAtUtc'].flatMap((name) =>
      NO_TEXT.map((v) => [name, v] as [string, unknown]),
    ),
    ...['proof', 'successions'].flatMap((name) => NO_TEXTS.map((v) => [name, v] as [string, unknown])),
    ...['evidence', 'lists', 'openings', 'query'].flatMap((name) =>
      NO_OBJECT.map((v) => [name, v] as [string, unknown]),
    ),
    ...['asked', 'timestamp'].flatMap((name) => ['a', [], {}].map((v) => [name, v] as [string, unknown])),
    ['createdAtUtc', '2026-11-23'],
    ['createdAtUtc', ''],
    ...['1', 1.5, 2 ** 53, {}].map((v) => ['policyVersion', v] as [string, unknown]),
    ...['1', 1.5, null].flatMap((v): [string, unknown][] => [
      ['asked', { ...asked, first: v }],
      ['asked', { ...asked, last: v }],
    ]),
    ['asked', { ...asked, more: 1 }],
    ['asked', without(asked, 'first')],
    ['query', { kind: 'time' }],
    ['query', {}],
    ['lists', { others: [] }],
    ['lists', { requests: {} }],
    ['lists', { requests: [1] }],
    ['lists', { requests: [{}, null] }],
    ['lists', { requests: [{}], holds: [[]] }],
    ...['checkpoint', 'proof', 'token'].flatMap((name): [string, unknown][] => [
      ['timestamp', { ...timestamp, [name]: 1 }],
      ['timestamp', without(timestamp, name)],
    ]),
    ['timestamp', { ...timestamp, more: 'a' }],
    ['timestamp', { ...timestamp, proof: [1] }],
    ['known', 'a'],
    ['known', {}],
    ['known', [null]],
    ...['checkpoint', 'proof'].flatMap((name): [string, unknown][] => [
      ['known', [{ ...proven, [name]: 1 }]],
      ['known', [proven, without(proven, name)]],
    ]),
    ['known', [{ ...proven, more: 'a' }]],
    ...['id', 'kind', 'salt'].flatMap((name): [string, unknown][] => [
      ['openings', { t: { ...opening, [name]: 1 } }],
      ['openings', { t: opening, u: without(opening, name) }],
    ]),
    ['openings', { t: { ...opening, more: 'a' } }],
    ['openings', { t: 'a' }],
    ['evidence', { e: 'AA==', f: 1 }],
    ['evidence', { e: null }],
    ['more', 1],
  ];
  it.each(wrong)('has not as %s %j', (name, value) => {
    expect(() => read(withMember(name, value), 'end 0')).toThrow(BundleFormatError);
  });

  it.each(['', 'null', '[]', '"a"', '{', canonicalJson(HEADER as never).replace('{', '{ ')])('is not %j', (text) => {
    expect(() => read(text, 'end 0')).toThrow(/line 2 is not the header/);
  });

  it('stands in the second line, behind a label', () => {
    const line = canonicalJson(HEADER as never);
    expect(() => readBundle([])).toThrow(/line 1 is not/);
    expect(() => readBundle([`${BUNDLE_LABEL} `, line])).toThrow(/line 1 is not/);
    expect(() => readBundle([`${BUNDLE_LABEL}\r`, line])).toThrow(/CR LF/);
    expect(() => readBundle([BUNDLE_LABEL])).toThrow(/line 2/);
  });
});

describe('the leaves of a bundle', () => {
  it('are those with growing numbers, up to the line that counts them', () => {
    expect(read(HEADER, '0 a', '7 ', '9007199254740991 b c', 'end 3')).toEqual([
      { index: 0, text: 'a' },
      { index: 7, text: '' },
      { index: 9007199254740991, text: 'b c' },
    ]);
  });

  it.each<[RegExp, ...string[]]>([
    [/after 1 leaves without its end line/, '0 a'],
    [/without its end line/],
    [/states 2 leaves and has 1/, '0 a', 'end 2'],
    [/states 01 leaves and has 1/, '0 a', 'end 01'],
    [/states  leaves and has 0/, 'end '],
    [/line 4 comes after the end/, 'end 0', ''],
    [/line 5 comes after the end/, '0 a', 'end 1', '1 b'],
    [/leaf 3 comes after leaf 3/, '3 a', '3 b', 'end 2'],
    [/line 4: leaf 2 comes after leaf 3/, '3 a', '2 b', 'end 2'],
    ...['', 'a', ' a', '01 a', '-1 a', '1.5 a', '1e1 a', '9007199254740992 a', 'NaN a', '0', '12', 'end'].map(
      (line): [RegExp, ...string[]] => [/line 3 (?:is not a leaf|: leaf)|comes after leaf/, line, 'end 1'],
    ),
  ])('are refused: %p, %j', (words, ...lines) => {
    expect(() => read(HEADER, ...lines)).toThrow(BundleFormatError);
    expect(() => read(HEADER, ...lines)).toThrow(words);
  });

  it('are cut at line feeds, wherever the pieces of a file end', () => {
    expect([...cutIntoLines(['a\nb', 'c\n', '', '\nd', '\n'])]).toEqual(['a', 'bc', '', 'd']);
    expect([...cutIntoLines([])]).toEqual([]);
    expect(() => [...cutIntoLines(['a\n', 'b'])]).toThrow(/middle of a line/);
  });
});

describe('the form of a leaf', () => {
  const metadata = { actor: 'system:door', recordedAtUtc: '2026-11-23T12:00:00.000Z' };
  const LEAF: Header = { data: {}, id: 'i', metadata, revision: 0, schemaVersion: 1, stream: 's', type: 't' };
  const parsed = (leaf: unknown) => parseLeaf(canonicalJson(leaf as never));

  it('is that of a stored event', () => {
    expect(parsed(LEAF)).toEqual(LEAF);
    const most = { ...LEAF, revision: 2 ** 53 - 1, schemaVersion: 2 ** 53 - 1, metadata: { ...metadata, more: 1 } };
    expect(parsed(most)).toEqual(most);
  });

  it.each<[string, unknown]>([
    ...Object.keys(LEAF).map((name): [string, unknown] => [`no ${name}`, without(LEAF, name)]),
    ...['id', 'stream', 'type'].flatMap((name) =>
      NO_TEXT.map((value): [string, unknown] => [`another ${name}`, { ...LEAF, [name]: value }]),
    ),
    ...['data', 'metadata'].flatMap((name) =>
      NO_OBJECT.map((value): [string, unknown] => [`another ${name}`, { ...LEAF, [name]: value }]),
    ),
    ...[-1, 0.5, 2 ** 53, '0', null].map((revision): [string, unknown] => ['another revision', { ...LEAF, revision }]),
    ...[0.5, 2 ** 53, '1', null].map((schemaVersion): [string, unknown] => ['a version', { ...LEAF, schemaVersion }]),
    ...['actor', 'recordedAtUtc'].flatMap((name): [string, unknown][] => [
      [`another ${name}`, { ...LEAF, metadata: { ...metadata, [name]: 1 } }],
      [`no ${name}`, { ...LEAF, metadata: without(metadata, name) }],
    ]),
    ['a member more', { ...LEAF, more: 1 }],
    ['nothing', null],
    ['a list', []],
  ])('is not one with %s', (_, leaf) => {
    expect(parsed(leaf)).toBeNull();
  });

  it.each(['', '{', canonicalJson(LEAF as never).replace(':', ': ')])('is not %j', (text) => {
    expect(parseLeaf(text)).toBeNull();
  });
});
