import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { toBase64 } from '../../src/domain/audit/log/bytes.js';
import { parseCheckpoint } from '../../src/domain/audit/log/checkpoint.js';
import { judgeCosignature, judgeWitnesses } from '../../src/domain/audit/log/cosignature.js';
import { keysThatFollow, readSuccession } from '../../src/domain/audit/log/key-succession.js';
import {
  chosenRows,
  coveredByListCertificate,
  listCertificateText,
  parseListCertificate,
  type CertifiedPage,
  type ListClaim,
} from '../../src/domain/audit/lists/list-certificate.js';
import {
  consistencyProof,
  inclusionProof,
  isConsistent,
  rootFromInclusion,
  rootFromSet,
  rootHash,
  setProof,
  TreeRangeError,
} from '../../src/domain/audit/log/merkle-tree.js';
import { ListDrawer, type ListName } from '../../src/domain/audit/lists/list-drawer.js';
import {
  NoteFormatError,
  parseNote,
  parseVerifierKey,
  verifierKey,
  verifierKeyText,
  type SignedNote,
} from '../../src/domain/audit/log/signed-note.js';
import { verifyBundle } from '../../src/domain/audit/bundle/verify-bundle.js';
import { verifyList, type VerifyListOptions } from '../../src/domain/audit/lists/verify-list.js';
import { parseLeaf } from '../../src/domain/audit/log/leaf.js';
import type { JsonObject } from '../../src/domain/event-envelope.js';
import { canonicalJson } from '../../src/domain/values/canonical-json.js';
import { hasher, sha256 } from '../../src/infrastructure/audit/digest.js';
import { SyntheticHistory } from '../../src/sandbox/synthetic-history.js';
import {
  leafWith,
  MADE_ORIGIN,
  MadeKey,
  madeLeaves,
  MadeLog,
  MadeWitness,
  WHOLE_WITH_EVIDENCE,
} from './made-bundle.js';
import { primitives } from './support.js';

const [key, next, third] = [new MadeKey(21), new MadeKey(22), new MadeKey(23)];
const otherName = new MadeKey(24, 'other.example/log');
const log = new MadeLog(madeLeaves(new SyntheticHistory({ seed: 5 }).appends(3, { registrants: 2 })), key);
const empty = new MadeLog([], key);
const size = log.leaves.length;
const hash = new Uint8Array(32).fill(1);
const nodes = () => hash;
const digest = (value: unknown) =>
  createHash('sha256')
    .update(canonicalJson(value as never))
    .digest('hex');

