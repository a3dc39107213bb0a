import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from '@jest/globals';
import { derivedId } from '../../src/application/decisions/ids.js';
import { cutIntoLines } from '../../src/domain/audit/bundle/bundle.js';
import type { Json, JsonObject } from '../../src/domain/event-envelope.js';
import { EVENT_REGISTRY } from '../../src/domain/event-registry.js';
import { LISTS } from '../../src/domain/audit/lists/list-drawer.js';
import { parseWitnessKey } from '../../src/domain/audit/log/cosignature.js';
import { parseNote, parseVerifierKey, writeNote } from '../../src/domain/audit/log/signed-note.js';
import { type LeafEvent, parseLeaf } from '../../src/domain/audit/log/leaf.js';
import { verifyBundle } from '../../src/domain/audit/bundle/verify-bundle.js';
import { sha256 } from '../../src/infrastructure/audit/digest.js';
import { canonicalJson } from '../../src/domain/values/canonical-json.js';
import type { SyntheticAppend } from '../../src/sandbox/synthetic-history.js';
import { elsewhere, peer, peerProgram } from '../support/peers.js';
import { soakCount, soakFactor, soakSeed } from '../support/soak.js';
import { describeUnless } from '../support/unless.js';
import { bundleVectors } from './bundle-vectors.js';
import {
  caseOf,
  changedBeforeSigning,
  changedHeader,
  changedInTransit,
  Dice,
  eventfulLeaves,
  partOf,
} from './changed-bundles.js';
import { declaredLosses } from './declared-losses.js';
import { leafWith, MadeKey, madeLeaves, MadeLog, MadeWitness } from './made-bundle.js';
import { secondOpinions, type AskedOpinion } from './second-opinion.js';
import { primitives } from './support.js';

const CASES = resolve('../shared/cases/audit');

const VECTORS = resolve('docs/bundle-vectors');

/** What docs/bundle.md shows is what the code writes. */
it('the vectors are current: UPDATE_BUNDLE_VECTORS=1 writes them', () => {
  const { files } = bundleVectors();
  if (process.env['UPDATE_BUNDLE_VECTORS'] === '1') {
    mkdirSync(VECTORS, { recursive: true });
    for (const [name, text] of Object.entries(files)) writeFileSync(join(VECTORS, name), text);
  }
  const stored = Object.fromEntries(
    readdirSync(VECTORS).map((name) => [name, readFileSync(join(VECTORS, name), 'utf8')]),
  );
  expect(Object.keys(stored).toSorted()).toEqual(Object.keys(files).toSorted());
  for (const [name, text] of Object.entries(files)) expect([name, stored[name] === text]).toEqual([name, true]);
});

it('the document names every kind of event that is stored, with its version', () => {
  const document = readFileSync(resolve('docs/bundle.md'), 'utf8');
  const rows = document.split('\n').filter((line) => line.startsWith('| `'));
  const missing = Object.entries(EVENT_REGISTRY).filter(([type, { version }]) => {
    const isNamed = document.includes(`\`${type}\``);
    const row = rows.find((line) => new RegExp(`^\\|[^|]*\`${type}\`[^|]*\\| ${version} \\|`).test(line));
    return !isNamed || (version > 1 && row === undefined);
  });
  expect(missing.map(([type]) => type)).toEqual([]);
});

