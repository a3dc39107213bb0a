import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect } from '@jest/globals';
import { checkEventLog } from '../../src/infrastructure/event-store/check-event-log.js';
import { SqliteEventStore } from '../../src/infrastructure/event-store/sqlite/sqlite-event-store.js';
import { ReadModelDatabase } from '../../src/infrastructure/read-model/read-model-database.js';
import { built } from '../support/peers.js';
import { itUnless } from '../support/unless.js';
import { soakCount, soakSeed } from '../support/soak.js';

const root = path.resolve(import.meta.dirname, '../..');
const program = path.join(root, 'test/event-store/processes/append-until-killed.mjs');
const ROUNDS = Number(process.env['HONNIN_KILL_ROUNDS'] ?? soakCount({ ci: 5, soak: 12 }));
const WRITERS = 8;
const EVENTS_PER_APPEND = 3;

/** The same sequence in every run, so that a failure can be repeated. */
function delays(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return 20 + (state % 180);
  };
}

describe('kill -9 at random moments', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'honnin-kill-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** Runs the program, kills it some time after its first acknowledged append, and returns the last acknowledged
   * revision per stream. */
  async function runAndKill(delayMs: number): Promise<Map<string, number>> {
    const child = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', program, folder, String(WRITERS), String(EVENTS_PER_APPEND)],
      { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, NODE_OPTIONS: '' } },
    );
    let printed = '';
    const started = new Promise<void>((resolve, reject) => {
      child.stdout.on('data', (chunk: Buffer) => {
        printed += chunk.toString();
        resolve();
      });
      child.once('exit', (code) => reject(new Error(`the program ended by itself with ${code}`)));
    });
    const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
    await started;
    await sleep(delayMs);
    child.kill('SIGKILL');
    await closed;
    const complete = printed.slice(0, printed.lastIndexOf('\n'));
    return new Map(complete.split('\n').map((line) => [line.split(' ')[0] as string, Number(line.split(' ')[1])]));
  }

  itUnless(
    built('infrastructure/read-model/sqlite-read-model.js'),
    `loses no acknowledged event, stores no half append and keeps rows and position together (${ROUNDS} kills)`,
    async () => {
      const nextDelay = delays(soakSeed(20261123));
      let before = 0;
      for (let round = 0; round < ROUNDS; round += 1) {
        const acknowledged = await runAndKill(nextDelay());
        const store = SqliteEventStore.open({ file: path.join(folder, 'events.db') });
        for (const [stream, revision] of acknowledged) {
          const [last] = await store.readStream(stream, { direction: 'backwards', limit: 1 });
          expect(last?.revision).toBeGreaterThanOrEqual(revision);
          expect(((last?.revision ?? 0) + 1) % EVENTS_PER_APPEND).toBe(0);
        }
        await store.close();
        const report = await checkEventLog(path.join(folder, 'events.db'));
        expect(report.problems).toEqual([]);
        expect(report.events).toBeGreaterThan(before);
        before = report.events;
        expectRowsToFitPosition(folder);
      }
    },
    60_000 + ROUNDS * 3_000,
  );
});

/** Positions of this store count events, so the number of counted events must be the position exactly. */
function expectRowsToFitPosition(folder: string): void {
  const database = ReadModelDatabase.open(path.join(folder, 'readmodel.db'));
  const consumer = database.readStatement("SELECT position FROM consumers WHERE name = 'counter'").get() as
    { position: string | null } | undefined;
  const served = database.readStatement("SELECT build FROM projections WHERE name = 'counter'").get() as
    { build: number } | undefined;
  const counted = served
    ? (
        database.readStatement(`SELECT coalesce(sum(events), 0) AS n FROM "counter/counts/${served.build}"`).get() as {
          n: number;
        }
      ).n
    : 0;
  database.close();
  expect(counted).toBe(Number(consumer?.position ?? 0));
}