/** Each refusal of a reader has its case: what is not tested says nobody knows what. */
describe('a tree', () => {
  it.each([-1, 1.5, Number.NaN, 2 ** 53])('has no %p leaves', (leaves) => {
    expect(() => rootHash(hasher, nodes, leaves)).toThrow(TreeRangeError);
    expect(isConsistent(hasher, [], { first: leaves, firstRoot: hash, second: leaves, secondRoot: hash })).toBe(false);
    expect(rootFromInclusion(hasher, [], { index: 0, size: leaves, leaf: hash })).toBeNull();
  });

  it('has no leaf behind its end, and does not begin with a larger one', () => {
    expect(() => inclusionProof(hasher, nodes, { index: 5, size: 5 })).toThrow(TreeRangeError);
    expect(() => consistencyProof(hasher, nodes, { first: 6, second: 5 })).toThrow(TreeRangeError);
    expect(rootFromInclusion(hasher, [], { index: 5, size: 5, leaf: hash })).toBeNull();
    expect(isConsistent(hasher, [], { first: 6, firstRoot: hash, second: 5, secondRoot: hash })).toBe(false);
  });

  it('leads from a leaf to its root by a proof of exactly its length', () => {
    const at = (level: number, index: number) => sha256(Uint8Array.of(level, index));
    for (let count = 1; count <= 9; count += 1) {
      const root = rootHash(hasher, log.node, count);
      for (let index = 0; index < count; index += 1) {
        const place = { index, size: count, leaf: log.node(0, index) };
        const proof = inclusionProof(hasher, log.node, place);
        expect(rootFromInclusion(hasher, proof, place)).toEqual(root);
        expect(rootFromInclusion(hasher, [...proof, at(0, 0)], place)).toBeNull();
        if (proof.length > 0) expect(rootFromInclusion(hasher, proof.slice(1), place)).toBeNull();
      }
    }
  });

  it.each([
    [1, 1],
    [-1, 1],
    [0.5, 1],
    [Number.NaN, 1],
    [2, 2],
    [0, 0],
    [0, 2 ** 53],
  ])('has no leaf %p of %p to lead from', (index, count) => {
    for (const proof of [[], [hash]]) {
      expect(rootFromInclusion(hasher, proof, { index, size: count, leaf: hash })).toBeNull();
    }
    expect(() => inclusionProof(hasher, nodes, { index, size: count })).toThrow(TreeRangeError);
  });

  it.each([
    [-1, 5],
    [0.5, 5],
    [Number.NaN, 5],
    [0, Number.NaN],
    [0, 1.5],
    [0, -1],
  ])('of %p is the beginning of none of %p', (first, second) => {
    expect(() => consistencyProof(hasher, nodes, { first, second })).toThrow(TreeRangeError);
    expect(isConsistent(hasher, [], { first, firstRoot: hasher.empty(), second, secondRoot: hash })).toBe(false);
  });

  it('takes no proof that is too short or too long', () => {
    const trees = { first: 3, firstRoot: hash, second: 5, secondRoot: hash };
    expect(isConsistent(hasher, [], trees)).toBe(false);
    const long = Array.from({ length: 9 }, () => hash);
    expect(isConsistent(hasher, long, trees)).toBe(false);
    expect(rootFromSet(hasher, [], { indices: [], size: 0, leafAt: nodes })).toEqual(hasher.empty());
    expect(rootFromSet(hasher, [hash], { indices: [], size: 0, leafAt: nodes })).toBeNull();
  });

  it.each([[[1, 1]], [[2, 1]], [[5]], [[-1]], [[0.5]]])('takes no list of leaves such as %j', (indices) => {
    expect(() => setProof(hasher, nodes, { indices, size: 5 })).toThrow(TreeRangeError);
  });
});

describe('a note', () => {
  it.each(['', 'a b', 'a+b', 'a\tb'])('has no signer of the name %j', (name) => {
    expect(() => verifierKey(name, hash, sha256)).toThrow(NoteFormatError);
  });

  it('has keys of 32 bytes, written as keys are', () => {
    expect(() => verifierKey('a', hash.slice(1), sha256)).toThrow(NoteFormatError);
    for (const text of ['', 'nonsense', 'a+00000000+!', 'a+00000000+AAAA', 'a+0000000+AQAA']) {
      expect(() => parseVerifierKey(text, sha256)).toThrow(NoteFormatError);
    }
  });

  it('is not longer, and has no more signatures, than notes have', () => {
    const note = key.note('text\n');
    const line = note.slice(note.indexOf('\u2014'));
    expect(() => parseNote(`${'x\n'.repeat(500_001)}\n${line}`)).toThrow('too long');
    expect(() => parseNote(`text\n\n${line.repeat(65)}`)).toThrow('too many signatures');
    expect(parseNote(`text\n\n${line.repeat(64)}`).signatures).toHaveLength(64);
  });

  it('is no checkpoint with a root of another length', () => {
    expect(() => parseCheckpoint(key.note(`${MADE_ORIGIN}\n3\n${toBase64(hash.slice(1))}\n`))).toThrow(NoteFormatError);
    expect(() => parseCheckpoint(key.note(`${MADE_ORIGIN}\n3\n?\n`))).toThrow(NoteFormatError);
  });

  it.each([4, 5, 7])('is no succession with %d lines', (count) => {
    const { text } = parseNote(log.succession(key, next, size));
    const lines = [...text.split('\n').slice(0, 6), 'one more'].slice(0, count);
    const read = (signed: string) => readSuccession(signed, { hash: sha256, isSigned: primitives.isSigned });
    expect(read(key.note(text, next))).toEqual({ from: key.text, to: next.text });
    expect(read(key.note(`${lines.join('\n')}\n`, next))).toBeNull();
  });
});

