import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  ListsOfACaseError,
  UnknownCheckpointError,
  type BundleOptions,
  type BundleQuery,
} from '../../src/application/audit/bundle-maker.js';
import { mayBeShown, PageVerifier } from '../../src/console/verifier.js';
import { cutIntoLines, readBundle, type BundleHeader } from '../../src/domain/audit/bundle/bundle.js';
import { fromBase64, toBase64 } from '../../src/domain/audit/log/bytes.js';
import { checkpointText, parseCheckpoint } from '../../src/domain/audit/log/checkpoint.js';
import { parseLeaf, registrantOf } from '../../src/domain/audit/log/leaf.js';
import { LISTS } from '../../src/domain/audit/lists/list-drawer.js';
import { verifierKey, verifierKeyText, writeNote, type VerifierKey } from '../../src/domain/audit/log/signed-note.js';
import { isSoundReport, verifyBundle } from '../../src/domain/audit/bundle/verify-bundle.js';
import { verifyList } from '../../src/domain/audit/lists/verify-list.js';
import { canonicalJson } from '../../src/domain/values/canonical-json.js';
import { printable, printableJson } from '../../src/domain/values/printable.js';
import { sha256 } from '../../src/infrastructure/audit/digest.js';
import { SyntheticHistory } from '../../src/sandbox/synthetic-history.js';
import { peer } from '../support/peers.js';
import { soakCount } from '../support/soak.js';
import { leafWith, MadeKey, madeLeaves, MadeLog } from './made-bundle.js';
import { secondOpinions, type AskedOpinion } from './second-opinion.js';
import { AuditWorld, ORIGIN, primitives } from './support.js';

const CASES = resolve('../shared/cases/audit');
const whereCasesAre = existsSync(CASES) ? describe : describe.skip;
if (!existsSync(CASES)) process.stdout.write(`skipped: ${CASES} is not here\n`);

