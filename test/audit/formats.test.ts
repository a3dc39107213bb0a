import { createHash, createHmac, generateKeyPairSync, randomBytes, sign, verify, createPublicKey } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { fromBase64, toBase64, toHex, utf8 } from '../../src/domain/audit/log/bytes.js';
import { checkpointText, parseCheckpoint } from '../../src/domain/audit/log/checkpoint.js';
import { commitmentToken, hmacOf } from '../../src/domain/audit/log/commitment.js';
import { leafText, parseLeaf, personsIn, type StoredText } from '../../src/domain/audit/log/leaf.js';
import {
  hexId,
  judgeNote,
  NoteFormatError,
  parseNote,
  parseVerifierKey,
  verifierKey,
  verifierKeyText,
  writeNote,
  type SignedNote,
} from '../../src/domain/audit/log/signed-note.js';
import {
  decodeEntries,
  encodeEntries,
  ENTRY_BYTES_MAX,
  hashInTile,
  parseTilePath,
  tilePath,
  tileWidth,
  tileOfNode,
} from '../../src/domain/audit/log/tiles.js';
import { isNamedEvidence, sealedEvidenceName } from '../../src/domain/audit/replay/evidence-name.js';
import { sha1 } from '../../src/infrastructure/audit/digest.js';
import { canonicalJson } from '../../src/domain/values/canonical-json.js';

const sha256 = (bytes: Uint8Array) => new Uint8Array(createHash('sha256').update(bytes).digest());
const hmac = (key: Uint8Array, message: Uint8Array) =>
  new Uint8Array(createHmac('sha256', key).update(message).digest());
const isSigned = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) =>
  verify(
    null,
    message,
    createPublicKey({
      key: Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), publicKey]),
      format: 'der',
      type: 'spki',
    }),
    signature,
  );

describe('the plain encodings', () => {
  it('agree with those of Node for any bytes and texts', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.string({ unit: 'grapheme', maxLength: 40 }), (bytes, text) => {
        expect(toBase64(bytes)).toBe(Buffer.from(bytes).toString('base64'));
        expect([...fromBase64(toBase64(bytes))]).toEqual([...bytes]);
        expect(toHex(bytes)).toBe(Buffer.from(bytes).toString('hex'));
        expect(toHex(utf8(text))).toBe(Buffer.from(text).toString('hex'));
        expect(toHex(hmacOf(sha256)(bytes, utf8(text)))).toBe(toHex(hmac(bytes, utf8(text))));
      }),
      { seed: 1, numRuns: 300 },
    );
    expect(toHex(utf8('漢\ud83d\ude00\ud800x'))).toBe(Buffer.from('漢😀\ufffdx').toString('hex'));
  });
  it.each(['A', 'AA', 'AAA', 'AA=', 'AB==', 'AAE=A', '====', 'A A='])('refuse %j as base64', (text) => {
    expect(() => fromBase64(text)).toThrow(RangeError);
  });
});

describe('UTF-8', () => {
  const edges = [0, 0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xffff, 0x10000, 0x103ff, 0xffc00, 0x10ffff];
  it.each([
    ...edges.map((code) => String.fromCodePoint(code)),
    ...['\ud800', '\udbff', '\udc00', '\udfff', '\ud800a', '\ud800\ud800', '\udc00\udc00', '\udbffa\udfff'],
    '\ud800\udc00\udbff\udfff',
  ])('of %j is that of the platform', (text) => {
    expect(utf8(text)).toEqual(new TextEncoder().encode(text));
    expect(utf8(`a${text}b`)).toEqual(new TextEncoder().encode(`a${text}b`));
  });
});

