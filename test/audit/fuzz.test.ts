import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AuditLists } from '../../src/application/audit/audit-lists.js';
import { evidenceBytes } from '../../src/application/case/sealed-evidence.js';
import { BundleFormatError, readBundle } from '../../src/domain/audit/bundle/bundle.js';
import { parseCheckpoint } from '../../src/domain/audit/log/checkpoint.js';
import { judgeCosignature, parseWitnessKey } from '../../src/domain/audit/log/cosignature.js';
import { notesInText } from '../../src/domain/audit/copies/compare-copies.js';
import { readSuccession, successionText } from '../../src/domain/audit/log/key-succession.js';
import { parseLeaf } from '../../src/domain/audit/log/leaf.js';
import { isCalledLoss, readLoss } from '../../src/domain/audit/log/loss-declaration.js';
import { parseTilePath } from '../../src/domain/audit/log/tiles.js';
import { parseListCertificate } from '../../src/domain/audit/lists/list-certificate.js';
import {
  NoteFormatError,
  parseNote,
  parseVerifierKey,
  verifierKeyText,
  writeNote,
} from '../../src/domain/audit/log/signed-note.js';
import { verifyBundle } from '../../src/domain/audit/bundle/verify-bundle.js';
import { verifyList } from '../../src/domain/audit/lists/verify-list.js';
import { isSignedEd25519, sha256 } from '../../src/infrastructure/audit/digest.js';
import { timestampAnchors } from '../../src/infrastructure/audit/outlets/configured-outlets.js';
import { certificateRules } from '../../src/infrastructure/jpki/certificate-check.js';
import { certificateJudge } from '../../src/infrastructure/jpki/judge-kept-verdict.js';
import { TrustAnchors } from '../../src/infrastructure/x509/path/trust-anchors.js';
import { HttpTimestampAuthority } from '../../src/infrastructure/timestamp/http-timestamp-authority.js';
import { verifyTimestamp } from '../../src/infrastructure/timestamp/timestamp-verifier.js';
import { SyntheticHistory } from '../../src/sandbox/synthetic-history.js';
import {
  startTimestampAuthority,
  type TimestampAuthorityStandIn,
} from '../../src/sandbox/timestamp/timestamp-authority.js';
import { makeAuthority, makeCardCertificate, ecKey } from '../certificate/support/certificate-factory.js';
import { mutate, seeded } from '../certificate/support/mutations.js';
import { foreignEnvironment, peer, peerProgram } from '../support/peers.js';
import { soakFactor, soakSeed } from '../support/soak.js';
import { WitnessStandIn } from '../support/witness-stand-in.js';
import { DECLARED, NEW, OLD } from './lost-log.js';
import { MadeKey } from './made-bundle.js';
import { AuditWorld, ORIGIN, primitives } from './support.js';
import { Clock } from '../../src/application/ports/store/clock.js';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** Whatever bytes a reader of the log is given: it never throws but what it says that it throws, never takes over 250
 * ms, and what was changed is never right. Each run is seeded; a found case is its seed. A soak of factor 100 makes
 * five and a half million executions here, and one more in certificate/fuzz. */
const SEED = soakSeed(20261130);
const MS_MAX = 250;
/** Executions of one reader: of small texts, and of what is judged whole with its signatures. */
const SMALL_RUNS = 6_000 * soakFactor();
const WHOLE_RUNS = 60 * soakFactor();
const LIMIT_MS = 300_000 * soakFactor();

const READ_TEXTS = resolve('test/audit/second-verifier/read_texts.py');
const SUCCESSOR = new MadeKey(33, OLD.key.name);

type Random = (below: number) => number;
const WORDS = [
  '\n',
  '\n\n',
  '\r',
  '\u2014 ',
  '\u0000',
  '\ufffd',
  '\ud800',
  '\u202e',
  ' ',
  '+',
  '=',
  '"',
  '\\',
  '{',
  '}',
  '[',
  ']',
  ',',
  'null',
  '1e999',
  '-0',
  '9007199254740993',
  '0x',
  '"__proto__":{}',
  'A'.repeat(3000),
  '['.repeat(5000),
  '\u{1f600}',
];

