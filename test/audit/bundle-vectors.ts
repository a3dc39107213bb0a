import { toBase64, toHex, utf8 } from '../../src/domain/audit/log/bytes.js';
import { sealedEvidenceName } from '../../src/domain/audit/replay/evidence-name.js';
import { parseLeaf, type LeafEvent } from '../../src/domain/audit/log/leaf.js';
import { lossText } from '../../src/domain/audit/log/loss-declaration.js';
import { GrowingTree } from '../../src/domain/audit/log/merkle-tree.js';
import { LISTS } from '../../src/domain/audit/lists/list-drawer.js';
import { checkpointText, parseCheckpoint } from '../../src/domain/audit/log/checkpoint.js';
import { pointsOfDistance, scoreComparison } from '../../src/domain/registration/face-score.js';
import { nextAttemptAt } from '../../src/domain/policy/retry.policy.js';
import type { JsonObject } from '../../src/domain/event-envelope.js';
import { canonicalJson } from '../../src/domain/values/canonical-json.js';
import { addMs, isInstant } from '../../src/domain/values/instant.js';
import type { PictureMeasures } from '../../src/domain/values/face-comparison.js';
import { hasher, sha1, sha256 } from '../../src/infrastructure/audit/digest.js';
import { caseOf, eventfulLeaves, evidenceIn, partOf } from './changed-bundles.js';
import { leafWith, MADE_ORIGIN, MadeKey, MadeLog, madeSalt, madeToken, MadeWitness } from './made-bundle.js';

/** A bundle with what its reader holds, and what every verifier must say of it. */
interface VectorCase {
  readonly file: string;
  readonly about: string;
  readonly keys: readonly string[];
  readonly known: readonly string[];
  /** Keys of witnesses, all of which must have cosigned; absent: nobody is asked for. */
  readonly witnesses?: readonly string[];
  readonly outcome: 'right' | 'wrong' | 'undecided';
}

export interface BundleVectors {
  /** Content of each file below `docs/bundle-vectors/`. */
  readonly files: Readonly<Record<string, string>>;
  readonly cases: readonly VectorCase[];
}