describe('the keys of a log', () => {
  const read = (note: string) => readSuccession(note, { hash: sha256, isSigned: primitives.isSigned });
  const elsewhere = new MadeKey(25, 'other.example/log');
  const rewritten = (change: (text: string) => string, from: MadeKey, to: MadeKey) =>
    from.note(change(parseNote(log.succession(from, to, size)).text), to);
  const same = (text: string) => text;

  it.each<[string, string]>([
    ['signed by the old key alone', key.note(parseNote(log.succession(key, next, size)).text)],
    ['signed by the new key alone', next.note(parseNote(log.succession(key, next, size)).text)],
    ['signed by another', third.note(parseNote(log.succession(key, next, size)).text, next)],
    ['changed after it was signed', log.succession(key, next, size).replace(`\n${size}\n`, `\n${size + 1}\n`)],
    ['of one key', rewritten(same, key, key)],
    ['of another label', rewritten((text) => text.replace('v1', 'v2'), key, next)],
    ['of another log', rewritten((text) => text.replace(`\n${MADE_ORIGIN}\n`, '\nother.example/log\n'), key, next)],
    ['to a key of another name', rewritten(same, key, elsewhere)],
    [
      'from a key of another name',
      rewritten((text) => text.replace('\nother.example/log\n', `\n${MADE_ORIGIN}\n`), elsewhere, key),
    ],
    ['with a space behind the old key', rewritten((text) => text.replace(key.text, `${key.text} `), key, next)],
    ['with a space behind the new key', rewritten((text) => text.replace(next.text, `${next.text} `), key, next)],
    ['with a key that is none', key.note(parseNote(log.succession(key, next, size)).text.replace(next.text, 'none'))],
  ])('are not changed by a succession %s', (_, note) => {
    expect(read(note)).toBeNull();
    expect(keysThatFollow([key.key], [note], { hash: sha256, isSigned: primitives.isSigned })).toEqual([key.key]);
  });

  it('follow from those before them, in whatever order and however often that is told', () => {
    const [first, second] = [log.succession(key, next, 1), log.succession(next, third, 2)];
    const follow = (trusted: MadeKey[], ...notes: string[]) =>
      keysThatFollow(
        trusted.map((each) => each.key),
        notes,
        { hash: sha256, isSigned: primitives.isSigned },
      ).map((each) => verifierKeyText(each));
    expect(follow([key], second, first)).toEqual([key.text, next.text, third.text]);
    expect(follow([key], first, second, first)).toEqual([key.text, next.text, third.text]);
    expect(follow([key, third], first, second)).toEqual([key.text, third.text, next.text]);
    expect(follow([key], second)).toEqual([key.text]);
    expect(follow([next], first, second)).toEqual([next.text, third.text]);
    expect(follow([], first)).toEqual([]);
  });
});