/** One to three changes of a text: a sign, a piece, a line, a word that readers stumble over. */
function changedText(text: string, random: Random): string {
  let current = text;
  for (let n = 1 + random(3); n > 0; n -= 1) {
    const [at, end] = [random(current.length + 1), random(current.length + 1)].toSorted((a, b) => a - b) as [
      number,
      number,
    ];
    const lines = current.split('\n');
    const kinds: (() => string)[] = [
      () =>
        current.slice(0, at) + String.fromCharCode(current.charCodeAt(at) ^ (1 << random(7))) + current.slice(at + 1),
      () => current.slice(0, at) + (WORDS[random(WORDS.length)] as string) + current.slice(at),
      () => current.slice(0, at) + current.slice(Math.min(end, at + 1 + random(40))),
      () => current.slice(0, at),
      () => current.slice(0, end) + current.slice(at, Math.min(end, at + 200)) + current.slice(end),
      () => lines.toSpliced(random(lines.length), 1).join('\n'),
      () => lines.toSpliced(random(lines.length), 0, lines[random(lines.length)] as string).join('\n'),
      () => current.replace(/\d+/, () => String(random(2 ** 31))),
      () => current.slice(0, at) + String.fromCharCode(32 + random(95)) + current.slice(at + 1),
    ];
    current = (kinds[random(kinds.length)] as () => string)();
  }
  return current;
}

/** Milliseconds that a step takes. A slow one is repeated: what hangs hangs again, what was interrupted by a busy
 * machine does not. */
function timed(step: () => void): number {
  let elapsed = Infinity;
  for (let attempt = 0; attempt < 5 && elapsed >= MS_MAX; attempt += 1) {
    const started = performance.now();
    step();
    elapsed = Math.min(elapsed, performance.now() - started);
  }
  return elapsed;
}

/** What a reader says of texts, against what the second verifier says of the same: no two readers differ. */
class SecondReader {
  private readonly said = new Map<string, boolean>();
  private taken = 0;

  /** @param kind null: of which the second verifier says nothing */
  constructor(private readonly kind: string | null) {}

  told(text: string, isTaken: boolean): void {
    if (this.kind === null || peer('python3') !== null) return;
    // In portions, so that a soak does not hold all of them at once.
    if (this.said.size >= 20_000 && !this.said.has(text)) this.compare();
    this.said.set(text, isTaken);
  }

  private compare(): void {
    const texts = [...this.said.keys()];
    const input = texts.map((text) => `${JSON.stringify([this.kind, text])}\n`).join('');
    const { stdout, stderr } = spawnSync(peerProgram('python3')!, ['-B', READ_TEXTS], {
      env: foreignEnvironment(),
      input,
      encoding: 'utf8',
      maxBuffer: 2 ** 30,
    });
    const theirs = stdout.trim();
    if (theirs.length !== texts.length) throw new Error(`the second verifier ended: ${stderr}`);
    const different = texts.filter((text, i) => this.said.get(text) !== (theirs[i] === '1'));
    expect(different.slice(0, 5).map((text) => ({ text, isTakenHere: this.said.get(text) }))).toEqual([]);
    compared += texts.length;
    this.taken += [...this.said.values()].filter(Boolean).length;
    this.said.clear();
  }

  /** @returns how many of the changed texts both have taken */
  finish(): number {
    if (this.said.size > 0) this.compare();
    return this.kind === null || peer('python3') !== null ? 1 : this.taken;
  }
}

let executions = 0;
let compared = 0;
/** Runs a reader over changed inputs. @param expected errors that it says it throws */
function fuzz<Input>(
  runs: number,
  change: (random: Random) => Input,
  read: (input: Input) => void,
  ...expected: (abstract new (...args: never[]) => Error)[]
): number {
  const random = seeded(SEED);
  let slowest = 0;
  for (let run = 0; run < runs; run += 1) {
    const input = change(random);
    const elapsed = timed(() => {
      try {
        read(input);
      } catch (error) {
        if (!expected.some((kind) => error instanceof kind))
          throw new Error(`run ${run}, seed ${SEED}: ${String(error)}: ${JSON.stringify(input).slice(0, 2000)}`, {
            cause: error,
          });
      }
    });
    slowest = Math.max(slowest, elapsed);
    executions += 1;
  }
  return slowest;
}

class FixedClock extends Clock {
  override nowUtc(): string {
    return '2026-11-23T12:00:00.000Z';
  }
}