/** Everything below `docs/bundle-vectors/`, the same in every run. */
export function bundleVectors(): BundleVectors {
  const [key, next, witness] = [new MadeKey(1), new MadeKey(2), new MadeWitness(3, 'witness.example/w1')];
  const leaves = eventfulLeaves(64, 2);
  const log = new MadeLog(leaves, key);
  const size = leaves.length;
  const { checkpoint } = parseCheckpoint(log.checkpoint());
  const requestId = (parseLeaf(leaves.find((text) => text.includes('"type":"Held"')) ?? '') as LeafEvent).metadata
    .correlationId;
  const evidence = evidenceIn(leaves);
  const person = { kind: 'staff', id: 'admin-a' } as const;
  const openings = { [madeToken(person)]: { ...person, salt: toBase64(madeSalt(person)) } };
  const wholeWith = (header: object) => log.bundle({ header });
  const successor = new MadeLog(leaves, next);
  const cosigned = witness.cosign(key.note(checkpointText(checkpoint) + 'an extension line\n'), 1_800_000_000);
  const files: Record<string, string> = {};
  const cases: VectorCase[] = [];
  const add = (
    file: string,
    about: string,
    outcome: VectorCase['outcome'],
    lines: readonly string[],
    held: Partial<VectorCase> = {},
  ): void => {
    files[file] = `${lines.join('\n')}\n`;
    cases.push({ file, about, keys: [key.text], known: [], outcome, ...held });
  };
  add(
    'whole.honnin',
    'a whole log, with all lists, evidence and an opening',
    'right',
    log.bundle({ lists: [...LISTS], header: { evidence, openings, query: withEvidence(LISTS) } }),
    { known: [log.checkpoint(9)] },
  );
  add(
    'part.honnin',
    'a part of the log, with a checkpoint that the reader has',
    'right',
    log.bundle({
      ...partOf(leaves, size - 12, size - 1),
      lists: ['holds'],
      header: { known: [{ checkpoint: log.checkpoint(9), proof: log.grown(9) }] },
    }),
    { known: [log.checkpoint(9)] },
  );
  add('case.honnin', 'one case', 'right', log.bundle(caseOf(leaves, requestId)));
  add(
    'older.honnin',
    'events of the first versions, and a certificate that does not cover the header',
    'right',
    new MadeLog(leaves.map(inFirstVersion), key).bundle({ withHeaderLine: false }),
  );
  add(
    'successor.honnin',
    "signed by the key for which the reader's key vouches",
    'right',
    successor.bundle({ header: { successions: [log.succession(key, next, 9)] } }),
  );
  add(
    'cosigned.honnin',
    'a checkpoint with an extension line and a signature of somebody else',
    'right',
    wholeWith({ checkpoint: cosigned }),
  );
  const witnessed = { keys: [key.text], known: [], witnesses: [witness.text] } as const;
  cases.push({
    file: 'cosigned.honnin',
    about: 'cosigned by the witness that the reader names',
    ...witnessed,
    outcome: 'right',
  });
  cases.push({ file: 'case.honnin', about: 'not cosigned', ...witnessed, outcome: 'undecided' });
  add(
    'stamped.honnin',
    'with an earlier checkpoint that has a timestamp',
    'right',
    wholeWith({ timestamp: { checkpoint: log.checkpoint(9), proof: log.grown(9), token: '' } }),
  );
  const without = (name: string) => ({ file: name, known: [] });
  cases.push({ ...without('case.honnin'), about: 'the reader has no key', keys: [], outcome: 'undecided' });
  cases.push({
    ...without('case.honnin'),
    about: 'the reader has another key',
    keys: [next.text],
    outcome: 'undecided',
  });
  cases.push({
    ...without('case.honnin'),
    about: 'the reader has a checkpoint for which there is no proof',
    keys: [key.text],
    known: [log.checkpoint(9)],
    outcome: 'undecided',
  });
  const forked = new MadeLog([...leaves.slice(1, 9), ...leaves.slice(0, 1)], key).checkpoint();
  cases.push({
    ...without('whole.honnin'),
    about: 'the log signed another beginning',
    keys: [key.text],
    known: [forked],
    outcome: 'wrong',
  });
  add(
    'later.honnin',
    'an event of a version that nobody knows yet',
    'undecided',
    new MadeLog(
      leaves.map((text) =>
        parseLeaf(text)?.type === 'Held' ? leafWith(text, (leaf) => void (leaf.schemaVersion = 99)) : text,
      ),
      key,
    ).bundle(),
  );
  const points = leaves.findIndex((text) => /"type":"Face(?:Matched|Mismatched|Referred)"/.test(text));
  const better = leafWith(
    leaves[points] as string,
    (leaf) => void (leaf.data = { ...leaf.data, cardPoints: Number(leaf.data['cardPoints']) - 1 }),
  );
  const whole = log.bundle();
  add(
    'leaf-changed.honnin',
    'one point less, not signed again',
    'wrong',
    whole.map((line, i) => (i === points + 2 ? `${points} ${better}` : line)),
  );
  add(
    'score-changed.honnin',
    'one point less, signed again',
    'wrong',
    new MadeLog(
      leaves.map((text, i) => (i === points ? better : text)),
      key,
    ).bundle(),
  );
  add(
    'held-dropped.honnin',
    'a hold left out, signed again',
    'wrong',
    new MadeLog(
      leaves.filter((text) => !text.includes('"type":"Held"')),
      key,
    ).bundle(),
  );
  add('list-changed.honnin', 'a row left out, signed again', 'wrong', wholeWith({ lists: { holds: [] } }));
  add(
    'opening-changed.honnin',
    'another person behind a token',
    'wrong',
    wholeWith({
      openings: Object.fromEntries(
        Object.keys(openings).map((token) => [token, { ...person, id: 'admin-b', salt: toBase64(madeSalt(person)) }]),
      ),
    }),
  );
  add(
    'evidence-changed.honnin',
    'evidence with another content',
    'wrong',
    wholeWith({
      evidence: Object.fromEntries(Object.keys(evidence).map((name) => [name, 'AAAA'])),
      query: withEvidence([]),
    }),
  );
  add(
    'evidence-dropped.honnin',
    'evidence that was asked for and is not there',
    'undecided',
    // Who was erased took the evidence along.
    new MadeLog(
      leaves.filter((text) => !text.includes('"type":"RegistrantErased"')),
      key,
    ).bundle({ header: { query: withEvidence([]) } }),
  );
  const goneOn = new MadeKey(4, `${MADE_ORIGIN}-2`);
  const [kept, afterLoss] = [20, new MadeLog(leaves.slice(0, 30), goneOn)];
  const loss = lossText({
    kept: { origin: goneOn.key.name, size: kept, root: log.root(kept) },
    signed: { origin: MADE_ORIGIN, size, root: log.root() },
    from: key.key,
    to: goneOn.key,
    reason: 'restored_from_backup',
    reference: 'INC-2026-0117',
  });
  const declaredBy = (declaration: string) =>
    afterLoss.bundle({ header: { known: [{ checkpoint: declaration, proof: afterLoss.grown(kept) }] } });
  add(
    'loss-declared.honnin',
    'the log declares that it lost what came after its first 20 entries, and goes on under another name',
    'undecided',
    declaredBy(key.note(loss, goneOn)),
    { known: [log.checkpoint(9), log.checkpoint(25), log.checkpoint()] },
  );
  cases.push({
    ...without('loss-declared.honnin'),
    about: 'the log signed more under the name of before than it declares',
    keys: [key.text],
    known: [new MadeLog([...leaves, ...leaves], key).checkpoint(size + 1)],
    outcome: 'wrong',
  });
  const atLast = new MadeKey(5, `${MADE_ORIGIN}-3`);
  const [left, afterBoth] = [12, new MadeLog([...leaves.slice(0, 12), ...leaves.slice(20, 40)], atLast)];
  const secondLoss = lossText({
    kept: { origin: atLast.key.name, size: left, root: log.root(left) },
    signed: { origin: goneOn.key.name, size: 30, root: afterLoss.root() },
    from: goneOn.key,
    to: atLast.key,
    reason: 'storage_failed',
    reference: 'INC-2026-0118',
  });
  const bothDeclared = [
    { checkpoint: key.note(loss, goneOn), proof: [] },
    { checkpoint: goneOn.note(secondLoss, atLast), proof: afterBoth.grown(left) },
    { checkpoint: log.checkpoint(9), proof: afterBoth.grown(9) },
  ];
  add(
    'loss-declared-twice.honnin',
    'a second loss keeps 12 of the 20 entries that the first one kept, and the log has grown beyond both',
    'undecided',
    afterBoth.bundle({ ...partOf(afterBoth.leaves, 27, 31), header: { known: bothDeclared } }),
    { known: [log.checkpoint(9), log.checkpoint(15), log.checkpoint(20), afterLoss.checkpoint()] },
  );
  cases.push({
    ...without('loss-declared-twice.honnin'),
    about: 'another tree of as many entries as the first declaration keeps',
    keys: [key.text],
    known: [new MadeLog([...leaves.slice(1)], key).checkpoint(kept)],
    outcome: 'wrong',
  });
  add(
    'loss-forged.honnin',
    'a declaration of loss that the key of before did not sign',
    'wrong',
    declaredBy(goneOn.note(loss)),
    { keys: [goneOn.text] },
  );
  add('cut.honnin', 'without its last lines', 'wrong', whole.slice(0, -3));
  files['vectors.json'] = `${JSON.stringify({ cases, steps: steps(key, leaves) }, null, 1)}\n`;
  return { files, cases };
}