describe('the cosignatures of a checkpoint', () => {
  const [one, two, three] = [6, 7, 8].map((seed) => new MadeWitness(seed, `w.example/${seed}`)) as [
    MadeWitness,
    MadeWitness,
    MadeWitness,
  ];
  const line = (witness: MadeWitness, atSeconds: number, note = log.checkpoint()) =>
    parseNote(witness.cosign(note, atSeconds)).signatures.at(-1)!;
  const judged = (...signatures: SignedNote['signatures']) =>
    judgeCosignature({ ...parseNote(log.checkpoint()), signatures }, one.key, primitives.isSigned);

  it('is of the latest time that the witness has told, and of no other witness', () => {
    expect(judged()).toEqual({ verdict: 'absent' });
    expect(judged(line(two, 5))).toEqual({ verdict: 'absent' });
    expect(judged({ ...line(two, 5), name: one.key.name })).toEqual({ verdict: 'absent' });
    expect(judged({ ...line(two, 5), id: one.key.id })).toEqual({ verdict: 'absent' });
    expect(judged(line(one, 9), line(two, 99), line(one, 7))).toEqual({ verdict: 'cosigned', atSeconds: 9 });
    expect(judged(line(one, 0))).toEqual({ verdict: 'cosigned', atSeconds: 0 });
  });

  it('is wrong where one of its lines is, or tells a time that no clock shows', () => {
    expect(judged(line(one, 9), { ...line(two, 5), name: one.key.name, id: one.key.id })).toEqual({ verdict: 'wrong' });
    expect(judged(line(one, 9, key.note('another text\n')))).toEqual({ verdict: 'wrong' });
    expect(judged({ ...line(one, 9), bytes: line(one, 9).bytes.slice(0, -1) })).toEqual({ verdict: 'wrong' });
    const last = 8_640_000_000_000;
    expect(judged(line(one, last))).toEqual({ verdict: 'cosigned', atSeconds: last });
    expect(judged(line(one, last + 1))).toEqual({ verdict: 'wrong' });
  });

  it('says which checkpoint enough witnesses have cosigned, or most', () => {
    const at = (size: number, ...lines: SignedNote['signatures']) => {
      const { text, signatures } = parseNote(log.checkpoint(size));
      return { size, note: { text, signatures: [...signatures, ...lines] } };
    };
    const over = (witness: MadeWitness, size: number, atSeconds: number) =>
      line(witness, atSeconds, log.checkpoint(size));
    const keys = [one.key, two.key, three.key];
    const none = { isEnough: false, size: null, by: [], atUtc: null, needed: 2, of: 3 };
    const judge = (needed: number, ...notes: readonly { readonly size: number; readonly note: SignedNote }[]) =>
      judgeWitnesses(notes, { keys, needed }, primitives.isSigned);
    const [byOne, byTwo, byAll] = [
      at(5, over(one, 5, 50)),
      at(3, over(two, 3, 40), over(one, 3, 30)),
      at(2, over(three, 2, 10), over(one, 2, 20), over(two, 2, 20)),
    ];
    const of = (by: MadeWitness[], size: number, seconds: number, isEnough: boolean) => ({
      ...none,
      isEnough,
      size,
      by: by.map((witness) => witness.key.name),
      atUtc: new Date(seconds * 1000).toISOString(),
    });
    expect(judge(2)).toEqual({ witnessed: none, wrong: [] });
    expect(judge(2, at(4)).witnessed).toEqual(none);
    expect(judge(0, at(4)).witnessed).toEqual({ ...none, needed: 0 });
    expect(judge(2, byOne).witnessed).toEqual(of([one], 5, 50, false));
    // The larger of two that are enough, in either order; one that is enough before one that is larger.
    for (const notes of [
      [byTwo, byAll],
      [byAll, byTwo],
      [byOne, byTwo],
      [byTwo, byOne],
    ])
      expect(judge(2, ...notes).witnessed).toEqual(of([one, two], 3, 30, true));
    expect(judge(2, byTwo, at(3, over(one, 3, 1), over(three, 3, 1))).witnessed).toEqual(of([one, two], 3, 30, true));
    // Of two that are not enough the one that more have cosigned.
    for (const notes of [
      [byOne, byAll],
      [byAll, byOne],
    ])
      expect(judge(4, ...notes).witnessed).toEqual({ ...of([one, two, three], 2, 10, false), needed: 4 });
    expect(judge(4, byOne, at(4, over(two, 4, 1))).witnessed).toEqual({ ...of([one], 5, 50, false), needed: 4 });
    expect(judge(1, at(4, over(one, 5, 50)), byOne)).toEqual({
      witnessed: { ...of([one], 5, 50, true), needed: 1 },
      wrong: [{ size: 4, witness: one.key.name }],
    });
  });
});