describe('signed notes', () => {
  // The example of the C2SP signed-note specification's reference implementation (golang.org/x/mod/sumdb/note).
  const PETER = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
  const NOTE =
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
  const peter = parseVerifierKey(PETER, sha256);

  it('reads the published example and its key', () => {
    expect(verifierKeyText(peter)).toBe(PETER);
    const note = parseNote(NOTE);
    expect(judgeNote(note, [peter], isSigned)).toEqual({ verdict: 'signed', by: [peter] });
    expect(writeNote(note)).toBe(NOTE);
  });
  it('refuses a changed text, ignores keys that it does not know, and never takes the id alone', () => {
    const note = parseNote(NOTE);
    expect(judgeNote({ ...note, text: note.text.replace('answer', 'question') }, [peter], isSigned).verdict).toBe(
      'bad_signature',
    );
    expect(judgeNote(note, [], isSigned).verdict).toBe('unsigned');
    expect(judgeNote(note, [{ ...peter, id: peter.id ^ 1 }], isSigned).verdict).toBe('unsigned');
    expect(judgeNote(note, [{ ...peter, name: 'Other' }], isSigned).verdict).toBe('unsigned');
  });
  it.each([
    ['no empty line', 'text\n— a AAAAAAA=\n'],
    ['no signature', 'text\n\n\n'],
    ['no newline at the end', NOTE.slice(0, -1)],
    ['something in place of the newline at the end', `${NOTE.slice(0, -1)}x`],
    ['a control character', `a\tb\n\n${NOTE.split('\n\n')[1]}`],
    ['a wrong dash', NOTE.replace('\u2014', '-')],
    ['bad base64', NOTE.replace('x08go/', 'x08go!')],
    ['base64 of another form', NOTE.replace('nAM=', 'nAN=')],
    ['a signature that is an id alone', 'text\n\n\u2014 a AAAAAA==\n'],
    ['a signature line that begins with something else', NOTE.replace('\u2014', 'x\u2014')],
    ['a signature line that ends with something else', NOTE.replace(/\n$/, ' x\n')],
    ['a signature line without a name', NOTE.replace('PeterNeumann ', '')],
    ['a name with a plus sign', NOTE.replace('PeterNeumann', 'Peter+Neumann')],
    ['a text without a line', '\n\u2014 a AAAAAAA=\n'],
  ])('refuses a note with %s', (_, note) => {
    expect(() => parseNote(note)).toThrow(NoteFormatError);
  });
  it('takes the shortest text, signature and the longest note that are allowed', () => {
    const line = '\u2014 a AAAAAAA=\n';
    const shortest = { text: '\n', signatures: [{ name: 'a', id: 0, bytes: new Uint8Array(1) }] };
    expect(parseNote(`\n\n${line}`)).toEqual(shortest);
    const text = 'x'.repeat(1_000_000 - line.length - 2);
    expect(parseNote(`${text}\n\n${line}`).text.length).toBe(text.length + 1);
    expect(() => parseNote(`${text}x\n\n${line}`)).toThrow('too long');
  });
  it.each(['text', 'a\tb\n', 'a\ufffd\n', 'a\u001fb\n', ''])('writes no note of the text %j', (text) => {
    expect(() => writeNote({ text, signatures: [] })).toThrow(NoteFormatError);
  });
  it('judges each line under the id of a key, and names a key once', () => {
    const note = parseNote(NOTE);
    const [signature] = note.signatures as [SignedNote['signatures'][0]];
    const lines = (...signatures: SignedNote['signatures']) => judgeNote({ ...note, signatures }, [peter], isSigned);
    expect(lines(signature, signature)).toEqual({ verdict: 'signed', by: [peter] });
    const cut = { ...signature, bytes: signature.bytes.slice(1) };
    expect(lines(signature, cut)).toEqual({ verdict: 'bad_signature', by: peter });
    // Whatever a platform makes of a signature of another length: it is not asked.
    expect(judgeNote({ ...note, signatures: [cut] }, [peter], () => true).verdict).toBe('bad_signature');
  });
  it.each([
    ['something before it', `x ${PETER}`],
    ['something behind it', `${PETER} x`],
    ['a name with a space', PETER.replace('Peter', 'Peter ')],
    ['an id in capitals', PETER.replace('c74f20a3', 'C74F20A3')],
    ['another kind of key', verifierKeyText(peter).replace(/ARpc/, 'BBpc')],
    ['a byte too few', PETER.replace(/TW$/, '==')],
    ['a byte too many', `${PETER}AA==`],
    ['base64 of another form', PETER.replace(/TW$/, 'T=')],
  ])('refuses a key with %s', (_, text) => {
    expect(() => parseVerifierKey(text, sha256)).toThrow(NoteFormatError);
  });
  it('writes the id of a key with eight digits, and reads a key with white space around it', () => {
    expect([hexId(1), hexId(0xffffffff)]).toEqual(['00000001', 'ffffffff']);
    expect(parseVerifierKey(` ${PETER}\n`, sha256)).toEqual(peter);
  });
  it('refuses a key whose id is that of another key', () => {
    expect(() => parseVerifierKey(PETER.replace('c74f20a3', 'c74f20a4'), sha256)).toThrow(/does not belong/);
  });
  it('writes what it reads, with many signatures', () => {
    const pair = generateKeyPairSync('ed25519');
    const key = verifierKey(
      'log.example/honnin',
      new Uint8Array(pair.publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)),
      sha256,
    );
    const text = checkpointText({ origin: 'log.example/honnin', size: 7, root: randomBytes(32) });
    const mine = { name: key.name, id: key.id, bytes: new Uint8Array(sign(null, Buffer.from(text), pair.privateKey)) };
    const others = Array.from({ length: 15 }, (_, i) => ({ name: `witness-${i}`, id: i, bytes: randomBytes(64) }));
    const note = writeNote({ text, signatures: [...others, mine] });
    const { checkpoint, note: parsed } = parseCheckpoint(note);
    expect(checkpoint.size).toBe(7);
    expect(judgeNote(parsed, [key], isSigned)).toEqual({ verdict: 'signed', by: [key] });
  });
  const checkpoint =
    (...lines: readonly string[]) =>
    () =>
      parseCheckpoint(`${lines.join('\n')}\n\n— a AAAAAAA=\n`);
  const root = toBase64(new Uint8Array(32));
  it.each(['01', '-1', '1.0', '', 'x1', '1x', '9007199254740992', '99999999999999999'])(
    'refuses %j as the size of a checkpoint',
    (size) => {
      expect(checkpoint('o', size, root)).toThrow(NoteFormatError);
    },
  );
  it.each([
    ['without a name', ['', '1', root]],
    ['without a root', ['o', '1']],
    ['of a name alone', ['o']],
    ['with an empty line behind it', ['o', '1', root, '']],
    ['with an empty line among others', ['o', '1', root, 'a', '', 'b']],
  ])('refuses a checkpoint %s', (_, lines) => {
    expect(checkpoint(...lines)).toThrow(NoteFormatError);
  });
  it('takes the smallest and the largest size, and lines that it does not know', () => {
    for (const size of [0, Number.MAX_SAFE_INTEGER])
      expect(checkpoint('o', String(size), root, 'more')().checkpoint.size).toBe(size);
  });
});