function withEvidence(lists: readonly string[]): JsonObject & { readonly kind: 'range' } {
  return { by: 'range', from: 0, kind: 'range', lists: [...lists], to: null, withEvidence: true, withOpenings: true };
}

/** Results of single steps, for who looks for a fault of an own program. */
function steps(key: MadeKey, leaves: readonly string[]): object {
  const tree = new GrowingTree(hasher);
  const roots = [toHex(tree.root())];
  for (const text of leaves.slice(0, 9)) {
    tree.append(hasher.leaf(utf8(text)));
    roots.push(toHex(tree.root()));
  }
  const person = { kind: 'registrant', id: '本人' } as const;
  const [effectId, content] = ['9f0c8c5e-1111-5222-8333-944455556666', 'evidence'];
  const texts = [
    '{"a":1e21,"b":0.000001,"c":1e-7,"d":-0.5,"e":5e-324}',
    '{"a":1.0}',
    '{"a":-0}',
    '{"b":1,"a":2}',
    '{"a":1,"a":1}',
    '{"a": 1}',
    '{"a":"\\u0041"}',
    '{"a":"é\\ud800"}',
    '{"\ufb33":1,"\ud83d\ude00":2}',
    '{"\ud83d\ude00":2,"\ufb33":1}',
    '{"a":9007199254740993}',
    '{"a":123456789012345680000}',
    '{"a":1e400}',
  ];
  const instants = [
    '2026-02-28T23:59:59.9Z',
    '2026-02-30T00:00:00Z',
    '2026-01-01T24:00:00Z',
    '2026-01-01T24:00:00.001Z',
    '2026-01-01T23:59:60Z',
    '0000-01-01T00:00:00.000Z',
    '2026-13-01T00:00:00Z',
    '2026-01-01T00:00:00+09:00',
  ];
  const scoring = { quality: 'dlib-1', slope: 417_000, offset: 253_830 };
  const measures: PictureMeasures = {
    eyeDistance: 60,
    detail: -250,
    noise: -160,
    blocks: 40,
    contrast: 40,
    light: 120,
    isGrey: false,
  };
  const poor: PictureMeasures = {
    ...measures,
    eyeDistance: 12,
    detail: -301,
    noise: -20,
    blocks: 90,
    contrast: 11,
    light: 33,
    isGrey: true,
  };
  const compared = {
    scoring,
    captured: measures,
    card: { distance: 3912, measures: poor },
    registered: { distance: 5107, measures },
  };
  const retry = { firstDelaySeconds: 2, delaySecondsMax: 900, attemptsMax: 200 };
  return {
    canonical: texts.map((text) => ({ text, isCanonical: isCanonical(text) })),
    vkey: { text: key.text, name: MADE_ORIGIN },
    leafHash: { text: leaves[0], sha256: toHex(hasher.leaf(utf8(leaves[0] as string))) },
    roots,
    token: { ...person, salt: toBase64(madeSalt(person)), token: madeToken(person) },
    evidenceName: {
      effectId,
      content: toBase64(utf8(content)),
      name: sealedEvidenceName(effectId, utf8(content), { sha256, sha1 }),
    },
    instants: instants.map((text) => ({ text, plusOneMs: isInstant(text) ? addMs(text, 1) : null })),
    points: [0, 1, 1000, 3912, 6086, 6087, 9999, 20_000, -5_000].map((distance) => ({
      distance,
      ...scoring,
      points: pointsOfDistance(distance, scoring),
    })),
    comparison: { asked: compared, gives: scoreComparison(compared) },
    retry: [1, 2, 9, 10, 200].map((attempt) => ({
      attempt,
      retry,
      now: '2026-01-05T00:00:00.000Z',
      at: nextAttemptAt('2026-01-05T00:00:00.000Z', attempt, retry),
    })),
  };
}

