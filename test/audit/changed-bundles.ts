import { LISTS } from '../../src/domain/audit/lists/list-drawer.js';
import { parseLeaf, registrantOf } from '../../src/domain/audit/log/leaf.js';
import { currentVersion } from '../../src/domain/event-registry.js';
import type { JsonObject } from '../../src/domain/event-envelope.js';
import type { BundleHeader } from '../../src/domain/audit/bundle/bundle.js';
import { toBase64, toHex, utf8 } from '../../src/domain/audit/log/bytes.js';
import { sealedEvidenceName } from '../../src/domain/audit/replay/evidence-name.js';
import { sha1, sha256 } from '../../src/infrastructure/audit/digest.js';
import { isInstant } from '../../src/domain/values/instant.js';
import { SyntheticHistory, type SyntheticAppend } from '../../src/sandbox/synthetic-history.js';
import { leafWith, madeLeaves, MadeLog, madeSalt, madeToken, type BundleChoice } from './made-bundle.js';

/** Chance that comes out the same for the same seed. */
export class Dice {
  constructor(private state: number) {}

  upTo(n: number): number {
    this.state = (Math.imul(this.state, 1664525) + 1013904223) >>> 0;
    return Math.floor((this.state / 2 ** 32) * n);
  }

  of<T>(all: readonly T[]): T {
    return all[this.upTo(all.length)] as T;
  }
}

/** Cases after an erasure: of three people the one who was erased is among them. */
const BACK = 5;

/** A history in which nearly everything happens: two policies, holds, refusals, an erasure and who comes back after it,
 * evidence that ends. */
export function eventfulLeaves(seed: number, cases: number): string[] {
  const half = Math.floor([...new SyntheticHistory({ seed }).appends(cases, { registrants: 3 })].length / 2);
  const more = new SyntheticHistory({ seed });
  const running: Iterator<SyntheticAppend> = more.appends(cases, { registrants: 3 })[Symbol.iterator]();
  const take = (most: number): SyntheticAppend[] => {
    const taken: SyntheticAppend[] = [];
    for (let step = running.next(); !step.done; step = running.next()) {
      taken.push(step.value);
      if (taken.length === most) break;
    }
    return taken;
  };
  const first = take(half);
  const policy = more.changePolicy({
    holdMarginPoints: 1_000,
    holdInReferralBand: true,
    holdOnRegisteredMismatch: true,
  });
  const rest = take(Number.POSITIVE_INFINITY);
  const person = registrantOf(rest.findLast(({ stream }) => registrantOf(stream) !== null)?.stream ?? '');
  const erased = person === null ? [] : more.eraseRegistrant(person);
  const back = more.later(cases, BACK, 3);
  const agreed = agreedByTwo();
  return madeLeaves([...first, ...policy, ...rest, ...erased, ...back, ...agreed, ...more.endRetention()]).map(
    withNamedEvidence,
  );
}

/** What two people agreed to, of each kind, what one took back, and a checkpoint on record. */
function agreedByTwo(): SyntheticAppend[] {
  const at = '2027-05-05T08:00:00.000Z';
  const appends: SyntheticAppend[] = [];
  const revisions = new Map<string, number>();
  const append = (stream: string, type: string, data: JsonObject, causationId = stream): string => {
    const revision = (revisions.get(stream) ?? -1) + 1;
    const [id, actor] = [`${stream}-${revision}`, 'officer:admin-a'];
    const metadata = { actor, correlationId: stream, causationId, recordedAtUtc: at, policyVersion: 2 };
    const event = { id, type, schemaVersion: currentVersion(type), data, metadata };
    appends.push({ stream, events: [event], expected: revision === 0 ? 'no_stream' : revision - 1 });
    revisions.set(stream, revision);
    return id;
  };
  const propose = (act: string, proposal: JsonObject): string =>
    append(act, 'ActProposed', { reason: 'found_again', reference: 'order 12', by: 'admin-a', proposal });
  const agree = (act: string, proposal: JsonObject, [stream, type, data]: readonly [string, string, JsonObject]) => {
    propose(act, proposal);
    const approved = append(act, 'ActApproved', { by: 'admin-b', notBeforeUtc: at });
    append(act, 'ActBegun', {});
    append(stream, type, { ...data, by: 'admin-a' }, approved);
    append(act, 'ActCarriedOut', { refusal: null });
  };
  const [one, two] = [
    { boothId: 'z', publicKey: 'one' },
    { boothId: 'z', publicKey: 'two' },
  ];
  agree('act-1', { act: 'enrol_booth', ...one }, ['booth-z', 'BoothEnrolled', one]);
  append('booth-z', 'BoothSuspended', { reason: 'lost', by: 'admin-a' });
  const rotated = ['booth-z', 'BoothKeyRotated', { publicKey: 'two', keyVersion: 2 }] as const;
  agree('act-2', { act: 'rotate_booth_key', ...two }, rotated);
  agree('act-3', { act: 'resume_booth', boothId: 'z' }, ['booth-z', 'BoothResumed', {}]);
  const skipped = { act: 'skip_event', consumer: 'relay', eventId: 'one' };
  agree('act-4', skipped, ['consumer-relay', 'EventSkipped', { eventId: 'one' }]);
  const readmitted = { act: 'readmit_person', subject: 'officer-a' };
  agree('act-5', readmitted, ['lockout-staff', 'StaffReadmitted', { subject: 'officer-a' }]);
  propose('act-6', { act: 'resume_booth', boothId: 'y' });
  append('act-6', 'ActDeclined', { by: 'admin-a' });
  append('log-1', 'CheckpointRecorded', { origin: 'x', size: 1, root: 'AAAA' });
  return appends;
}