describe('tiles', () => {
  it.each([
    [{ level: 0, index: 0, width: 256 }, 'tile/0/000'],
    [{ level: 0, index: 1234067, width: 256 }, 'tile/0/x001/x234/067'],
    [{ level: 2, index: 5, width: 7 }, 'tile/2/005.p/7'],
    [{ level: 'entries' as const, index: 1000, width: 255 }, 'tile/entries/x001/000.p/255'],
  ])('%j is at %s', (name, path) => {
    expect(tilePath(name)).toBe(path);
    expect(parseTilePath(path)).toEqual(name);
  });
  it.each([
    'tile/0/0',
    'tile/0/000.p/0',
    'tile/0/000.p/256',
    'tile/0/x000/001',
    'tile/00/000',
    'tile/0/../keys',
    'tile/0/001/002',
    '/tile/0/000',
    'tile/data/000',
    'tile/0/000.p/5/more',
    'tile/0/000 ',
    'tile/0',
    'tile/64/000',
    'tile/0/x999/x999/x999/x999/x999/x999/999',
  ])('%s is no address', (path) => {
    expect(parseTilePath(path)).toBeNull();
  });
  it('has its hashes one behind the other', () => {
    const tile = Uint8Array.from({ length: 96 }, (_, i) => i);
    expect([0, 1, 2].map((k) => [...hashInTile(tile, k)])).toEqual(
      [0, 32, 64].map((from) => [...tile.subarray(from, from + 32)]),
    );
  });

  it('knows the width of every tile of a tree and where a node is', () => {
    expect([
      tileWidth(0, 0, 70000),
      tileWidth(0, 273, 70000),
      tileWidth(1, 1, 70000),
      tileWidth(2, 0, 70000),
      tileWidth(3, 0, 70000),
    ]).toEqual([256, 112, 17, 1, 0]);
    expect(tileOfNode(0, 300)).toEqual({ level: 0, index: 1, from: 44, levelInTile: 0 });
    expect(tileOfNode(9, 3)).toEqual({ level: 1, index: 0, from: 6, levelInTile: 1 });
  });
  it('gives entries back as they were, and nothing for bytes that are cut', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 }), (entries) => {
        const bundle = encodeEntries(entries);
        expect(decodeEntries(bundle)?.map(toHex)).toEqual(entries.map(toHex));
        if (bundle.length > 0) expect(decodeEntries(bundle.subarray(0, -1))?.length ?? -1).toBeLessThan(entries.length);
      }),
      { seed: 3, numRuns: 200 },
    );
    expect(() => encodeEntries([new Uint8Array(65536)])).toThrow(RangeError);
  });
});