function isCanonical(text: string): boolean {
  try {
    return canonicalJson(JSON.parse(text) as JsonObject) === text;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** The event as the first version of its kind told it, where that says the same. */
function inFirstVersion(text: string): string {
  const without = (data: JsonObject, ...names: string[]) =>
    Object.fromEntries(Object.entries(data).filter(([name]) => !names.includes(name)));
  return leafWith(text, (leaf) => {
    const { data, type } = leaf;
    if (type === 'RequestReceived')
      leaf.data = { ...data, material: without(data['material'] as JsonObject, 'signatures') };
    else if (type === 'CertificateVerified' && data['erasedBefore'] === false)
      leaf.data = without(data, 'agreement', 'otherCertificate', 'sealedEvidenceSha256', 'erasedBefore');
    else if (/^(?:CertificateRejected|RefusedEvidence)/.test(type)) leaf.data = without(data, 'sealedEvidenceSha256');
    else if (/^Face(?:Matched|Referred|Mismatched)$/.test(type)) leaf.data = without(data, 'basis');
    else if (type === 'RegistrantErased') leaf.data = without(data, 'tombstone');
    else if (type === 'PolicyProposed') {
      const added = [
        'refusedEvidenceRetentionDays',
        'photoQualityHoldBelow',
        'caseOpenHoursMax',
        'holdOnCardUnconfirmed',
        'certificateTypesWithoutSameCard',
        'signingCertificateAtFirstRegistration',
        'dualControlWaitMinutes',
        'erasedBeforeDays',
      ];
      leaf.data = { ...without(data, 'report', 'basedOn'), values: without(data['values'] as JsonObject, ...added) };
    } else return;
    leaf.schemaVersion = 1;
  });
}
