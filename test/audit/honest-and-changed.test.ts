import { createHash, sign } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { AuditLists, type ListAnswer, type ListQuestion } from '../../src/application/audit/audit-lists.js';
import {
  NothingToExportError,
  type BundleOptions,
  type BundleQuery,
} from '../../src/application/audit/bundle-maker.js';
import { evidenceOwner, registrantOwner } from '../../src/application/case/case-material.js';
import { Clock } from '../../src/application/ports/store/clock.js';
import { evidenceBytes, sealedEvidenceId, sealedEvidenceSha256 } from '../../src/application/case/sealed-evidence.js';
import { cutIntoLines } from '../../src/domain/audit/bundle/bundle.js';
import { checkpointText, parseCheckpoint } from '../../src/domain/audit/log/checkpoint.js';
import { LISTS } from '../../src/domain/audit/lists/list-drawer.js';
import { verifierKey, writeNote, type VerifierKey } from '../../src/domain/audit/log/signed-note.js';
import { verifyBundle, type Judgement } from '../../src/domain/audit/bundle/verify-bundle.js';
import { verifyList } from '../../src/domain/audit/lists/verify-list.js';
import { captureEnvelopeText, type CaptureEnvelope } from '../../src/domain/booth/capture-envelope.js';
import type { JsonObject } from '../../src/domain/event-envelope.js';
import { canonicalJson } from '../../src/domain/values/canonical-json.js';
import { sha256 } from '../../src/infrastructure/audit/digest.js';
import { certificateRules, settingsOf } from '../../src/infrastructure/jpki/certificate-check.js';
import { DerError } from '../../src/infrastructure/x509/asn1/der.js';
import { certificateJudge } from '../../src/infrastructure/jpki/judge-kept-verdict.js';
import { recomputeVerdict } from '../../src/infrastructure/jpki/recompute-verdict.js';
import {
  splitSource,
  trustAnchor,
  TrustAnchorError,
  TrustAnchors,
} from '../../src/infrastructure/x509/path/trust-anchors.js';
import { crlsIn, judgeBundleTimestamp } from '../../src/infrastructure/timestamp/judge-bundle-timestamp.js';
import { encodeTimestampRequest } from '../../src/infrastructure/timestamp/timestamp-request.js';
import { SyntheticHistory, type SyntheticAppend } from '../../src/sandbox/synthetic-history.js';
import { newKeys } from '../../src/sandbox/timestamp/timestamp-authority.js';
import { readTimestampRequest, timestampCrl, writeTimestamp } from '../../src/sandbox/timestamp/timestamp-writer.js';
import {
  makeAuthority,
  makeCardCertificate,
  makeOcspResponse,
  NOW,
  pem,
  rsaKey,
} from '../certificate/support/certificate-factory.js';
import { soakCount, soakFactor, soakSeed } from '../support/soak.js';
import { MadeWitness } from './made-bundle.js';
import { AuditWorld, ORIGIN, primitives } from './support.js';
import { TELLS_NOTHING } from './tells-nothing.js';

const NOW_UTC = '2026-11-23T12:00:00.000Z';
const AT = new Date(NOW * 1000).toISOString();
/** Two generations of the certification service's root, which share a name, and a root of somebody else. */
const [older, newer, stranger] = [
  makeAuthority(rsaKey()),
  makeAuthority(rsaKey(), { serial: 2 }),
  makeAuthority(rsaKey()),
];
const cardKey = rsaKey();
const witnesses = [new MadeWitness(8, 'witness.example/w1'), new MadeWitness(9, 'witness.example/w2')] as const;
const strangeWitness = new MadeWitness(10, 'witness.example/w3');
const hex = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

class FixedClock extends Clock {
  nowUtc(): string {
    return NOW_UTC;
  }
}

/** What a reader has beside the bundle. */
interface Held {
  readonly trusted: readonly VerifierKey[];
  readonly known: readonly string[];
  readonly roots: readonly Uint8Array[];
  readonly tsaRoots: readonly Uint8Array[];
  readonly tsaCrls: readonly Uint8Array[];
  readonly witnesses: readonly VerifierKey[];
  readonly needed: number;
  /** Pages of a list that came from the same server. */
  readonly pages: readonly unknown[] | null;
}

/** Everything that a reader can ask of a bundle, in one word: wrong where one of the judges says wrong, right where all
 * do. */
