import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect } from '@jest/globals';
import { leafText } from '../../src/domain/audit/log/leaf.js';
import { GrowingTree } from '../../src/domain/audit/log/merkle-tree.js';
import { toHex } from '../../src/domain/audit/log/bytes.js';
import { TILE_WIDTH, tilePath } from '../../src/domain/audit/log/tiles.js';
import { hasher } from '../../src/infrastructure/audit/digest.js';
import { fsck } from '../../src/infrastructure/audit/fsck/fsck.js';
import { storedText } from '../../src/infrastructure/audit/log/log-builder.js';
import { storedPositions } from '../../src/infrastructure/audit/log/tile-log.js';
import { AuditWorld } from './support.js';
import { built } from '../support/peers.js';
import { itUnless } from '../support/unless.js';
import { soakCount, soakSeed } from '../support/soak.js';

const root = path.resolve(import.meta.dirname, '../..');
const program = path.join(root, 'test/audit/processes/log-until-killed.mjs');
const ROUNDS = Number(process.env['HONNIN_AUDIT_KILLS'] ?? soakCount({ ci: 6, soak: 20 }));
/** A run that has not published anything by then is stuck. */
const GOING_MS_MAX = 120_000;
const unbuilt = built('infrastructure/audit/log/log-builder-thread.js');

/** The same sequence in every run, so that a failure can be repeated. */
function delays(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) % 120;
  };
}