/** One reader for bundles and lists: right, wrong, or "cannot be judged, because …"; nobody honest is ever wrong. */
describe('the one reader', () => {
  let world: AuditWorld;
  /** Checkpoints of the log, oldest first; the key of the log was changed between the second and the third. */
  const notes: string[] = [];
  let keys: readonly VerifierKey[];
  let requestIds: readonly string[];
  let whole: string[];

  beforeAll(async () => {
    world = await AuditWorld.open();
    const appends = [...new SyntheticHistory({ seed: 11 }).appends(24, { registrants: 8 })];
    const step = Math.ceil(appends.length / 4);
    for (let i = 0; i < 4; i += 1) {
      await world.append(appends.slice(i * step, (i + 1) * step));
      await world.publish();
      notes.push(world.log.checkpoint()!.note);
      if (i === 1) await world.keys.rotate(world.log.checkpoint(), { destroyOld: false });
    }
    keys = world.keys.keys();
    whole = await world.bundle(
      { kind: 'range', from: 0, to: null },
      { lists: ['requests', 'holds'], withOpenings: true, known: [notes[0]!] },
    );
    requestIds = [
      ...new Set(
        whole.slice(2).flatMap((line) => /"correlationId":"([^"]+)".*"type":"RequestReceived"/.exec(line)?.[1] ?? []),
      ),
    ];
  });
  afterAll(() => world.close());

  const header = (lines: readonly string[]) => JSON.parse(lines[1]!) as BundleHeader;
  const withHeader = (lines: readonly string[], change: object) => [
    lines[0]!,
    canonicalJson({ ...header(lines), ...change } as never),
    ...lines.slice(2),
  ];
  /** What a dishonest server with the true key can do to its own header. */
  const allKeys = () => ({ trusted: keys });
  const sizeOf = (note: string) => parseCheckpoint(note).checkpoint.size;

  /** @fault L1 L12 */
  describe('accuses nobody honest', () => {
    it('whatever was exported, and whatever of the log a reader happens to hold', async () => {
      const size = world.log.checkpoint()!.size;
      const queries = fc.oneof(
        fc
          .tuple(fc.nat(size - 1), fc.option(fc.nat(size - 1)))
          .map(([from, to]): BundleQuery => ({
            kind: 'range',
            from: Math.min(from, to ?? from),
            to: to === null ? null : Math.max(from, to),
          })),
        fc.constantFrom(...requestIds).map((requestId): BundleQuery => ({ kind: 'registration', requestId })),
        fc.constant<BundleQuery>({
          kind: 'time',
          fromUtc: '2026-01-05T01:00:00.000Z',
          toUtc: '2026-01-05T09:00:00.000Z',
        }),
      );
      const stranger = verifierKey('other.example/log', new Uint8Array(32).fill(3), sha256);
      const foreign = writeNote({
        text: checkpointText({ origin: 'other.example/log', size: 9, root: sha256(new Uint8Array()) }),
        signatures: [{ name: 'other.example/log', id: stranger.id, bytes: new Uint8Array(64) }],
      });
      const empty = writeNote({
        text: checkpointText({ origin: ORIGIN, size: 0, root: sha256(new Uint8Array()) }),
        signatures: world.keys.sign(checkpointText({ origin: ORIGIN, size: 0, root: sha256(new Uint8Array()) })),
      });
      const held = fc.record({
        trusted: fc.subarray([...keys, stranger]),
        known: fc.subarray([...notes, foreign, empty, 'no checkpoint at all\n']),
      });
      const options = fc.record({
        lists: fc.subarray([...LISTS]),
        withOpenings: fc.boolean(),
        known: fc.subarray(notes),
      });
      await fc.assert(
        fc.asyncProperty(queries, options, held, async (query, asked, { trusted, known }) => {
          const made = await exportOrRefusal(query, asked);
          if (made === null) return;
          const report = verifyBundle(made, primitives, { trusted, known });
          expect(report.discrepancies).toEqual([]);
          expect(report.areLeavesProven).toBe(true);
          // With every key and nothing foreign there is no doubt either.
          const isAtHand =
            keys.every((key) => trusted.includes(key)) && known.every((note) => asked.known.includes(note));
          if (isAtHand) expect(report.judgement).toBe('right');
        }),
        { numRuns: soakCount({ ci: 20, soak: 60 }) },
      );
    });

    async function exportOrRefusal(query: BundleQuery, asked: Partial<BundleOptions>): Promise<string[] | null> {
      try {
        return await world.bundle(query, asked);
      } catch (error) {
        expect(error).toBeInstanceOf(ListsOfACaseError);
        expect(query.kind).toBe('registration');
        return null;
      }
    }

    it('refuses at export what it could not prove later, and says which checkpoint it does not know', async () => {
      await expect(
        world.bundle({ kind: 'registration', requestId: requestIds[0]! }, { lists: ['requests'] }),
      ).rejects.toThrow(ListsOfACaseError);
      const text = checkpointText({ origin: ORIGIN, size: 5, root: sha256(Buffer.from('never')) });
      const never = writeNote({ text, signatures: world.keys.sign(text) });
      const range = { kind: 'range', from: 0, to: null } as const;
      for (const [note, words] of [
        [never, /does not begin with the known checkpoint of 5 entries/],
        ['no note', /is none/],
      ] as const) {
        const asked = world.bundle(range, { known: [note] });
        await expect(asked).rejects.toThrow(UnknownCheckpointError);
        await expect(asked).rejects.toThrow(words);
      }
    });

    it('says of a checkpoint that is newer than the bundle, of another log, of the empty log or unsigned what it means', () => {
      const [older, newer] = [whole, notes.at(-1)!];
      const empty = checkpointText({ origin: ORIGIN, size: 0, root: sha256(new Uint8Array()) });
      const unsigned = writeNote({ text: empty, signatures: [{ name: 'x', id: 1, bytes: new Uint8Array(64) }] });
      expect(
        verifyBundle(older, primitives, {
          ...allKeys(),
          known: [newer, writeNote({ text: empty, signatures: world.keys.sign(empty) })],
        }),
      ).toMatchObject({ judgement: 'right', knownCheckpoints: 2 });
      expect(verifyBundle(older, primitives, { ...allKeys(), known: [unsigned] }).undecided.map((u) => u.code)).toEqual(
        ['known_unsigned'],
      );
    });

    it('still says fork where the log itself signed what it does not begin with', () => {
      const text = checkpointText({
        origin: ORIGIN,
        size: sizeOf(notes[0]!),
        root: sha256(Buffer.from('another history')),
      });
      const forked = writeNote({ text, signatures: world.keys.sign(text) });
      expect(
        verifyBundle(whole, primitives, { ...allKeys(), known: [forked] }).discrepancies.map((d) => d.code),
      ).toEqual(['fork']);
    });

    /** @fault L12 */
    it('says undecided and never wrong of a log in which any kind of event is of a later version', () => {
      const key = new MadeKey(1);
      const synthetic = new SyntheticHistory({ seed: 20 });
      const before = [...synthetic.appends(14, { registrants: 2 })];
      const person = registrantOf(before.findLast(({ stream }) => registrantOf(stream) !== null)!.stream)!;
      // Who was erased, and whose other key was: what two people agreed to.
      const erasures = synthetic.eraseRegistrant(person);
      const leaves = madeLeaves([...before, ...erasures, ...synthetic.later(14, 3, 2)]);
      const types = new Set(leaves.map((text) => parseLeaf(text)!.type));
      for (const type of ['ActProposed', 'ActApproved', 'ActBegun', 'RegistrantErased']) expect(types).toContain(type);
      expect(types.size).toBeGreaterThan(25);
      const asked: AskedOpinion[] = [];
      for (const type of types) {
        const later = leaves.map((text) =>
          parseLeaf(text)!.type === type
            ? leafWith(text, (leaf) => {
                leaf.schemaVersion = 99;
                leaf.data = { in: 'another shape' };
              })
            : text,
        );
        const lists = Object.fromEntries(LISTS.map((name) => [name, [{ drawn: 'by the later version' }]]));
        const bundle = new MadeLog(later, key).bundle({ header: { lists } });
        const report = verifyBundle(bundle, primitives, { trusted: [key.key] });
        expect([type, report.discrepancies, report.judgement]).toEqual([type, [], 'undecided']);
        const kinds = new Set(report.undecided.map(({ code }) => code));
        expect([type, [...kinds]]).toEqual([type, ['decision_of_another_version']]);
        asked.push({ bundle: Buffer.from(`${[...bundle].join('\n')}\n`), keys: [verifierKeyText(key.key)], known: [] });
      }
      if (peer('python3') !== null) return;
      const outcomes = secondOpinions(asked).map(({ outcome }, i) => [[...types][i], outcome]);
      expect(outcomes).toEqual([...types].map((type) => [type, 'undecided']));
    });

    it('names two successors of one key, and a succession that is none', () => {
      const [succession] = header(whole).successions as [string];
      const [from, to] = [keys[0]!, verifierKey(ORIGIN, new Uint8Array(32).fill(9), sha256)];
      const broken = succession.replace(
        /([A-Za-z0-9+/=]+)\n$/,
        (_, b64: string) => `${toBase64(Uint8Array.from(fromBase64(b64), (b, i) => (i === 20 ? b ^ 1 : b)))}\n`,
      );
      expect(from.name).toBe(to.name);
      expect(
        verifyBundle(withHeader(whole, { successions: [broken] }), primitives, allKeys()).discrepancies.map(
          (d) => d.code,
        ),
      ).toContain('succession_malformed');
    });
  });

  /** @fault L2 */
  describe('shows nothing that it has not verified', () => {
    const page = async (lines: readonly string[], end = '\n') => {
      const verifier = new PageVerifier(() => {});
      await verifier.read(new Blob([lines.join('\n') + end]));
      const report = await verifier.verify(
        keys
          .map(
            (key) =>
              `${key.name}+${key.id.toString(16).padStart(8, '0')}+${toBase64(Uint8Array.from([1, ...key.publicKey]))}`,
          )
          .join('\n'),
        [],
      );
      const cases = verifier.cases(1000);
      return { report, cases, story: verifier.story(requestIds[0]!, 'en') };
    };

    it('tells the story of an honest bundle', async () => {
      const { report, cases, story } = await page(whole);
      expect(report.judgement).toBe('right');
      expect(cases).toEqual(requestIds);
      expect(story.length).toBeGreaterThan(3);
    });

    it.each<[string, (lines: string[]) => string[], RegExp]>([
      [
        'a leaf after the end',
        (lines) => [...lines, `999 ${lines[5]!.slice(lines[5]!.indexOf(' ') + 1)}`],
        /comes after the end of the bundle/,
      ],
      ['a second end', (lines) => [...lines, lines.at(-1)!], /comes after the end of the bundle/],
      ['an empty line after the end', (lines) => [...lines, ''], /comes after the end of the bundle/],
      [
        'a whole case before the end',
        (lines) => [
          ...lines.slice(0, -1),
          ...lines.slice(3, 9).map((line, i) => `${9000 + i} ${line.slice(line.indexOf(' ') + 1)}`),
          `end ${lines.length - 3 + 6}`,
        ],
        /covers \d+ leaves/,
      ],
      ['line ends of another system', (lines) => lines.map((line) => `${line}\r`), /CR LF/],
      ['a mark of byte order', (lines) => [`\ufeff${lines[0]}`, ...lines.slice(1)], /line 1 is not/],
    ])('says nothing of a bundle with %s', async (_, change, words) => {
      const { report, cases, story } = await page(change(whole));
      expect(report.judgement).toBe('wrong');
      expect(report.discrepancies[0]?.detail).toMatch(words);
      expect([cases, story]).toEqual([[], []]);
      expect(mayBeShown(report)).toBe(false);
    });

    it('takes a file that ends in the middle of a line for cut', async () => {
      expect((await page(whole, '')).report.discrepancies[0]?.detail).toMatch(/ends in the middle of a line/);
    });
  });

  /** @fault L3 */
  it('takes no evidence that no event names, also without trust anchors', () => {
    const added = withHeader(whole, { evidence: { 'evidence-none': toBase64(Buffer.from('x')) } });
    expect(
      verifyBundle(added, primitives, allKeys())
        .discrepancies.map((d) => d.code)
        .toSorted(),
    ).toEqual(['certificate_differs', 'evidence_differs']);
  });

  /** @fault L7 */
  it.each<[string, (leaf: string) => string]>([
    ['a member twice', (leaf) => leaf.replace('{"data":', '{"data":{},"data":')],
    ['a space', (leaf) => leaf.replace('{"data":', '{ "data":')],
    ['a member that nobody knows', (leaf) => leaf.replace(/\}$/, ',"zz":1}')],
    ['a number in another writing', (leaf) => leaf.replace(/"revision":(\d+)/, '"revision":$1e0')],
    ['members in another order', (leaf) => leaf.replace(/^\{(.*),("type":"[^"]*")\}$/, '{$2,$1}')],
    ['an escape that is not needed', (leaf) => leaf.replace('"type":"', '"type":"\\u0050')],
  ])('reads a leaf in one way only: not with %s', (_, change) => {
    const leaf = whole[4]!.slice(whole[4]!.indexOf(' ') + 1);
    expect(parseLeaf(leaf)).not.toBeNull();
    expect(change(leaf)).not.toBe(leaf);
    expect(parseLeaf(change(leaf))).toBeNull();
  });

  /** @fault L10 */
  it('takes no empty extension line in a checkpoint, and takes others', () => {
    const { checkpoint } = parseCheckpoint(notes[0]!);
    const text = checkpointText(checkpoint);
    const signed = (extended: string) => writeNote({ text: extended, signatures: world.keys.sign(extended) });
    expect(parseCheckpoint(signed(`${text}an extension\n`)).checkpoint).toEqual(checkpoint);
    for (const extended of [`${text}\n`, `${text}\nmore\n`, `${text}more\n\n`])
      expect(() => parseCheckpoint(signed(extended))).toThrow();
  });

  it('judges no change of any byte as right', async () => {
    const small = await world.bundle(
      { kind: 'range', from: 0, to: 60 },
      { lists: ['requests'], known: [notes[0]!], withOpenings: true },
    );
    const bytes = Buffer.from(`${small.join('\n')}\n`);
    expect(judged(bytes)).toBe('right');
    await fc.assert(
      fc.asyncProperty(
        fc.nat(bytes.length - 1),
        fc.constantFrom('flip', 'drop', 'repeat', 'insert'),
        fc.integer({ min: 1, max: 255 }),
        async (at, how, value) => {
          const parts = {
            flip: [Uint8Array.of(bytes[at]! ^ value)],
            drop: [],
            repeat: [bytes.subarray(at, at + 1), bytes.subarray(at, at + 1)],
            insert: [Uint8Array.of(value), bytes.subarray(at, at + 1)],
          }[how];
          const changed = Buffer.concat([bytes.subarray(0, at), ...parts, bytes.subarray(at + 1)]);
          if (changed.equals(bytes)) return;
          expect(judged(changed)).not.toBe('right');
        },
      ),
      { numRuns: soakCount({ ci: 80, soak: 250 }) },
    );
  });

  it('never throws, whatever the bytes', () => {
    const text = `${whole.slice(0, 40).join('\n')}\n`;
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary', maxLength: 300 }),
          fc
            .tuple(fc.nat(text.length), fc.string({ maxLength: 20 }))
            .map(([at, put]) => text.slice(0, at) + put + text.slice(at + put.length)),
        ),
        (given) => {
          expect(verifyBundle(cutIntoLines([given]), primitives, allKeys()).judgement).not.toBe('right');
          expect(verifyList([given], primitives, { trusted: keys, bundle: null }).judgement).not.toBe('right');
        },
      ),
      { numRuns: soakCount({ ci: 50, soak: 150 }) },
    );
    fc.assert(
      fc.property(fc.anything(), (given) => {
        expect(verifyList([given], primitives, { trusted: keys, bundle: null }).judgement).not.toBe('right');
      }),
      { numRuns: soakCount({ ci: 100, soak: 300 }) },
    );
  });

  it('reads only what is written: reading and writing again gives the same header', () => {
    expect(canonicalJson(readBundle(whole).header as never)).toBe(whole[1]);
    expect(isSoundReport(verifyBundle(whole, primitives, allKeys()))).toBe(true);
  });

  function judged(bytes: Uint8Array): string {
    try {
      const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
      return verifyBundle(cutIntoLines([text]), primitives, allKeys()).judgement;
    } catch (error) {
      // Of another realm in this runner, so by name.
      if ((error as Error).name === 'TypeError') return 'not text';
      throw error;
    }
  }
});