function judged(
  lines: Iterable<string>,
  held: Held,
): { readonly outcome: Judgement; readonly said: readonly string[]; readonly shown: string } {
  const policy =
    held.witnesses.length === 0
      ? {}
      : { witnesses: { keys: held.witnesses, needed: Math.min(held.needed, held.witnesses.length) } };
  const load = () =>
    TrustAnchors.load({ user_authentication: [...held.roots], digital_signature: [...held.roots] }, 'test');
  const certificates = held.roots.length === 0 ? {} : { certificates: certificateJudge(certificateRules(load())) };
  const { trusted, known } = held;
  const report = verifyBundle(lines, primitives, { trusted, known, ...policy, ...certificates });
  const anchors = held.tsaRoots.map((der) => trustAnchor(der));
  const nowMs = Date.parse(NOW_UTC) + 86_400_000;
  const stampTrust = { anchors, crls: held.tsaCrls.flatMap(crlsIn), policy: null, nowMs };
  const stamp = judgeBundleTimestamp(report, { ...stampTrust, isRequired: false });
  const list =
    held.pages === null ? null : verifyList(held.pages, primitives, { trusted, known, bundle: lines, ...policy });
  const found = [...report.discrepancies, ...(list?.discrepancies ?? [])].map(
    ({ code, detail }) => `${code}: ${detail}`,
  );
  const stampAs = (judgement: Judgement) => (stamp.judgement === judgement ? [`timestamp: ${stamp.reason}`] : []);
  const wrong = [...found, ...stampAs('wrong')];
  const doubts = [
    ...[...report.undecided, ...(list?.undecided ?? [])].map(({ code, detail }) => `${code}: ${detail}`),
    ...stampAs('undecided'),
  ];
  const outcome = wrong.length > 0 ? 'wrong' : doubts.length > 0 ? 'undecided' : 'right';
  return { outcome, said: wrong.length > 0 ? wrong : doubts, shown: JSON.stringify([report, stamp, list]) };
}

/** A history in which every verdict on a certificate follows from evidence, and the evidence by its name. */
function withEvidence(appends: Iterable<SyntheticAppend>): {
  readonly appends: SyntheticAppend[];
  readonly sealed: {
    readonly person: string | null;
    readonly requestId: string;
    readonly id: string;
    readonly bytes: Uint8Array;
  }[];
} {
  const rules = certificateRules(
    TrustAnchors.load({ user_authentication: [older.certificate, newer.certificate], digital_signature: [] }, 'test'),
  );
  const sealed: { person: string | null; requestId: string; id: string; bytes: Uint8Array }[] = [];
  const requests = new Map<string, JsonObject>();
  const renamed = new Map<string, string>();
  const all = [...appends].map((append) => {
    const events = append.events.map((event) => {
      const { type, data, metadata } = event;
      if (type === 'RequestReceived') requests.set(metadata.correlationId, data);
      if (type !== 'CertificateVerified' && type !== 'CertificateRejected') {
        const text = [...renamed].reduce((told, [from, to]) => told.replaceAll(from, to), canonicalJson(data));
        return { ...event, data: JSON.parse(text) as JsonObject };
      }
      const isGood = type === 'CertificateVerified';
      const kept = checked(requests.get(metadata.correlationId) as JsonObject, { n: sealed.length, isGood, rules });
      const id = sealedEvidenceId(metadata.causationId, kept.bytes);
      renamed
        .set(String(data['sealedEvidenceId']), id)
        .set(String(data['sealedEvidenceSha256']), sealedEvidenceSha256(kept.bytes));
      sealed.push({
        person: isGood ? String(data['subjectKey']) : null,
        requestId: metadata.correlationId,
        id,
        bytes: kept.bytes,
      });
      const named = { sealedEvidenceId: id, sealedEvidenceSha256: sealedEvidenceSha256(kept.bytes) };
      return { ...event, data: { ...data, ...named, evidence: kept.evidence as unknown as JsonObject } };
    });
    return { ...append, events };
  });
  return { appends: all, sealed };
}