/** The evidence that verified certificates of such a history name. */
export function evidenceIn(leaves: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    leaves
      .map((text) => parseLeaf(text))
      .flatMap((leaf) => {
        if (leaf?.type !== 'CertificateVerified') return [];
        return [[String(leaf.data['sealedEvidenceId']), toBase64(evidenceOf(leaf.metadata.causationId))]];
      }),
  );
}

function withNamedEvidence(text: string): string {
  if (parseLeaf(text)?.type !== 'CertificateVerified') return text;
  return leafWith(text, (leaf) => {
    const effectId = leaf.metadata.causationId;
    const sealedEvidenceId = sealedEvidenceName(effectId, evidenceOf(effectId), { sha256, sha1 });
    const sealedEvidenceSha256 = toHex(sha256(evidenceOf(effectId)));
    leaf.data = { ...leaf.data, sealedEvidenceId, sealedEvidenceSha256 };
  });
}

function evidenceOf(effectId: string): Uint8Array {
  return utf8(`evidence of ${effectId}`);
}

/** The choice that an honest server makes for a part of a log: the part, and what is needed to decide again. */
export function partOf(leaves: readonly string[], first: number, last: number): BundleChoice {
  const events = leaves.map((text) => parseLeaf(text));
  const streams = new Set(events.slice(first, last + 1).map((event) => event?.stream));
  const isNeeded = (i: number) => streams.has(events[i]?.stream) || events[i]?.stream.startsWith('policy-');
  const before = leaves.map((_, i) => i).filter((i) => i < first && isNeeded(i));
  return {
    indices: [...before, ...Array.from({ length: last - first + 1 }, (_, i) => first + i)],
    asked: { first, last },
  };
}

/** The same for one case. */
export function caseOf(leaves: readonly string[], requestId: string): BundleChoice {
  const events = leaves.map((text) => parseLeaf(text));
  const ofCase = events.filter((event) => event?.metadata.correlationId === requestId);
  const streams = new Set(
    ofCase.flatMap((event) => {
      if (event?.type === 'CertificateVerified') return [`registrant-${String(event.data['subjectKey'])}`];
      return event?.type === 'RequestReceived' ? [`booth-${String(event.data['boothId'])}`] : [];
    }),
  );
  const isOf = (i: number) => {
    const event = events[i];
    return (
      !!event &&
      (event.metadata.correlationId === requestId || streams.has(event.stream) || event.stream.startsWith('policy-'))
    );
  };
  const indices = leaves.map((_, i) => i).filter(isOf);
  const query = {
    by: 'registration',
    kind: 'registration',
    lists: [],
    requestId,
    withEvidence: false,
    withOpenings: false,
  } as const;
  return { indices, asked: null, query };
}