describe('a bundle', () => {
  const report = (lines: readonly string[], trusted = [key.key], known: readonly string[] = []) =>
    verifyBundle(lines, primitives, { trusted, known });
  const codes = (lines: readonly string[], trusted = [key.key]) =>
    report(lines, trusted).discrepancies.map(({ code }) => code);

  it('of a log that has nothing in it yet is right', () => {
    const query = {
      by: 'range',
      from: 0,
      kind: 'range',
      lists: [],
      to: null,
      withEvidence: false,
      withOpenings: false,
    } as const;
    const lines = empty.bundle({ asked: { first: 0, last: -1 }, query });
    expect(report(lines)).toMatchObject({ judgement: 'right', leaves: 0, first: null, last: null, treeSize: 0 });
  });

  it('claims no gaps in a range that nobody asked for only where it has no leaves', () => {
    const query = {
      by: 'time',
      fromUtc: '2020-01-01T00:00:00.000Z',
      kind: 'range',
      toUtc: '2020-01-02T00:00:00.000Z',
    } as const;
    expect(report(log.bundle({ asked: null, query, indices: [] }))).toMatchObject({ noGaps: true, leaves: 0 });
    expect(report(log.bundle({ asked: null, query })).noGaps).toBe(false);
  });

  /** @fault L1 */
  it('that ends between the events of one decision accuses nobody', () => {
    const whole = new MadeLog(madeLeaves(new SyntheticHistory({ seed: 11 }).appends(24, { registrants: 8 })), key);
    const streams = whole.leaves.map((text) => parseLeaf(text)!.stream);
    const ends = streams.flatMap((stream, i) => (stream === streams[i + 1] ? [i] : []));
    const third = whole.leaves.findIndex(
      (text, i) => /"type":"OpinionGiven"/.test(text) && /"type":"HoldResolved"/.test(whole.leaves[i + 1] ?? ''),
    );
    expect([ends.length > 20, ends.includes(third)]).toEqual([true, true]);
    for (const to of ends) {
      const query = {
        by: 'range',
        from: 0,
        kind: 'range',
        lists: [],
        to,
        withEvidence: false,
        withOpenings: false,
      } as const;
      const indices = Array.from({ length: to + 1 }, (_, i) => i);
      const lines = whole.bundle({ indices, asked: { first: 0, last: to }, query });
      expect([to, report(lines).discrepancies]).toEqual([to, []]);
    }
  });

  it('names two successors, a key of another name and a timestamp on another log', () => {
    const successions = [log.succession(key, next, size), log.succession(key, third, size)];
    expect(codes(log.bundle({ header: { successions } }))).toEqual(['two_successors']);
    const checkpoint = otherName.note(parseNote(log.checkpoint()).text);
    expect(codes(log.bundle({ header: { checkpoint } }), [key.key, otherName.key])).toContain('origin_differs');
    const stamped = { checkpoint: log.checkpoint(2), proof: log.grown(3), token: '' };
    expect(codes(log.bundle({ header: { timestamp: stamped } }))).toEqual(['timestamp_checkpoint']);
  });

  it('is malformed with a hash of another length, and differs from a certificate with more lines', () => {
    const known = [{ checkpoint: log.checkpoint(3), proof: ['AAAA'] }];
    expect(codes(log.bundle({ header: { known } }))).toEqual(['bundle_malformed']);
    const lines = log.bundle();
    const header = JSON.parse(lines[1] as string) as { certificate: string };
    const text = parseNote(header.certificate).text;
    const longer = key.note(text.replace(/header [0-9a-f]{64}\n$/, (line) => `${line}${line}`));
    const changed = [lines[0] as string, canonicalJson({ ...header, certificate: longer } as never), ...lines.slice(2)];
    expect(report(changed).discrepancies).toEqual([
      expect.objectContaining({ code: 'certificate_differs', detail: expect.stringContaining('and should be ""') }),
    ]);
  });

  it('of before the certificate covered the header says of evidence that is not there that it is missing', () => {
    const query = WHOLE_WITH_EVIDENCE;
    expect(codes(log.bundle({ query, withHeaderLine: false }))).toContain('evidence_missing');
    const { discrepancies, undecided } = report(log.bundle({ query }));
    expect([discrepancies, undecided.map(({ code }) => code)[0]]).toEqual([[], 'evidence_absent']);
  });
});