/** One check of a card as the server makes and keeps it; cards are of both generations in turn. */
function checked(
  request: JsonObject,
  {
    n,
    isGood,
    rules,
  }: { readonly n: number; readonly isGood: boolean; readonly rules: ReturnType<typeof certificateRules> },
) {
  const issuer = n % 2 === 0 ? older : newer;
  const serial = 0x5000 + n;
  const certificate = makeCardCertificate(issuer, cardKey, { serial });
  const { boothId, counter, certificateType, mode, capturedAtUtc, consent } = request as unknown as CaptureEnvelope;
  const signedText = captureEnvelopeText({
    nonce: `nonce-${n}`,
    boothId,
    counter,
    certificateType,
    mode,
    capturedAtUtc,
    consent,
    photoSha256: hex(Buffer.from('photo')),
    certificateSha256: hex(certificate),
    cardRecordSha256: hex(Buffer.from('record')),
    cardIssuerCertificateSha256: hex(Buffer.from('issuer')),
  });
  const signature = sign('sha256', Buffer.from(signedText), cardKey.privateKey);
  const nonce = Buffer.alloc(16, n + 1);
  const status = isGood ? ('good' as const) : { revokedAt: NOW - 60 };
  const statusResponse = makeOcspResponse({ issuer, serial, thisUpdate: NOW, nextUpdate: NOW + 900, nonce, status });
  const sealed = {
    certificate,
    statusKind: 'ocsp',
    statusResponse,
    ocspNonce: nonce.toString('hex'),
    settings: settingsOf(rules, certificateType),
  } as const;
  const stated = { checkedAtUtc: AT, source: 'http://ocsp.example/' } as never;
  const again = recomputeVerdict(
    { sealed, certificateType, signedBytes: Buffer.from(signedText), signature, at: AT, evidence: stated },
    rules,
  );
  if (again.verdict !== (isGood ? 'valid' : 'invalid')) throw new Error(`${again.verdict}: ${JSON.stringify(again)}`);
  const presented = { faceRecord: null, certificateType, signedText, signature: signature.toString('base64'), at: AT };
  return { evidence: again.evidence, bytes: evidenceBytes(sealed, presented) };
}