/** @fault L6 */
describe('what strangers wrote', () => {
  it('is printed as one line in which every character can be seen', () => {
    expect(printable('a\nWRONG\u001b[2K\u009b\u202eabc\u2028\ufeff\u{e0041}')).toBe(
      'a\\u{a}WRONG\\u{1b}[2K\\u{9b}\\u{202e}abc\\u{2028}\\u{feff}\\u{e0041}',
    );
    expect(printable('本人 — 東京 😀 é')).toBe('本人 — 東京 😀 é');
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(printable(text)).not.toMatch(
          /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/,
        );
        expect(JSON.parse(printableJson(JSON.stringify(text)))).toBe(text);
      }),
    );
  });
});

/** @fault L1 L2 L3 L4 L6 L11: the cases of shared/cases/audit, through the command. */
whereCasesAre('the command judges', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'honnin-reader-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const run = (...args: string[]) => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', 'dist/cli/main.js', 'audit', ...args],
      { encoding: 'utf8' },
    );
    return { status, stdout, stderr };
  };
  const of = (name: string, file: string) => join(CASES, name, file);

  it('what an honest server gave out as right', () => {
    const name = 'audit-registration-with-list';
    expect(run('verify', of(name, 'case.honnin'), '--key', of(name, 'log.vkey'))).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('everything is as it says'),
    });
    // Without a key nobody knows who made it, and nothing is wrong: not the timestamp either.
    const keyless = run('verify', of(name, 'case.honnin'));
    expect(keyless.status).toBe(2);
    expect(keyless.stdout).not.toContain('WRONG');
  });
  it('lines after the end as wrong, and says of a file that was cut that it was not read', () => {
    const name = 'audit-lines-after-end';
    const forged = of(name, 'forged-tail.honnin');
    const found = run('verify', forged, '--key', of(name, 'log.vkey'));
    expect(found).toMatchObject({ status: 1, stdout: expect.stringContaining('comes after the end of the bundle') });
    const cut = join(folder, 'cut.honnin');
    writeFileSync(cut, readFileSync(forged, 'utf8').slice(0, 4000));
    const told = run('verify', cut, '--key', of(name, 'log.vkey'), '--json');
    expect(told.status).toBe(1);
    expect(JSON.parse(told.stdout)).toMatchObject({ wasRead: false, timestamp: { text: 'not read' } });
  });
  it('evidence that was taken out as wrong', () => {
    const name = 'bundle-evidence-dropped';
    for (const more of [[], ['--anchors', of(name, 'anchors-user-authentication.pem')]]) {
      expect(run('verify', of(name, 'case.honnin'), '--key', of(name, 'log.vkey'), ...more).status).toBe(1);
    }
  });
  it('a bundle with escapes of a terminal as wrong, in lines of its own', () => {
    const name = 'bundle-terminal-escapes';
    const { status, stdout } = run('verify', of(name, 'case.honnin'), '--key', of(name, 'log.vkey'));
    expect(status).toBe(1);
    expect(stdout.split('\n').filter((line) => line !== '')).toHaveLength(2);
    expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
  });
  it('a list whose moment and page are not those of its certificate as wrong', () => {
    const name = 'list-asof-changed';
    for (const more of [[], ['--bundle', of(name, 'all2.honnin')]]) {
      expect(run('verify-list', of(name, 'list.json'), '--key', of(name, 'log.vkey'), ...more)).toMatchObject({
        status: 1,
        stdout: expect.stringContaining('answer_differs'),
      });
    }
  });
  it('nothing where a stranger put a file among the known checkpoints, and names the file', () => {
    const name = 'audit-registration-with-list';
    const stray = join(folder, 'stray.txt');
    writeFileSync(stray, 'nothing of this log\n');
    const { status, stderr } = run('verify', of(name, 'case.honnin'), '--key', of(name, 'log.vkey'), '--known', stray);
    expect(status).toBe(64);
    expect(stderr).toContain('stray.txt is no checkpoint');
  });
});