describe('kill -9 of the process that writes the audit log', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'honnin-audit-kill-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  function start(...args: string[]) {
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program, folder, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    let errors = '';
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    const ended = new Promise<string | number | null>((resolve) =>
      child.once('close', (code, signal) => resolve(signal ?? code)),
    );
    const going = new Promise<void>((resolve, reject) => {
      const late = setTimeout(() => {
        reject(new Error(`the program publishes nothing: ${errors}`));
        child.kill('SIGKILL');
      }, GOING_MS_MAX);
      child.stdout.once('data', () => resolve());
      child.once('close', (code) => reject(new Error(`the program ended by itself with ${code}: ${errors}`)));
      child.once('close', () => clearTimeout(late));
      child.stdout.once('data', () => clearTimeout(late));
    });
    going.catch(() => {});
    return { child, ended, going, errors: () => errors };
  }

  /** Something of a step that was not finished: then the kill fell into one. */
  function wasInAStep(world: AuditWorld): boolean {
    const size = world.log.checkpoint()?.size ?? 0;
    const names = readdirSync(world.auditFolder, { recursive: true }).map(String);
    return (
      names.some((name) => name.endsWith('.tmp')) ||
      storedPositions(world.auditFolder) > size ||
      (world.log.archivedAfter(0).at(-1) ?? 0) > size
    );
  }

  /** Sound as it lies on the disk, before anything repairs it, and a continuation of every checkpoint that was ever
   * seen. */
  async function expectSound(seen: string[], before: number): Promise<{ size: number; interrupted: boolean }> {
    const world = await AuditWorld.open(folder);
    try {
      const interrupted = wasInAStep(world);
      const current = world.log.checkpoint();
      const report = await fsck({
        eventsFile: path.join(folder, 'events.db'),
        auditFolder: world.auditFolder,
        signer: world.keys,
        pseudonyms: world.pseudonyms,
        vault: null,
        copies: seen,
      });
      // A writer that was killed under load is behind its store, by the clock longer on a busy machine: that is told,
      // and is no damage.
      expect(report.problems.filter(({ code }) => code !== 'log_behind')).toEqual([]);
      // One archived checkpoint may be ahead of the rename that would have published it: it is sound too, and the next
      // start publishes it.
      expect([current?.size ?? 0, world.log.archivedAfter(0).at(-1) ?? 0]).toContain(report.events);
      expect(current?.size ?? 0).toBeGreaterThanOrEqual(before);
      if (current) seen.push(current.note);
      return { size: current?.size ?? 0, interrupted };
    } finally {
      await world.close({ keep: true });
    }
  }

  /** Root over the leaves that the stored events give, in one go and without any file of the log. */
  async function uninterruptedRoot(world: AuditWorld): Promise<{ size: number; root: string }> {
    const tree = new GrowingTree(hasher);
    for (let last = null as Awaited<ReturnType<typeof world.store.head>>; ;) {
      const { events } = await world.store.readAll(last, { limit: 4096 });
      if (events.length === 0) return { size: tree.size, root: toHex(tree.root()) };
      for (const event of events)
        tree.append(
          hasher.leaf(Buffer.from(leafText(storedText(event), (person) => world.pseudonyms.tokenOf(person)))),
        );
      last = events.at(-1)!.position;
    }
  }

  async function expectSameTreeAsUninterrupted(seen: string[]): Promise<void> {
    const finishing = start('finish');
    expect([await finishing.ended, finishing.errors()]).toEqual([0, '']);
    await expectSound(seen, 0);
    const world = await AuditWorld.open(folder);
    try {
      const published = world.log.checkpoint()!;
      expect({ size: published.size, root: toHex(published.root) }).toEqual(await uninterruptedRoot(world));
    } finally {
      await world.close({ keep: true });
    }
  }

  itUnless(
    unbuilt,
    `leaves a sound log at any moment, and it grows to the tree of an uninterrupted run (${ROUNDS} kills)`,
    async () => {
      const nextDelay = delays(Number(process.env['HONNIN_AUDIT_KILL_SEED'] ?? soakSeed(20261123)));
      const seen: string[] = [];
      let [size, interrupted] = [0, 0];
      let round = 0;
      // Kills that only ever fall between two steps would show nothing: more of them, until one falls into a step.
      for (; round < ROUNDS || (interrupted === 0 && round < 5 * ROUNDS); round += 1) {
        const { child, ended, going } = start('load');
        await going;
        await sleep(nextDelay());
        child.kill('SIGKILL');
        expect(await ended).toBe('SIGKILL');
        const found = await expectSound(seen, size);
        expect(found.size).toBeGreaterThan(size);
        size = found.size;
        if (found.interrupted) interrupted += 1;
      }
      await expectSameTreeAsUninterrupted(seen);
      process.stderr.write(`${round} kills, ${interrupted} of them inside of a step, ${size} leaves\n`);
      if (ROUNDS >= 20) expect(interrupted).toBeGreaterThan(0);
    },
    60_000 + ROUNDS * 10_000,
  );

  itUnless(
    unbuilt,
    'leaves a sound log when it dies before each step of the writer, between append and signature too',
    async () => {
      const seen: string[] = [];
      const first = start('load');
      await first.going;
      first.child.kill('SIGKILL');
      await first.ended;
      let { size } = await expectSound(seen, 0);
      for (const step of ['positions', 'tile', 'rename', 'folders', 'sign', 'archive', 'checkpoint', 'clean']) {
        const { ended, errors } = start('die-before', step);
        expect([step, await ended, errors()]).toEqual([step, 'SIGKILL', '']);
        ({ size } = await expectSound(seen, size));
      }
      await expectSameTreeAsUninterrupted(seen);
    },
    120_000,
  );

  itUnless(
    unbuilt,
    'is told apart from a log whose writer publishes before it writes',
    async () => {
      const { child, ended, going } = start('load');
      await going;
      child.kill('SIGKILL');
      await ended;
      await expectSameTreeAsUninterrupted([]);
      const world = await AuditWorld.open(folder);
      const size = world.log.checkpoint()!.size;
      // What a kill would leave behind if the checkpoint were renamed before the tiles: the newest tile is the one
      // before it.
      const index = Math.floor((size - 1) / TILE_WIDTH);
      const edge = path.join(
        world.auditFolder,
        tilePath({ level: 'entries', index, width: size - index * TILE_WIDTH }),
      );
      expect(existsSync(edge)).toBe(true);
      const whole = readFileSync(edge);
      writeFileSync(edge, whole.subarray(0, whole.length >> 1));
      const report = await fsck({
        eventsFile: path.join(folder, 'events.db'),
        auditFolder: world.auditFolder,
        signer: world.keys,
        pseudonyms: world.pseudonyms,
        vault: null,
        copies: [],
      });
      await world.close({ keep: true });
      expect(report.problems.map(({ code }) => code)).toContain('unreadable');
    },
    60_000,
  );
});