describe('an honest log, and the same changed', () => {
  let world: AuditWorld;
  let lists: AuditLists;
  /** Checkpoints of the log, oldest first; the key of the log was changed between the second and the third. */
  const notes: string[] = [];
  /** Some of them with lines of witnesses. */
  let cosigned: readonly string[];
  let keys: readonly VerifierKey[];
  let requestIds: readonly string[];
  let tsa: Awaited<ReturnType<typeof newKeys>>;
  let crl: Uint8Array;
  let answers: readonly ListAnswer[];

  beforeAll(async () => {
    world = await AuditWorld.open();
    lists = new AuditLists(world.log, world.keys, world.store, world.pseudonyms, new FixedClock());
    const made = withEvidence(new SyntheticHistory({ seed: 17 }).appends(10, { registrants: 4 }));
    const erased = new Set(
      made.appends.flatMap(({ stream, events }) =>
        events.some(({ type }) => type === 'RegistrantErased') ? [stream.slice('registrant-'.length)] : [],
      ),
    );
    for (const { person, requestId, id, bytes } of made.sealed) {
      if (person === null || !erased.has(person))
        await world.vault.seal(person === null ? evidenceOwner(requestId) : registrantOwner(person), id, bytes);
    }
    const step = Math.ceil(made.appends.length / 4);
    for (let i = 0; i < 4; i += 1) {
      await world.append(made.appends.slice(i * step, (i + 1) * step));
      await world.publish();
      notes.push(world.log.checkpoint()!.note);
      if (i === 1) await world.keys.rotate(world.log.checkpoint(), { destroyOld: false });
    }
    keys = world.keys.keys();
    requestIds = made.sealed.map(({ requestId }) => requestId);
    tsa = await newKeys(new Date(NOW_UTC));
    crl = timestampCrl(tsa.anchor, new Date(Date.parse(NOW_UTC) + 3_600_000));
    const stamped = world.log.checkpointOf(parseCheckpoint(notes[2]!).checkpoint.size)!;
    const asked = encodeTimestampRequest({
      message: Buffer.from(stamped.note),
      nonce: Buffer.alloc(8, 1),
      policy: null,
    });
    mkdirSync(join(world.auditFolder, 'timestamps'), { recursive: true });
    const token = writeTimestamp(readTimestampRequest(asked), tsa, {
      fault: 'none',
      now: new Date(NOW_UTC),
      serial: 7,
    });
    writeFileSync(join(world.auditFolder, 'timestamps', `${stamped.size}.tsr`), token);
    const [one, other] = witnesses;
    cosigned = [
      one.cosign(notes[1]!, 1_800_000_000),
      other.cosign(one.cosign(notes[2]!, 1_800_000_100), 1_800_000_200),
    ];
    writeFileSync(join(world.auditFolder, 'cosigned'), cosigned[1]!);
    const question = (list: ListQuestion['list'], limit: number): ListQuestion => ({
      list,
      filter: {},
      moment: 'now',
      withNames: false,
      cursor: null,
      limit,
    });
    answers = [
      await lists.page(question('requests', 1000)),
      await lists.page(question('holds', 1000)),
      await lists.page(question('dashboard', 1)),
    ];
  }, 120_000);
  afterAll(() => world.close());

  const range = { kind: 'range', from: 0, to: null } as const;
  const everything = (): Held => ({
    trusted: keys,
    known: notes,
    roots: [older.certificate, newer.certificate],
    tsaRoots: [tsa.anchor.certificate],
    tsaCrls: [crl],
    witnesses: witnesses.map(({ key }) => key),
    needed: 2,
    pages: null,
  });

  /** The reader who lacks nothing has nothing to doubt. */
  it('is right for who holds everything', async () => {
    const lines = await world.bundle(range, {
      withEvidence: true,
      withOpenings: true,
      lists: [...LISTS],
      known: notes,
    });
    const verdicts = verifyBundle(lines, primitives, { trusted: keys }).certificates;
    expect(verdicts.verdicts).toBeGreaterThan(8);
    for (const page of answers)
      expect(judged(lines, { ...everything(), pages: [JSON.parse(JSON.stringify(page))] })).toMatchObject({
        outcome: 'right',
        said: [],
      });
  });

  /** @fault L1 L12 */
  it(
    'is never wrong, whatever was exported, and whatever part of keys, roots, checkpoints, witnesses and lists a reader holds',
    async () => {
      const size = world.log.checkpoint()!.size;
      const strangeKey = verifierKey('other.example/log', new Uint8Array(32).fill(3), sha256);
      const foreign = writeNote({
        text: checkpointText({ origin: 'other.example/log', size: 9, root: sha256(new Uint8Array()) }),
        signatures: [{ name: 'other.example/log', id: strangeKey.id, bytes: new Uint8Array(64) }],
      });
      const emptyText = checkpointText({ origin: ORIGIN, size: 0, root: sha256(new Uint8Array()) });
      const empty = writeNote({ text: emptyText, signatures: world.keys.sign(emptyText) });
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
        fc.constant<BundleQuery>(range),
      );
      const options = fc.record({
        lists: fc.subarray([...LISTS]),
        withOpenings: fc.boolean(),
        withEvidence: fc.boolean(),
        known: fc.subarray([...notes, ...cosigned]),
      });
      const held: fc.Arbitrary<Held> = fc.record({
        trusted: fc.shuffledSubarray([...keys, strangeKey]),
        known: fc.shuffledSubarray([...notes, ...cosigned, foreign, empty, 'no checkpoint at all\n']),
        roots: fc.shuffledSubarray([older, newer, stranger].map(({ certificate }) => certificate)),
        tsaRoots: fc.subarray([tsa.anchor.certificate, tsa.foreign.certificate]),
        tsaCrls: fc.subarray([crl]),
        witnesses: fc.shuffledSubarray([...witnesses, strangeWitness].map(({ key }) => key)),
        needed: fc.integer({ min: 1, max: 3 }),
        pages: fc.option(fc.constantFrom(...answers).map((page) => [JSON.parse(JSON.stringify(page)) as unknown])),
      });
      const seen = { right: 0, undecided: 0, wrong: 0 };
      await fc.assert(
        fc.asyncProperty(queries, options, held, async (query, asked, reader) => {
          const lines = await exportOrRefusal(query, asked);
          if (lines === null) return;
          const { outcome, said } = judged(lines, reader);
          seen[outcome] += 1;
          expect([outcome === 'wrong', outcome === 'wrong' ? said : []]).toEqual([false, []]);
          if (reader.trusted.length === 0) expect(outcome).not.toBe('right');
        }),
        { numRuns: soakCount({ ci: 25, soak: 80 }), seed: soakSeed(20261130) },
      );
      process.stdout.write(`honest: ${seen.right} right, ${seen.undecided} undecided\n`);
      expect(seen.undecided).toBeGreaterThan(0);
    },
    300_000 * soakFactor(),
  );

  async function exportOrRefusal(query: BundleQuery, asked: Partial<BundleOptions>): Promise<string[] | null> {
    try {
      // Lists go with a range; a case is exported without them.
      return await world.bundle(query, query.kind === 'registration' ? { ...asked, lists: [] } : asked);
    } catch (error) {
      if (!(error instanceof NothingToExportError)) throw error;
      return null;
    }
  }

  /** All that a reader reads, as files. */
  interface Files {
    readonly bundle: Buffer;
    readonly list: Buffer;
    readonly known: Buffer;
    readonly roots: Buffer;
    readonly tsaRoots: Buffer;
    readonly tsaCrls: Buffer;
  }

  /** Reads them as the page does. What cannot be read is said to the reader and judged by nobody. */
  function readFiles(files: Files): ReturnType<typeof judged> | 'unreadable' {
    try {
      const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(files.bundle);
      const pages = [JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(files.list)) as unknown];
      const lines = { [Symbol.iterator]: () => cutIntoLines([text])[Symbol.iterator]() };
      const [roots, tsaRoots] = [splitSource(files.roots), splitSource(files.tsaRoots)];
      const known = [files.known.toString()];
      return judged(lines, { ...everything(), pages, known, roots, tsaRoots, tsaCrls: [files.tsaCrls] });
    } catch (error) {
      // Jest runs tests in a realm of its own, and what the platform throws is of another one: it is known by its name.
      const isOfPlatform = ['TypeError', 'SyntaxError'].includes((error as Error).name);
      if (isOfPlatform || error instanceof TrustAnchorError || error instanceof DerError) return 'unreadable';
      throw error;
    }
  }

  async function filesOf(query: BundleQuery): Promise<Files> {
    const lines = await world.bundle(query, {
      withEvidence: true,
      withOpenings: true,
      lists: ['requests'],
      known: [cosigned[1]!],
    });
    return {
      bundle: Buffer.from(`${lines.join('\n')}\n`),
      list: Buffer.from(JSON.stringify(answers[1], null, 1)),
      known: Buffer.from(notes[0]!),
      roots: Buffer.from(`my copies\n${pem(older.certificate)}${pem(newer.certificate)}`),
      tsaRoots: Buffer.from(pem(tsa.anchor.certificate)),
      tsaCrls: Buffer.from(crl),
    };
  }

  it(
    'is never right with any byte changed, but for kinds of bytes that tell nobody anything',
    async () => {
      const files = await filesOf(range);
      expect(readFiles(files)).toMatchObject({ outcome: 'right' });
      const found = new Map<string, number>();
      const names = Object.keys(files) as (keyof Files)[];
      fc.assert(
        fc.property(
          fc.constantFrom(...names),
          fc.nat(2 ** 30),
          fc.constantFrom('flip', 'drop', 'repeat', 'insert'),
          fc.integer({ min: 1, max: 255 }),
          (name, place, how, value) => {
            const bytes = files[name];
            const at = place % bytes.length;
            const [before, byte, after] = [bytes.subarray(0, at), bytes.subarray(at, at + 1), bytes.subarray(at + 1)];
            const put = {
              flip: [Uint8Array.of(bytes[at]! ^ value)],
              drop: [],
              repeat: [byte, byte],
              insert: [Uint8Array.of(value), byte],
            }[how];
            const changed = Buffer.concat([before, ...put, after]);
            const read = changed.equals(bytes) ? 'unreadable' : readFiles({ ...files, [name]: changed });
            if (read === 'unreadable' || read.outcome !== 'right') return;
            const kind = TELLS_NOTHING.find(({ of, isSame }) => of === name && isSame(bytes, changed));
            if (kind === undefined)
              throw new Error(
                `${name}: ${how} at ${at} is still right: ${JSON.stringify(changed.subarray(Math.max(0, at - 40), at + 40).toString('latin1'))}`,
              );
            found.set(kind.kind, (found.get(kind.kind) ?? 0) + 1);
          },
        ),
        { numRuns: soakCount({ ci: 20, soak: 60 }), seed: soakSeed(20261130) },
      );
      process.stdout.write(`changed and still right: ${JSON.stringify(Object.fromEntries(found))}\n`);
    },
    300_000 * soakFactor(),
  );

  it('knows six such kinds at most', () => expect(TELLS_NOTHING.length).toBeLessThanOrEqual(6));

  it.each(TELLS_NOTHING.map((each) => [each.kind, each] as const))(
    'shows no reader the changed byte: %s',
    async (_, { of, isSame, sample }) => {
      const files = await filesOf(range);
      const changed = sample(files[of]);
      expect([changed.equals(files[of]), isSame(files[of], changed)]).toEqual([false, true]);
      const [before, after] = [readFiles(files), readFiles({ ...files, [of]: changed })];
      expect(before).toMatchObject({ outcome: 'right' });
      expect(after).toEqual(before);
    },
  );
});