describe('the certificate of a list', () => {
  const claim: ListClaim = {
    origin: MADE_ORIGIN,
    treeSize: 3,
    root: hash,
    list: 'requests',
    query: {},
    asOf: { position: 2 },
    events: 3,
    policyVersion: null,
    count: 0,
    rowsSha256: 'a'.repeat(64),
    page: { offset: 0, rows: 0, sha256: 'a'.repeat(64) },
    createdAtUtc: '2026-11-23T12:00:00.000Z',
    answerSha256: null,
  };
  const text = listCertificateText(claim);

  it('is read as it is written, without a policy and from before it covered the answer', () => {
    expect(parseListCertificate(text)).toEqual(claim);
    const later: ListClaim = {
      ...claim,
      policyVersion: 4,
      answerSha256: 'b'.repeat(64),
      asOf: { atUtc: '2026-11-23T12:00:00.000Z' },
    };
    expect(parseListCertificate(listCertificateText(later))).toEqual(later);
  });

  it.each<[string, string]>([
    ['another moment', text.replace('asof position 2', 'asof later 2')],
    ['an instant that is none', text.replace('asof position 2', 'asof instant now')],
    ['a root of another length', text.replace(toBase64(hash), toBase64(hash.slice(1)))],
    ['a root that is no base64', text.replace(toBase64(hash), '?')],
    ['a query that is no JSON', text.replace('query {}', 'query {')],
    ['a list that there is not', text.replace('list requests', 'list people')],
    ['a line too few', text.replace('events 3\n', '')],
    ['numbers that are none', text.replace('count 0', 'count many')],
  ])('is none with %s', (_, changed) => {
    expect(changed).not.toBe(text);
    expect(parseListCertificate(changed)).toBeNull();
  });

  it('has only open holds where resolved ones are not asked for', () => {
    const row = (outcome: string | null) => ({
      key: String(outcome),
      first: 0,
      last: 0,
      people: [],
      row: { outcome } as JsonObject,
    });
    expect(chosenRows('holds', {}, [row(null), row('released')]).map(({ key: name }) => name)).toEqual(['null']);
    expect(chosenRows('holds', { include: 'resolved' }, [row(null), row('released')])).toHaveLength(2);
  });
});

