import { expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { OfflineQueue } from '../../src/booth/offline-queue.js';
import { temporaryFolder } from '../sandbox/support.js';
import { built } from '../support/peers.js';
import { describeUnless } from '../support/unless.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const queue = path.join(root, 'dist/booth/offline-queue.js');
const key = Buffer.alloc(32, 7);

/** Adds and settles as fast as it can, and says each id only when the queue had returned. */
const program = `
import { OfflineQueue } from ${JSON.stringify(pathToFileURL(queue).href)};
import { writeSync } from 'node:fs';
const queue = new OfflineQueue({ folder: process.argv[1], key: Buffer.alloc(32, 7) });
const body = Buffer.alloc(50_000, 1);
for (let i = 0; ; i += 1) {
  const id = queue.add({ idempotencyKey: 'key-' + i, contentType: 'x', body, bodySha256: 'x', preparedAtUtc: '2026-11-23T00:00:00.000Z', nonceExpiresAtUtc: '2026-11-23T00:05:00.000Z' });
  writeSync(1, 'added ' + id + '\\n');
  if (i % 2 === 0) { queue.settle(id, { result: 'refused', code: 'x' }); writeSync(1, 'settled ' + id + '\\n'); }
}`;

describeUnless(built('booth/offline-queue.js'), 'the offline queue under kill -9', () => {
  it('has every request that was taken in and every outcome that was stored, and no broken entry', async () => {
    for (const after of [1, 4, 9, 16]) {
      const folder = temporaryFolder();
      const said = await killedAfter(after, folder.path);
      const queue = new OfflineQueue({ folder: folder.path, key });
      const entries = new Map(queue.list().map((entry) => [entry.id, entry]));
      for (const id of said.added) expect(entries.get(id)?.idempotencyKey).toMatch(/^key-/);
      for (const id of said.settled) expect(entries.get(id)?.outcome).toEqual({ result: 'refused', code: 'x' });
      expect([...entries.values()].filter(({ outcome }) => outcome?.result === 'unreadable')).toEqual([]);
      queue.close();
      folder.remove();
    }
  });
});

/** Runs the program and kills it once it has said so many lines. */
async function killedAfter(lines: number, folder: string): Promise<{ added: string[]; settled: string[] }> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', program, folder], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString('utf8');
    if (output.split('\n').length > lines) child.kill('SIGKILL');
  });
  await new Promise((resolve) => child.once('close', resolve));
  const complete = output.split('\n').slice(0, -1);
  expect(complete.length).toBeGreaterThanOrEqual(lines);
  const ids = (word: string): string[] =>
    complete.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1));
  return { added: ids('added'), settled: ids('settled') };
}