/** Bytes of a bundle, changed somewhere, by whoever had it in hand: nothing is signed again. */
export function changedInTransit(
  lines: readonly string[],
  dice: Dice,
): { readonly how: string; readonly bytes: Buffer } {
  const bytes = Buffer.from(`${lines.join('\n')}\n`);
  const at = dice.upTo(3) === 0 ? dice.upTo(lines[1]?.length ?? 1) + 23 : dice.upTo(bytes.length);
  const how = dice.of(['flip', 'drop', 'repeat', 'insert', 'line', 'swap'] as const);
  const cut = (put: Uint8Array, after = 1) => Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + after)]);
  const byte = bytes.subarray(at, at + 1);
  const n = 2 + dice.upTo(lines.length - 2);
  const joined = (changed: readonly string[]) => Buffer.from(`${changed.join('\n')}\n`);
  switch (how) {
    case 'flip':
      return { how: `${how} ${at}`, bytes: cut(Uint8Array.of((byte[0] ?? 0) ^ (1 << dice.upTo(8)))) };
    case 'drop':
      return { how: `${how} ${at}`, bytes: cut(new Uint8Array()) };
    case 'repeat':
      return { how: `${how} ${at}`, bytes: cut(Buffer.concat([byte, byte])) };
    case 'insert':
      return { how: `${how} ${at}`, bytes: cut(Uint8Array.of(32 + dice.upTo(95)), 0) };
    case 'line':
      return { how: `${how} ${n}`, bytes: joined(lines.filter((_, i) => i !== n)) };
    case 'swap':
      return {
        how: `${how} ${n}`,
        bytes: joined(
          lines.map((line, i) => (i === n ? (lines[n + 1] ?? line) : i === n + 1 ? (lines[n] ?? line) : line)),
        ),
      };
  }
}

/** A history that a server with the true key changed before it signed: only the rules can tell. */
export function changedBeforeSigning(
  leaves: readonly string[],
  dice: Dice,
): { readonly how: string; readonly leaves: string[] } {
  const types = [...new Set(leaves.map((text) => parseLeaf(text)?.type))];
  const type = dice.of(types);
  const places = leaves.map((_, i) => i).filter((i) => parseLeaf(leaves[i] as string)?.type === type);
  const at = dice.of(places);
  const all = [...leaves];
  const what = dice.of([
    'value',
    'value',
    'value',
    'value',
    'value',
    'drop',
    'again',
    'move',
    'type',
    'envelope',
    'policy',
  ] as const);
  switch (what) {
    case 'drop':
      return { how: `${type} at ${at} dropped`, leaves: all.filter((_, i) => i !== at) };
    case 'again':
      return { how: `${type} at ${at} again`, leaves: [...all.slice(0, at + 1), ...all.slice(at)] };
    case 'move': {
      const to = Math.min(all.length - 1, at + 1 + dice.upTo(6));
      const [moved] = all.splice(at, 1);
      all.splice(to, 0, moved as string);
      return { how: `${type} moved from ${at} to ${to}`, leaves: all };
    }
    case 'type': {
      const other = dice.of(types) as string;
      all[at] = leafWith(all[at] as string, (leaf) => void (leaf.type = other));
      return { how: `${type} at ${at} called ${other}`, leaves: all };
    }
    case 'policy': {
      const policyVersion = dice.of([null, 1, 2, 3]);
      all[at] = leafWith(all[at] as string, (leaf) => void (leaf.metadata = { ...leaf.metadata, policyVersion }));
      return { how: `${type} at ${at} under policy ${policyVersion}`, leaves: all };
    }
    case 'envelope': {
      const other = parseLeaf(dice.of(leaves))?.stream ?? '';
      const change = dice.of(['revision', 'schemaVersion', 'stream'] as const);
      const by = dice.of([-1, 1]);
      all[at] = leafWith(all[at] as string, (leaf) => {
        if (change === 'stream') leaf.stream = other;
        else leaf[change] += by;
      });
      return { how: `${type} at ${at}: ${change}`, leaves: all };
    }
    case 'value': {
      let how = '';
      all[at] = leafWith(all[at] as string, (leaf) => {
        const meta = { recordedAtUtc: leaf.metadata.recordedAtUtc, actor: leaf.metadata.actor };
        const holder = dice.upTo(8) === 0 ? meta : (JSON.parse(JSON.stringify(leaf.data)) as Record<string, unknown>);
        how = changedSomewhere(holder, leaves, dice);
        if (holder === meta) leaf.metadata = { ...leaf.metadata, ...meta };
        else leaf.data = holder as never;
      });
      return { how: `${type} at ${at}: ${how}`, leaves: all };
    }
  }
}

