import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { toBase64 } from '../../src/domain/audit/log/bytes.js';
import { compareCopies, notesInText, type CopyReport } from '../../src/domain/audit/copies/compare-copies.js';
import { checkpointText } from '../../src/domain/audit/log/checkpoint.js';
import { keysThatFollow } from '../../src/domain/audit/log/key-succession.js';
import { consistencyProof } from '../../src/domain/audit/log/merkle-tree.js';
import { parseNote, verifierKeyText, writeNote } from '../../src/domain/audit/log/signed-note.js';
import { hasher, isSignedEd25519, sha256 } from '../../src/infrastructure/audit/digest.js';
import { SyntheticHistory } from '../../src/sandbox/synthetic-history.js';
import { WitnessStandIn } from '../support/witness-stand-in.js';
import { commandOutput } from './command-output.js';
import { AuditWorld, ORIGIN } from './support.js';

const appends = [...new SyntheticHistory({ seed: 4 }).appends(12)];

/** An honest log with a checkpoint every 20 appends and a key that was changed on the way; and a second log that was
 * the same up to the third checkpoint, was then written otherwise, and is signed by the same keys. */
describe('comparing kept checkpoints with the log', () => {
  const base = mkdtempSync(join(tmpdir(), 'honnin-compare-'));
  let honest: AuditWorld;
  let forked: AuditWorld;
  let notes: string[];

  beforeAll(async () => {
    mkdirSync(join(base, 'honest-0'));
    let world = await AuditWorld.open(join(base, 'honest-0'));
    await grow(world, appends.slice(0, 60));
    await world.keys.rotate(world.log.checkpoint(), { destroyOld: false });
    await world.close({ keep: true });
    cpSync(join(base, 'honest-0'), join(base, 'forked'), { recursive: true });
    world = await AuditWorld.open(join(base, 'honest-0'));
    await grow(world, appends.slice(60, 120));
    honest = world;
    forked = await AuditWorld.open(join(base, 'forked'));
    // An operator drops one event and goes on.
    await grow(
      forked,
      appends.slice(61, 120).filter(({ stream }) => stream !== appends[60]!.stream),
    );
    notes = honest.log.archivedAfter(0).map((size) => honest.log.checkpointOf(size)!.note);
  });
  afterAll(async () => {
    await honest.close();
    await forked.close();
    rmSync(base, { recursive: true });
  });

  async function grow(world: AuditWorld, more: typeof appends): Promise<void> {
    for (let i = 0; i < more.length; i += 20) {
      await world.append(more.slice(i, i + 20));
      await world.publish();
    }
  }

  const compared = (world: AuditWorld, copies: readonly string[], present = world.log.checkpoint()!.note): CopyReport =>
    compareCopies({
      present,
      copies: copies.map((note, i) => ({ note, where: `copy ${i}` })),
      keys: keysThatFollow(honest.keys.keys().slice(0, 1), world.keys.successions(), {
        hash: sha256,
        isSigned: isSignedEd25519,
      }),
      hash: sha256,
      isSigned: isSignedEd25519,
      proof: (first, second) => consistencyProof(hasher, world.log.nodes(second), { first, second }),
    });
  const codes = ({ discrepancies }: CopyReport): string[] => discrepancies.map(({ code }) => code);

  it('finds that it has only grown, across a change of key', () => {
    const report = compared(honest, notes);
    expect(report).toMatchObject({
      checkpoints: 6,
      consistent: 6,
      consistentUpTo: honest.log.checkpoint()!.size,
      firstFork: null,
      ignored: 0,
      discrepancies: [],
    });
  });

  it('names the first fork, between the last checkpoint that agrees and the first that does not', () => {
    const sizes = honest.log.archivedAfter(0);
    const report = compared(forked, notes.slice(0, -1));
    expect(report.firstFork).toEqual({ size: sizes[3], afterEntry: sizes[2], where: 'copy 3' });
    expect(report.consistent).toBe(3);
    expect(codes(report)).toContain('fork');
    expect(codes(compared(forked, [notes.at(-1)!]))).toEqual([
      honest.log.checkpoint()!.size > forked.log.checkpoint()!.size ? 'rolled_back' : 'fork',
    ]);
  });

  it('finds two histories from the copies alone', () => {
    const size = honest.log.archivedAfter(0)[4]!;
    const text = checkpointText({ origin: ORIGIN, size, root: sha256(Buffer.from('another')) });
    const report = compared(honest, [...notes, writeNote({ text, signatures: honest.keys.sign(text) })]);
    expect(codes(report)).toEqual(['two_histories', 'fork']);
    expect(report.firstFork?.size).toBe(size);
  });

  it('finds a log that was set back', () => {
    const report = compared(honest, notes, notes[2]);
    expect(codes(report)).toEqual(['rolled_back', 'rolled_back', 'rolled_back']);
  });

  it('believes no copy that the log has not signed, and no proof', async () => {
    const size = 3;
    const text = checkpointText({ origin: ORIGIN, size, root: sha256(Buffer.from('another')) });
    const stranger = await AuditWorld.open();
    const changed = notes[0]!.replace(/\n\d+\n/, '\n5\n');
    const report = compared(honest, [
      'no note',
      '',
      writeNote({ text, signatures: stranger.keys.sign(text) }),
      changed,
      notes[1]!.replace(ORIGIN, 'log.example/other'),
    ]);
    await stranger.close();
    expect(report).toMatchObject({ ignored: 4, checkpoints: 0 });
    expect(codes(report)).toEqual(['copy_signature']);
    const lied = compareCopies({
      present: honest.log.checkpoint()!.note,
      copies: [{ note: notes[0]!, where: 'x' }],
      keys: honest.keys.keys(),
      hash: sha256,
      isSigned: isSignedEd25519,
      proof: () => [sha256(Buffer.from('lie'))],
    });
    expect(codes(lied)).toEqual(['fork']);
    const silent = compareCopies({
      present: honest.log.checkpoint()!.note,
      copies: [{ note: notes[0]!, where: 'x' }],
      keys: honest.keys.keys(),
      hash: sha256,
      isSigned: isSignedEd25519,
      proof: () => {
        throw new Error('503');
      },
    });
    expect(codes(silent)).toEqual(['no_proof']);
    expect(codes(compared(honest, notes, 'nonsense'))).toEqual(['present_malformed']);
    expect(codes(compared(honest, notes, honest.log.checkpoint()!.note.replace(/\n\d+\n/, '\n999\n')))).toContain(
      'present_signature',
    );
  });

  it('cuts notes out of one text', () => {
    expect(notesInText(notes.join(''))).toEqual(notes);
    expect(notesInText(notes.join('\n'))).toEqual(notes);
    expect(notesInText('')).toEqual([]);
  });

  it('as a command reads folders, files and addresses, and says when it has compared nothing or trusts nobody', async () => {
    // The command opens a data folder as the server lays it out.
    const data = join(base, 'data');
    mkdirSync(data);
    for (const [from, to] of [
      ['audit', 'audit'],
      ['secret', 'keys/audit'],
      ['events.db', 'events.db'],
    ] as const)
      cpSync(join(base, 'forked', from), join(data, to), { recursive: true });
    const good = join(base, 'good');
    for (const [from, to] of [
      ['audit', 'audit'],
      ['secret', 'keys/audit'],
      ['events.db', 'events.db'],
    ] as const)
      cpSync(join(base, 'honest-0', from), join(good, to), { recursive: true });
    const copies = join(base, 'copies');
    mkdirSync(copies);
    notes.forEach((note, i) => writeFileSync(join(copies, `checkpoint-${i}`), note));
    const key = verifierKeyText(honest.keys.keys()[0]!);
    process.env['HONNIN_AUDIT_ORIGIN'] = ORIGIN;
    // The answers of a server, which are those of docs/api.md, over the log of the second world.
    const served: Record<string, (query: URLSearchParams) => string> = {
      '/kept': () => notes.join(''),
      '/v1/audit/log/checkpoint': () => forked.log.checkpoint()!.note,
      '/v1/audit/keys': () =>
        JSON.stringify({ keys: forked.keys.keys().map(verifierKeyText), successions: forked.keys.successions() }),
      '/v1/audit/proofs/consistency': (query) => {
        const [first, second] = [Number(query.get('first')), Number(query.get('second'))];
        return JSON.stringify({
          first,
          second,
          proof: consistencyProof(hasher, forked.log.nodes(second), { first, second }).map(toBase64),
        });
      },
    };
    const server = createServer((request, response) => {
      const { pathname, searchParams } = new URL(request.url ?? '/', 'http://127.0.0.1');
      response.end(served[pathname]?.(searchParams) ?? '');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const compare = (...args: string[]) => commandOutput(['compare', ...args]);
      expect(await compare('--data', good, '--copies', copies, '--key', key)).toMatchObject({
        code: 0,
        text: expect.stringContaining('the log has only grown since each of these checkpoints'),
      });
      expect(
        await compare(
          '--data',
          good,
          '--copies',
          `http://127.0.0.1:${(server.address() as AddressInfo).port}/kept`,
          '--key',
          key,
        ),
      ).toMatchObject({ code: 0, text: expect.stringContaining('6 of 6') });
      expect(await compare('--data', good, '--copies', copies)).toMatchObject({
        code: 2,
        text: expect.stringContaining('nobody knows whose log it is'),
      });
      expect(
        await compare(
          '--data',
          good,
          '--copies',
          `http://127.0.0.1:${(server.address() as AddressInfo).port}/none`,
          '--key',
          key,
        ),
      ).toMatchObject({ code: 2, text: expect.stringContaining('nothing was compared') });
      const fork = await compare('--data', data, '--copies', copies, '--key', key);
      expect(fork).toMatchObject({
        code: 1,
        text: expect.stringContaining(
          `FORK       first at the checkpoint of ${honest.log.archivedAfter(0)[3]} entries (${join(copies, 'checkpoint-3')}): something in entries ${honest.log.archivedAfter(0)[2]} to ${honest.log.archivedAfter(0)[3]! - 1} was changed`,
        ),
      });
      expect(
        JSON.parse((await compare('--data', data, '--copies', copies, '--key', key, '--json')).text),
      ).toMatchObject({ ok: false, firstFork: { size: honest.log.archivedAfter(0)[3] } });
      const from = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      expect(await compare('--server', from, '--copies', copies, '--key', key)).toMatchObject({
        code: 1,
        text: expect.stringContaining(
          `FORK       first at the checkpoint of ${honest.log.archivedAfter(0)[3]} entries`,
        ),
      });
      expect(await compare('--server', from, '--copies', join(copies, 'checkpoint-2'), '--key', key)).toMatchObject({
        code: 0,
        text: expect.stringContaining('1 of 1'),
      });
      expect(readFileSync(join(copies, 'checkpoint-0'), 'utf8')).toBe(notes[0]);
      // Cosignatures on what the log gives out and on the copies, by witnesses that the reader names.
      const witnesses = [
        await WitnessStandIn.start('witness.example/a', ORIGIN, () => []),
        await WitnessStandIn.start('witness.example/b', ORIGIN, () => []),
      ] as const;
      for (const witness of witnesses) await witness.stop();
      const [a, b] = witnesses;
      const { text } = parseNote(notes[4]!);
      writeFileSync(join(good, 'audit/cosigned'), notes[4]! + a.line(text));
      const judged = (...args: string[]) => compare('--data', good, '--copies', copies, '--key', key, ...args);
      expect(await judged('--witness', a.vkey)).toMatchObject({
        code: 0,
        text: expect.stringMatching(/witnesses {2}the first \d+ entries are cosigned by witness\.example\/a, since/),
      });
      expect(await judged('--witness', a.vkey, '--witness', b.vkey)).toMatchObject({
        code: 2,
        text: expect.stringContaining('2 of 2 are needed'),
      });
      writeFileSync(join(copies, 'checkpoint-5'), notes[5]! + b.line(parseNote(notes[5]!).text));
      expect(await judged('--witness', a.vkey, '--witness', b.vkey, '--witnesses-needed', '1')).toMatchObject({
        code: 0,
        text: expect.stringContaining('cosigned by witness.example/b'),
      });
      writeFileSync(join(copies, 'checkpoint-5'), notes[5]! + b.line('something else\n'));
      expect(await judged('--witness', b.vkey)).toMatchObject({
        code: 2,
        text: expect.stringMatching(/NOTE {7}\d+ entries: the line of witness\.example\/b is not its cosignature/),
      });
      writeFileSync(join(good, 'audit/cosigned'), notes[4]! + a.line('something else\n'));
      expect(await judged('--witness', a.vkey)).toMatchObject({
        code: 1,
        text: expect.stringMatching(/WRONG {6}\d+ entries: the line of witness\.example\/a is not its cosignature/),
      });
    } finally {
      delete process.env['HONNIN_AUDIT_ORIGIN'];
      server.close();
    }
  });
});