/** Two programs from one document: where they differ, one of them or the document is wrong. */
describeUnless(peer('python3'), 'the second verifier', () => {
  const key = new MadeKey(1);
  const bytesOf = (lines: readonly string[]) => Buffer.from(`${lines.join('\n')}\n`);

  it('agrees on honest bundles of every kind, whatever the reader holds', () => {
    const asked: AskedOpinion[] = [];
    for (const seed of [3, 8]) {
      const leaves = eventfulLeaves(seed, 8);
      const log = new MadeLog(leaves, key);
      const size = leaves.length;
      const requestIds = leaves
        .map((text) => parseLeaf(text))
        .filter((leaf) => leaf?.type === 'RequestReceived')
        .map((leaf) => leaf!.metadata.correlationId);
      const bundles = [
        log.bundle(),
        log.bundle({ lists: [...LISTS] }),
        log.bundle({ withHeaderLine: false, lists: ['holds'] }),
        log.bundle({ ...partOf(leaves, 40, size - 20), lists: ['requests'] }),
        log.bundle(partOf(leaves, size - 30, size - 1)),
        ...requestIds.map((id) => log.bundle(caseOf(leaves, id))),
        log.bundle({
          header: { known: [{ checkpoint: log.checkpoint(20), proof: log.grown(20) }] },
          ...partOf(leaves, size - 9, size - 1),
        }),
      ];
      const held = [[key.text], [], [new MadeKey(2).text], [new MadeKey(2).text, key.text]];
      const known = [
        [],
        [log.checkpoint(20)],
        [log.checkpoint(size)],
        [new MadeLog(leaves.slice(1), key).checkpoint(20)],
        ['no note'],
      ];
      bundles.forEach((lines, i) =>
        asked.push(
          { bundle: bytesOf(lines), keys: held[i % 4]!, known: known[i % 5]! },
          { bundle: bytesOf(lines), keys: [key.text], known: [] },
        ),
      );
    }
    const outcomes = agreed(asked);
    expect(outcomes.filter((outcome) => outcome === 'right').length).toBeGreaterThan(20);
    expect(outcomes).toContain('undecided');
  });

  it('agrees that nobody can say who agreed to an erasure that is told again after a restore', () => {
    let changed = 0;
    const toldAgain = eventfulLeaves(3, 8).map((text) => {
      const leaf = JSON.parse(text) as LeafEvent;
      if (leaf.type !== 'RegistrantErased') return text;
      changed++;
      const metadata = { ...leaf.metadata, causationId: 'an erasure that this log does not have' };
      return canonicalJson({ ...leaf, data: { ...leaf.data, by: 'system:restore' }, metadata } as unknown as Json);
    });
    expect(changed).toBe(1);
    const bundle = bytesOf(new MadeLog(toldAgain, key).bundle());
    expect(agreed([{ bundle, keys: [key.text], known: [] }])).toEqual(['undecided']);
  });

  it('agrees on an event of each kind in a stream that has no rules, whose data are not of that kind', () => {
    const leaves = eventfulLeaves(64, 2);
    const at = leaves.findIndex((text) => parseLeaf(text)!.stream.startsWith('door-'));
    const types = new Set(leaves.map((text) => parseLeaf(text)!.type));
    const asked = [...types].map((type) => {
      const log = new MadeLog(
        leaves.map((text, i) => (i === at ? leafWith(text, (leaf) => void (leaf.type = type)) : text)),
        key,
      );
      return { bundle: bytesOf(log.bundle()), keys: [key.text], known: [] };
    });
    expect(new Set(agreed(asked))).toContain('undecided');
  });

  it('agrees on what witnesses have cosigned, and on lines that they did not make', () => {
    const log = new MadeLog(eventfulLeaves(64, 2), key);
    const [one, two] = [new MadeWitness(6, 'w.example/1'), new MadeWitness(7, 'w.example/2')];
    const broken = (note: string) => {
      const { text, signatures } = parseNote(note);
      const last = signatures.length - 1;
      const spoilt = (bytes: Uint8Array) => Uint8Array.from(bytes, (byte, i) => (i === 3 ? byte ^ 1 : byte));
      return writeNote({
        text,
        signatures: signatures.map((each, i) => (i === last ? { ...each, bytes: spoilt(each.bytes) } : each)),
      });
    };
    const [whole, early] = [log.checkpoint(), log.checkpoint(9)];
    const carried = (checkpoint: string) => log.bundle({ header: { known: [{ checkpoint, proof: log.grown(9) }] } });
    const bundles = [
      log.bundle(),
      log.bundle({ header: { checkpoint: one.cosign(whole, 9) } }),
      log.bundle({ header: { checkpoint: two.cosign(one.cosign(whole, 9), 9) } }),
      log.bundle({ header: { checkpoint: broken(one.cosign(whole, 9)) } }),
      carried(one.cosign(early, 9)),
      carried(broken(one.cosign(early, 9))),
    ];
    const mine = [
      [],
      [one.cosign(early, 9)],
      [broken(two.cosign(one.cosign(early, 9), 9))],
      [two.cosign(one.cosign(early, 2 ** 52), 9)],
    ];
    const asked = bundles.flatMap((lines) =>
      mine.flatMap((known) =>
        [1, 2].map((needed) => ({
          bundle: bytesOf(lines),
          keys: [key.text],
          known,
          witnesses: [one.text, two.text],
          needed,
        })),
      ),
    );
    const outcomes = agreed(asked);
    for (const outcome of ['right', 'undecided', 'wrong']) expect(outcomes).toContain(outcome);
  });

  it('agrees on the list of what left the house, of before and of today', () => {
    const leaves = [...eventfulLeaves(3, 4), ...leavesOfExports()];
    const log = new MadeLog(leaves, key);
    const [whole, list] = [log.bundle(), log.bundle({ lists: ['exports'] })];
    const forged = list.map((line) => line.replace('"purpose":"disclosure","query"', '"purpose":"audit","query"'));
    const asked = [whole, list, forged].map((lines) => ({ bundle: bytesOf(lines), keys: [key.text], known: [] }));
    expect(agreed(asked)).toEqual(['right', 'right', 'wrong']);
  });

  it('agrees on declarations of loss, genuine and forged, whatever the reader holds', () => {
    const made = declaredLosses();
    const outcomes = agreed(
      made.map(({ asked }) => asked),
      made.map(({ how }) => how),
    );
    for (const outcome of ['right', 'undecided', 'wrong']) expect(outcomes).toContain(outcome);
  });

  it('says of every vector what the document says, and reckons every step alike', () => {
    const { cases } = bundleVectors();
    const asked = cases.map(({ file, ...held }) => ({ ...held, bundle: readFileSync(join(VECTORS, file)) }));
    const told = cases.map(({ file, about, outcome }) => ({ file, about, outcome }));
    const said = agreed(asked).map((outcome, i) => ({ file: cases[i]!.file, about: cases[i]!.about, outcome }));
    expect(said).toEqual(told);
    const script = resolve('test/audit/second-verifier/check_steps.py');
    const { status, stderr } = spawnSync(peerProgram('python3')!, ['-B', script, join(VECTORS, 'vectors.json')], {
      encoding: 'utf8',
    });
    expect([status, stderr]).toEqual([0, '']);
  });

  const factor = soakFactor();
  const rounds: [string, number, (dice: Dice, leaves: readonly string[]) => { how: string; bytes: Buffer }][] = [
    [
      'changed on their way',
      soakCount({ ci: 15, soak: 50 }),
      (dice, leaves) => {
        const log = new MadeLog(leaves, key);
        const choice = dice.of([
          { lists: [...LISTS] },
          partOf(leaves, 30, leaves.length - 9),
          { withHeaderLine: false },
        ]);
        return changedInTransit(log.bundle(choice), dice);
      },
    ],
    [
      'changed before they were signed',
      soakCount({ ci: 30, soak: 90 }),
      (dice, leaves) => {
        const { how, leaves: changed } = changedBeforeSigning(leaves, dice);
        const choice = dice.upTo(4) === 0 ? partOf(changed, dice.upTo(60), changed.length - 1 - dice.upTo(9)) : {};
        const log = new MadeLog(changed, key);
        const lists = dice.of([[], [...LISTS]]);
        return {
          how: `${how}${choice.asked ? ' in a part' : ''}`,
          bytes: bytesOf(log.canDraw() ? log.bundle({ ...choice, lists }) : log.bundle(choice)),
        };
      },
    ],
    [
      'with another header under the true key',
      soakCount({ ci: 15, soak: 50 }),
      (dice, leaves) => {
        const { how, lines } = changedHeader(new MadeLog(leaves, key), dice);
        return { how, bytes: bytesOf(lines) };
      },
    ],
  ];
  it.each(rounds)(
    'agrees on bundles %s',
    (_, count, change) => {
      const seed = soakSeed(20261130);
      process.stdout.write(`seed ${seed}, ${count} bundles\n`);
      const dice = new Dice(seed);
      const histories = [2, 5, 9].map((n) => eventfulLeaves((seed % 1000) + n, 7));
      const tally: Record<string, number> = {};
      // In portions, so that a soak does not hold all of them at once.
      for (let done = 0; done < count; done += 150) {
        const made = Array.from({ length: Math.min(150, count - done) }, () => change(dice, dice.of(histories)));
        const outcomes = agreed(
          made.map(({ bytes }) => ({ bundle: bytes, keys: [key.text], known: [] })),
          made.map(({ how }) => how),
        );
        for (const outcome of outcomes) tally[outcome] = (tally[outcome] ?? 0) + 1;
      }
      process.stdout.write(`${JSON.stringify(tally)}\n`);
      expect(tally['wrong']).toBeGreaterThan(count / 10);
    },
    120_000 * factor,
  );

  describeUnless(elsewhere(existsSync(CASES) ? null : `${CASES} is not here`), 'on bundles of elsewhere', () => {
    it('agrees', () => {
      const folders = readdirSync(CASES);
      const asked = folders.flatMap((folder) =>
        readdirSync(join(CASES, folder))
          .filter((file) => file.endsWith('.honnin'))
          .map((file) => ({
            bundle: readFileSync(join(CASES, folder, file)),
            keys: [readFileSync(join(CASES, folder, 'log.vkey'), 'utf8')],
            known: [],
          })),
      );
      expect(agreed(asked)).toHaveLength(asked.length);
      expect(asked.length).toBeGreaterThanOrEqual(5);
    });
  });

  /** @returns the outcomes, which both gave */
  function agreed(asked: readonly AskedOpinion[], names: readonly string[] = []): string[] {
    const ours = asked.map(firstOpinion);
    const differences = secondOpinions(asked).flatMap((theirs, i) => {
      const { judgement, discrepancies, undecided } = ours[i]!;
      const said = [...discrepancies, ...undecided]
        .slice(0, 3)
        .map(({ code, index, detail }) => `${code} ${index}: ${detail}`);
      return theirs.outcome === judgement ? [] : [{ how: names[i] ?? i, ours: [judgement, ...said], theirs }];
    });
    expect(differences).toEqual([]);
    return ours.map(({ judgement }) => judgement);
  }
});