describe('leaves', () => {
  const salts = (person: { kind: string; id: string }) => sha256(utf8(`salt of ${person.kind} ${person.id}`));
  const tokenOf = (person: { kind: 'registrant' | 'staff' | 'receipt' | 'content'; id: string }) =>
    commitmentToken(person, salts(person), hmac);
  const stored = (change: Partial<StoredText> & { dataOf?: object; actor?: string } = {}): StoredText => ({
    stream: 'registration-r1',
    revision: 3,
    id: '11111111-1111-4111-8111-111111111111',
    type: 'Test',
    schemaVersion: 1,
    data: canonicalJson((change.dataOf ?? { b: 1, a: '漢' }) as never),
    metadata: canonicalJson({
      actor: change.actor ?? 'system:test',
      causationId: 'c',
      correlationId: 'r1',
      policyVersion: 1,
      recordedAtUtc: '2026-11-23T09:00:00.000Z',
    }),
    ...change,
  });

  it('are the canonical JSON of the whole envelope', () => {
    const text = leafText(stored(), tokenOf);
    expect(canonicalJson(JSON.parse(text))).toBe(text);
    expect(parseLeaf(text)?.data).toEqual({ a: '漢', b: 1 });
  });
  it('hold a token where somebody is named, also deep inside, and nobody in clear', () => {
    const event = stored({
      stream: 'registrant-SECRET',
      actor: 'officer:SECRET',
      dataOf: {
        subjectKey: 'SECRET',
        receipt: 'SECRET',
        officers: ['SECRET', 'SECRET2'],
        by: 'SECRET',
        effects: [{ effect: { officers: ['SECRET'] } }],
      },
    });
    const text = leafText(event, tokenOf);
    expect(text).not.toContain('SECRET');
    const leaf = parseLeaf(text);
    expect(leaf?.stream).toBe(`registrant-${tokenOf({ kind: 'registrant', id: 'SECRET' })}`);
    expect(leaf?.metadata.actor).toBe(`officer:${tokenOf({ kind: 'staff', id: 'SECRET' })}`);
    expect(canonicalJson(JSON.parse(text))).toBe(text);
    expect(new Set(personsIn(event).map((p) => `${p.kind} ${p.id}`))).toEqual(
      new Set(['registrant SECRET', 'receipt SECRET', 'staff SECRET', 'staff SECRET2']),
    );
  });
  it('leave parts of the system as they are', () => {
    expect(leafText(stored({ dataOf: { by: 'system:bootstrap' }, actor: 'system:bootstrap' }), tokenOf)).toContain(
      '"by":"system:bootstrap"',
    );
  });
  it('commit to an event as a whole when it does not fit into a bundle', () => {
    const text = leafText(stored({ dataOf: { long: '漢'.repeat(30_000) } }), tokenOf);
    expect(utf8(text).length).toBeLessThan(1000);
    const token = tokenOf({ kind: 'content', id: `${stored().id}\n${canonicalJson({ long: '漢'.repeat(30_000) })}` });
    expect(parseLeaf(text)?.data).toEqual({ tooLarge: token });
  });
  it('hold an event whole up to the last byte that fits', () => {
    const around = utf8(leafText(stored({ dataOf: { long: '' } }), tokenOf)).length;
    const fits = leafText(stored({ dataOf: { long: 'x'.repeat(ENTRY_BYTES_MAX - around) } }), tokenOf);
    expect(utf8(fits).length).toBe(ENTRY_BYTES_MAX);
    const over = leafText(stored({ dataOf: { long: 'x'.repeat(ENTRY_BYTES_MAX - around + 1) } }), tokenOf);
    expect(over).toContain('tooLarge');
  });
  it('hold tokens also in place of members of another shape, and of names that are written with escapes', () => {
    const secret = tokenOf({ kind: 'staff', id: 'SEC"RET' });
    const text = leafText(stored({ dataOf: { by: 'SEC"RET', officers: ['SEC"RET', 7, null] } }), tokenOf);
    expect(parseLeaf(text)?.data).toEqual({ by: secret, officers: [secret, 7, null] });
    const plain = leafText(stored({ dataOf: { by: 'SEC"RET', officers: ['SEC"RET', 'system:door'] } }), tokenOf);
    expect(parseLeaf(plain)?.data).toEqual({ by: secret, officers: [secret, 'system:door'] });
    const deep = leafText(stored({ dataOf: { at: [{ by: 'SEC"RET', officers: [1] }, null, 'by'] } }), tokenOf);
    expect(parseLeaf(deep)?.data).toEqual({ at: [{ by: secret, officers: [1] }, null, 'by'] });
    expect(leafText(stored({ dataOf: { officers: ['system:door', 1], by: null } }), tokenOf)).toContain(
      '"system:door"',
    );
    expect(parseLeaf(text)?.stream).toBe('registration-r1');
  });
});

/** The digest binds the bytes, the id binds them to the effect that asked: both must fit. */
describe('the evidence that an event names', () => {
  const hashes = { sha256, sha1 };
  const bytes = Buffer.from('what the responder said');
  const digest = Buffer.from(sha256(bytes)).toString('hex');
  const id = sealedEvidenceName('effect-1', bytes, hashes);

  it.each([
    ['with its digest', { id, sha256: digest }, 'effect-1', bytes, true],
    ['of the time before digests', { id, sha256: null }, 'effect-1', bytes, true],
    ['of another effect', { id, sha256: digest }, 'effect-2', bytes, false],
    ['with other bytes', { id, sha256: digest }, 'effect-1', Buffer.from('something else'), false],
    ['with other bytes, of the time before digests', { id, sha256: null }, 'effect-1', Buffer.from('else'), false],
    ['with another digest', { id, sha256: '0'.repeat(64) }, 'effect-1', bytes, false],
    ['with another name', { id: 'evidence-1', sha256: digest }, 'effect-1', bytes, false],
  ])('%s is known: %#', (_, name, effect, content, is) => {
    expect(isNamedEvidence(name, effect, content, hashes)).toBe(is);
  });
});