describe('readers of the log, given damaged input', () => {
  let world: AuditWorld;
  let witness: WitnessStandIn;
  let authority: TimestampAuthorityStandIn;
  let lines: string[];
  const note = () => world.log.checkpoint()!.note;

  beforeAll(async () => {
    world = await AuditWorld.open();
    await world.append([...new SyntheticHistory({ seed: 3 }).appends(2)]);
    await world.publish();
    await world.keys.rotate(world.log.checkpoint(), { destroyOld: false });
    witness = await WitnessStandIn.start('witness.example/fuzz', ORIGIN, () => world.keys.keys());
    const { text, signatures } = parseNote(note());
    writeFileSync(join(world.auditFolder, 'cosigned'), writeNote({ text, signatures }) + witness.line(text));
    authority = await startTimestampAuthority({ print: () => {} });
    lines = await world.bundle({ kind: 'range', from: 0, to: null }, { lists: ['requests', 'policies'] });
  }, 60_000);
  afterAll(async () => {
    process.stdout.write(
      `fuzzing of the readers of the log: ${executions} executions, ${compared} texts by both readers, seed ${SEED}\n`,
    );
    await witness.stop();
    await authority.close();
    await world.close();
  });

  type Small = [
    what: string,
    /** As test/audit/second-verifier/read_texts.py calls it; null: it does not read it. */
    kind: string | null,
    original: () => string,
    /** Whether the text is taken, where it is not refused by an error. */
    read: (text: string) => unknown,
    ...expected: (abstract new (...args: never[]) => Error)[],
  ];
  const succession = OLD.note(
    successionText({ origin: OLD.key.name, from: OLD.key, to: SUCCESSOR.key, size: 9, root: sha256(new Uint8Array()) }),
    SUCCESSOR,
  );
  /** Otherwise a signature that does not fit hides what a reader makes of the text. */
  function resigned(whole: string, random: Random): string {
    const text = changedText(parseNote(whole).text, random);
    const other = whole === succession ? SUCCESSOR : NEW;
    try {
      return OLD.note(text, other);
    } catch (error) {
      if (error instanceof NoteFormatError) return text;
      throw error;
    }
  }
  const ed25519 = { hash: sha256, isSigned: isSignedEd25519 };
  const small: Small[] = [
    ['a note', 'note', note, parseNote, NoteFormatError],
    [
      'a checkpoint with cosignatures',
      'checkpoint',
      () => world.log.cosigned()!.note,
      parseCheckpoint,
      NoteFormatError,
    ],
    ['several notes in one text', null, () => note() + note(), (text) => notesInText(text)],
    [
      'a key',
      'key',
      () => verifierKeyText(world.keys.keys()[0]!),
      (text) => parseVerifierKey(text, sha256),
      NoteFormatError,
    ],
    ['the key of a witness', 'witness', () => witness.vkey, (text) => parseWitnessKey(text, sha256), NoteFormatError],
    ['a succession', 'succession', () => world.keys.successions()[0]!, (text) => readSuccession(text, ed25519)],
    [
      'a succession, signed after it was changed',
      'succession',
      () => succession,
      (text) => readSuccession(text, ed25519),
    ],
    ['a declaration of loss', 'loss', () => DECLARED, (text) => isCalledLoss(text) && readLoss(text, ed25519)],
    [
      'a declaration of loss, signed after it was changed',
      'loss',
      () => DECLARED,
      (text) => isCalledLoss(text) && readLoss(text, ed25519),
    ],
    ['a leaf', 'leaf', () => world.log.leaf(3), parseLeaf],
    ['the path of a tile', null, () => 'tile/0/x001/234.p/5', parseTilePath],
  ];
  it.each(small)(
    '%s',
    (what, kind, original, read, ...expected) => {
      const text = original();
      expect(read(text)).toBeTruthy();
      const others = new SecondReader(kind);
      const slowest = fuzz(
        SMALL_RUNS,
        (random) => (what.endsWith('signed after it was changed') ? resigned(text, random) : changedText(text, random)),
        (changed) => {
          others.told(changed, false);
          const isTaken = Boolean(read(changed));
          others.told(changed, isTaken);
        },
        ...expected,
      );
      expect(slowest).toBeLessThan(MS_MAX);
      const taken = others.finish();
      if (kind !== null) expect(taken).toBeGreaterThan(0);
    },
    LIMIT_MS,
  );

  it(
    'a cosignature, which never stands for another text',
    () => {
      const key = parseWitnessKey(witness.vkey, sha256);
      const { text } = parseNote(note());
      const whole = writeNote(parseNote(world.log.cosigned()!.note));
      const slowest = fuzz(
        SMALL_RUNS,
        (random) => changedText(whole, random),
        (changed) => {
          const read = parseNote(changed);
          if (judgeCosignature(read, key, isSignedEd25519).verdict === 'cosigned' && read.text !== text)
            throw new TypeError('another text is cosigned');
        },
        NoteFormatError,
      );
      expect(slowest).toBeLessThan(MS_MAX);
    },
    LIMIT_MS,
  );

  it(
    'a bundle line by line',
    () => {
      const text = lines.slice(0, 6).join('\n');
      const slowest = fuzz(
        SMALL_RUNS / 10,
        (random) => changedText(text, random),
        (changed) => {
          for (const _ of readBundle(changed.split('\n')).leaves);
        },
        BundleFormatError,
      );
      expect(slowest).toBeLessThan(MS_MAX);
    },
    LIMIT_MS,
  );

  it(
    'a whole bundle, which is never right where it was changed',
    () => {
      const text = `${lines.join('\n')}\n`;
      const options = {
        trusted: world.keys.keys(),
        witnesses: { keys: [parseWitnessKey(witness.vkey, sha256)], needed: 1 },
      };
      expect(verifyBundle(lines, primitives, options).judgement).toBe('right');
      const slowest = fuzz(
        WHOLE_RUNS,
        (random) => changedText(text, random),
        (changed) => {
          const { judgement } = verifyBundle(changed.split('\n').slice(0, -1), primitives, options);
          // What comes after the last line feed is no line: the reader of files refuses it before.
          if (judgement === 'right' && changed.slice(0, changed.lastIndexOf('\n') + 1) !== text)
            throw new TypeError('it is right');
        },
      );
      expect(slowest).toBeLessThan(MS_MAX);
    },
    LIMIT_MS,
  );

  it(
    'a list and its certificate, which are never right where they were changed',
    async () => {
      const lists = new AuditLists(world.log, world.keys, world.store, world.pseudonyms, new FixedClock());
      const page = JSON.stringify(
        await lists.page({ list: 'requests', filter: {}, moment: 'now', withNames: false, cursor: null, limit: 100 }),
      );
      const options = { trusted: world.keys.keys(), bundle: lines };
      expect(verifyList([JSON.parse(page)], primitives, options).judgement).toBe('right');
      const { certificate } = JSON.parse(page) as { certificate: string };
      const certificateText = parseNote(certificate).text;
      expect(
        fuzz(
          SMALL_RUNS,
          (random) => changedText(certificateText, random),
          (text) => void parseListCertificate(text),
          NoteFormatError,
        ),
      ).toBeLessThan(MS_MAX);
      const slowest = fuzz(
        WHOLE_RUNS,
        (random) => changedText(page, random),
        (changed) => {
          let given: unknown;
          try {
            given = JSON.parse(changed);
          } catch {
            // The command says so; the reader of lists is not asked.
            return;
          }
          const isSame = JSON.stringify(given) === page;
          if (verifyList([given], primitives, options).judgement === 'right' && !isSame)
            throw new TypeError('it is right');
        },
      );
      expect(slowest).toBeLessThan(MS_MAX);
    },
    LIMIT_MS,
  );

  it(
    'sealed evidence',
    () => {
      const root = makeAuthority(ecKey());
      const certificate = makeCardCertificate(root, ecKey(), { serial: 1 });
      const sealed = {
        certificate,
        statusKind: 'ocsp' as const,
        statusResponse: Buffer.from('answer'),
        ocspNonce: 'aa',
      };
      const bytes = evidenceBytes(sealed as never, {
        certificateType: 'user_authentication',
        signedText: '{}',
        signature: 'AA==',
        at: '2026-11-23T12:00:00.000Z',
        faceRecord: null,
      });
      const judge = certificateJudge(
        certificateRules(TrustAnchors.load({ user_authentication: [root.certificate], digital_signature: [] }, 'test')),
      );
      const text = Buffer.from(bytes).toString();
      const kept = {
        index: 0,
        requestId: 'r',
        verdict: 'valid',
        reason: null,
        evidence: {},
        agreement: null,
        sealedEvidenceId: 'evidence-1',
        sealedEvidenceSha256: null,
        effectId: 'e',
        request: null,
      } as never;
      const slowest = fuzz(
        SMALL_RUNS / 10,
        (random) => changedText(text, random),
        (changed) => {
          if (judge(Object.assign({}, kept, { sealed: Buffer.from(changed) })).judged === 'reproduced')
            throw new TypeError('it is reproduced');
        },
      );
      expect(slowest).toBeLessThan(MS_MAX);
    },
    LIMIT_MS,
  );

  it(
    'a timestamp, which never stands for another text',
    async () => {
      writeFileSync(join(world.folder, 'anchor.pem'), authority.anchorPem);
      const anchors = timestampAnchors([join(world.folder, 'anchor.pem')]);
      const message = Buffer.from(note());
      const asking = new HttpTimestampAuthority({
        url: authority.tsaUrl,
        anchors,
        policy: null,
        timeoutMs: 30_000,
        clockToleranceMs: 60_000,
        crlUrls: [authority.crlUrl],
        basic: null,
      });
      const { response, crls } = await asking.stamp(message);
      const check = { nonce: null, policy: null, anchors, notBeforeMs: null, notAfterMs: Date.now() + 60_000, crls };
      const judge = (changed: Uint8Array, text: Uint8Array) =>
        verifyTimestamp({ ...check, response: changed, message: text }).verdict;
      expect(judge(response, message)).toBe('good');
      const other = Buffer.from('another text');
      const slowest = fuzz(
        WHOLE_RUNS * 5,
        (random) => mutate(Buffer.from(response), random).bytes,
        (changed) => {
          judge(changed, message);
          if (judge(changed, other) === 'good') throw new TypeError('it stands for another text');
        },
      );
      expect(slowest).toBeLessThan(MS_MAX);
    },
    LIMIT_MS,
  );
});