function firstOpinion({
  bundle,
  keys,
  known,
  witnesses = [],
  needed = witnesses.length,
}: AskedOpinion): Pick<ReturnType<typeof verifyBundle>, 'judgement' | 'discrepancies' | 'undecided'> {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bundle);
    const trusted = keys.map((each) => parseVerifierKey(each, sha256));
    const policy = { keys: witnesses.map((each) => parseWitnessKey(each, sha256)), needed: needed ?? witnesses.length };
    return verifyBundle(cutIntoLines([text]), primitives, {
      trusted,
      known,
      ...(witnesses.length > 0 && { witnesses: policy }),
    });
  } catch (error) {
    // Of another realm in this runner, so by name: no UTF-8, which the command calls wrong.
    if ((error as Error).name !== 'TypeError') throw error;
    const wrong = { code: 'bundle_malformed', index: null, detail: 'no UTF-8' } as const;
    return { judgement: 'wrong', discrepancies: [wrong], undecided: [] };
  }
}

/** What left the house by version 2 of the event, which stated no purpose, and by today's. */
function leavesOfExports(): string[] {
  const counted = { by: 'a1', query: '{}', treeSize: 7, leaves: 7, withOpenings: false, withEvidence: false };
  const of = (schemaVersion: number, why: JsonObject): SyntheticAppend => {
    const id = derivedId('export', `${schemaVersion} ${canonicalJson(why)}`);
    const metadata = { actor: 'officer:a1', correlationId: id, causationId: id, policyVersion: null };
    const data = { ...counted, attached: null, ...why };
    const at = { recordedAtUtc: '2027-06-01T00:00:00.000Z', ...metadata };
    return {
      stream: `access-${id}`,
      events: [{ id, type: 'AuditExported', schemaVersion, data, metadata: at }],
      expected: 'no_stream',
    };
  };
  return madeLeaves([
    of(2, {}),
    of(3, { purpose: 'audit', reference: null }),
    of(3, { purpose: 'disclosure', reference: 'JKN-2026-7' }),
  ]);
}