/** Changes one value inside of another one. @returns what was done */
function changedSomewhere(root: Record<string, unknown>, leaves: readonly string[], dice: Dice): string {
  const places: { readonly holder: Record<string, unknown>; readonly name: string }[] = [];
  const walk = (holder: Record<string, unknown>): void => {
    for (const [name, value] of Object.entries(holder)) {
      places.push({ holder, name });
      if (typeof value === 'object' && value !== null) walk(value as Record<string, unknown>);
    }
  };
  walk(root);
  if (places.length === 0 || dice.upTo(30) === 0) {
    root['added'] = true;
    return 'a member added';
  }
  const { holder, name } = dice.of(places);
  const value = holder[name];
  if (dice.upTo(12) === 0 && !Array.isArray(holder)) delete holder[name];
  else if (dice.upTo(20) === 0) holder[name] = null;
  else holder[name] = another(value, name, leaves, dice);
  return `${name} ${JSON.stringify(value)?.slice(0, 60)} → ${JSON.stringify(holder[name])?.slice(0, 60)}`;
}

function another(value: unknown, name: string, leaves: readonly string[], dice: Dice): unknown {
  if (typeof value === 'number') return value + dice.of([-1000, -1, 1, 1000]);
  if (typeof value === 'boolean') return !value;
  if (typeof value === 'string' && isInstant(value)) {
    return new Date(Date.parse(value) + dice.of([-86_400_000, -61_000, -1, 1, 61_000, 86_400_000])).toISOString();
  }
  if (Array.isArray(value)) return dice.upTo(2) === 0 ? value.slice(1) : [...value, ...value.slice(0, 1)];
  if (typeof value !== 'string' && value !== null) return { ...(value as object), added: 1 };
  // What stands under this name elsewhere in the log.
  const pattern = new RegExp(`"${name}":("[^"]*"|null|\\d+)`);
  const found = leaves.flatMap((text) => pattern.exec(text)?.[1] ?? []);
  return found.length === 0 ? 'another' : (JSON.parse(dice.of(found)) as unknown);
}

/** Members of the header that a server with the true key states as it likes. */
export function changedHeader(log: MadeLog, dice: Dice): { readonly how: string; readonly lines: string[] } {
  const size = log.leaves.length;
  const asked = dice.of([
    { first: 0, last: size - 1 },
    { first: 0, last: size - 2 },
    { first: 1, last: size - 1 },
    null,
  ]);
  const note = log.checkpoint(1 + dice.upTo(size));
  const evidence = Object.entries(evidenceIn(log.leaves));
  const some = Object.fromEntries(evidence.filter(() => dice.upTo(4) > 0));
  const person = { kind: 'staff', id: dice.of(['admin-a', 'officer-a']) } as const;
  const query = { by: 'range', from: 0, kind: 'range', to: null, withEvidence: dice.upTo(2) === 0 } as const;
  const changes: readonly Partial<BundleHeader>[] = [
    { known: [{ checkpoint: note, proof: log.grown(1 + dice.upTo(size)) }] },
    { timestamp: { checkpoint: note, proof: log.grown(1 + dice.upTo(size)), token: '' } },
    { timestamp: { checkpoint: log.checkpoint(7), proof: log.grown(7), token: 'AAAA' } },
    { evidence: { 'evidence-none': 'AAAA' } },
    { evidence: some, query },
    { evidence: { ...some, [evidence[0]?.[0] ?? 'none']: dice.of(['AAAA', 'A']) }, query },
    { openings: { [madeToken(person)]: { kind: 'staff', id: 'admin-a', salt: toBase64(madeSalt(person)) } } },
    { openings: { 'committed:none': { kind: 'staff', id: 'x', salt: dice.of(['AAAA', 'A']) } } },
    { successions: [note] },
    { asked },
    {
      query: {
        by: dice.of(['range', 'time']),
        from: dice.upTo(2),
        kind: 'range',
        to: dice.of([null, size - 1, size + 5, 3]),
      },
    },
    { query: { kind: dice.of(['range', 'registration'] as const), withEvidence: true } },
    {
      createdAtUtc: dice.of([
        '2026-02-30T00:00:00Z',
        '2026-01-01T24:00:00Z',
        '2026-01-01T24:00:01Z',
        '2026-13-01T00:00:00Z',
        'now',
      ]),
    },
    { policyVersion: dice.of([null, 7]) },
    { proof: dice.of([[], [log.grown(1)[0] ?? ''], ['AAAA'], ['?']]) },
    { checkpoint: dice.of([note, `${note}\n`, note.replace('\n\n', '\nmore\n\n'), note.replace('\n\n', '\n\n\n')]) },
  ];
  const header = dice.of(changes);
  const lists = dice.of([[], [...LISTS], ['holds', 'requests'] as const]);
  const lines = log.bundle({ header, lists, withHeaderLine: dice.upTo(3) > 0 });
  return { how: `header ${JSON.stringify(header).slice(0, 100)} lists ${lists.length}`, lines };
}