describe('a list', () => {
  /** What a server with the true key hands over. */
  const page = (
    list: ListName,
    change: {
      readonly rows?: readonly JsonObject[];
      readonly signer?: MadeKey;
      readonly checkpoint?: string;
      readonly openings?: CertifiedPage['openings'];
      readonly of?: MadeLog;
      readonly policyVersion?: number | null;
    } = {},
  ): CertifiedPage => {
    const { of = log, signer = key } = change;
    const drawer = new ListDrawer([list]);
    of.leaves.forEach((text, index) => drawer.feed(parseLeaf(text)!, index));
    const rows = change.rows ?? drawer.rows(list);
    const treeSize = of.leaves.length;
    const atUtc = parseLeaf(of.leaves.at(-1) as string)!.metadata.recordedAtUtc;
    const answer = {
      asOf: { position: treeSize - 1, atUtc, isNewest: true, treeSize },
      page: { offset: 0, rows: rows.length, of: rows.length },
      next: null,
      openings: change.openings ?? {},
      successions: [],
      checkpoint: change.checkpoint ?? of.checkpoint(),
    };
    const { root } = parseCheckpoint(of.checkpoint()).checkpoint;
    const policyVersion = change.policyVersion === undefined ? drawer.policyVersion : change.policyVersion;
    const text = listCertificateText({
      origin: MADE_ORIGIN,
      treeSize,
      root,
      list,
      query: {},
      asOf: { position: treeSize - 1 },
      events: treeSize,
      policyVersion,
      count: rows.length,
      rowsSha256: digest(rows),
      page: { offset: 0, rows: rows.length, sha256: digest(rows) },
      createdAtUtc: '2026-11-23T12:00:00.000Z',
      answerSha256: createHash('sha256').update(coveredByListCertificate(answer)).digest('hex'),
    });
    return { ...answer, list, query: {}, rows, certificate: signer.note(text) };
  };
  const check = (pages: readonly unknown[], options: Partial<VerifyListOptions> = {}) =>
    verifyList(JSON.parse(JSON.stringify(pages)) as unknown[], primitives, {
      trusted: [key.key],
      bundle: log.bundle(),
      ...options,
    });
  const codes = (pages: readonly unknown[], options: Partial<VerifyListOptions> = {}) => {
    const { discrepancies, undecided } = check(pages, options);
    return [...discrepancies, ...undecided].map(({ code }) => code);
  };

  it('is right as it is made here', () => {
    for (const list of ['requests', 'booths', 'policies', 'dashboard'] as const)
      expect([list, codes([page(list)])]).toEqual([list, []]);
  });

  it('is not believed without a certificate that is a note, with a key of another name, or beside one page that is none', () => {
    expect(codes([{ ...page('requests'), certificate: 'no note' }])).toEqual(['certificate_malformed']);
    expect(codes([page('requests', { signer: otherName })], { trusted: [key.key, otherName.key] })).toContain(
      'origin_differs',
    );
    expect(check([page('requests'), 'no page']).claim?.list).toBe('requests');
  });

  it('is wrong beside a checkpoint that is none, or whose signature is wrong', () => {
    const forged = log.checkpoint().replace(/([A-Za-z0-9+/=]+)\n$/, (encoded) => {
      const bytes = Buffer.from(encoded.trim(), 'base64');
      bytes[9]! ^= 1;
      return `${bytes.toString('base64')}\n`;
    });
    for (const checkpoint of ['none', forged])
      expect(codes([page('requests', { checkpoint })])).toContain('checkpoint_differs');
  });

  it('is held against checkpoints that the reader has', () => {
    const other = new MadeLog([...log.leaves.slice(0, -1), log.leaves[0] as string], key).checkpoint();
    expect(codes([page('requests')], { known: [other], bundle: null })).toEqual(['fork', 'not_drawn']);
    expect(codes([page('requests')], { known: [log.checkpoint(2)], bundle: null })).toEqual([
      'known_without_proof',
      'not_drawn',
    ]);
  });

  it('is not drawn again from a bundle of a later version, of nothing, or of nothing of it', () => {
    const later = log.leaves.map((text, i) =>
      i === 3 ? leafWith(text, (leaf) => void (leaf.schemaVersion = 99)) : text,
    );
    expect(codes([page('requests')], { bundle: new MadeLog(later, key).bundle() })).toContain('not_drawn');
    const query = {
      by: 'time',
      fromUtc: '2020-01-01T00:00:00.000Z',
      kind: 'range',
      toUtc: '2020-01-02T00:00:00.000Z',
    } as const;
    const none = check([page('requests')], { bundle: log.bundle({ asked: null, query, indices: [] }) });
    expect(none.undecided.map(({ detail }) => detail)).toContainEqual(
      expect.stringContaining('the bundle holds nothing to nothing'),
    );
  });

  it('is wrong with another policy than was in force, with none, and with an opening that opens nothing', () => {
    expect(codes([page('requests', { policyVersion: null })])).toEqual(['policy_differs']);
    const unruled = new MadeLog(
      log.leaves.filter((text) => !text.includes('"stream":"policy-')),
      key,
    );
    const given = page('booths', { of: unruled, policyVersion: 3 });
    expect(codes([given], { bundle: unruled.bundle() })).toContain('policy_differs');
    const openings = { 'committed:none': { kind: 'staff', id: 'x', salt: '?' } } as const;
    expect(codes([page('requests', { openings })])).toEqual(['opening_differs']);
  });

  it.each(['requests', 'booths', 'policies', 'dashboard'] as const)('names the row of %s that was changed', (list) => {
    const rows = page(list).rows.map((row, i) => (i === 0 ? { ...row, added: 1 } : row));
    expect(rows.length).toBeGreaterThan(0);
    expect(codes([page(list, { rows })])).toEqual(['row_changed']);
  });

  it('tells rows of accesses apart by nothing but themselves', () => {
    const rows = [{ act: 'view', requestId: 'x' }];
    expect(codes([page('accesses', { rows })])).toContain('row_added');
  });
});
