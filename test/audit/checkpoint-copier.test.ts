import { readFileSync, readdirSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CheckpointCopier } from '../../src/infrastructure/audit/checkpoint-copier.js';
import { SyntheticHistory } from '../../src/sandbox/synthetic-history.js';
import { AuditWorld } from './support.js';

let world: AuditWorld;
const got: string[] = [];
let status = 204;
const server = createServer((request, response) => {
  let body = '';
  request.on('data', (chunk: Buffer) => (body += chunk.toString()));
  request.on('end', () => {
    if (status === 204) got.push(body);
    response.writeHead(status).end();
  });
});

beforeAll(async () => {
  world = await AuditWorld.open();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
});
afterAll(async () => {
  server.close();
  await world.close();
});

describe('copies of checkpoints', () => {
  it('go to a folder and to an address, each once, and again after a failure', async () => {
    const folder = join(world.folder, 'copies');
    const copier = new CheckpointCopier({ log: world.log, folder, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, everyMs: 1_000_000 });
    await copier.copy();
    expect(got).toEqual([]);
    const appends = [...new SyntheticHistory({ seed: 2 }).appends(5)];
    await world.append(appends.slice(0, 40));
    await world.publish();
    const first = world.log.checkpoint()!;
    await copier.copy();
    await copier.copy();
    expect(got).toEqual([first.note]);
    expect(readdirSync(folder)).toEqual([`checkpoint-${first.size}`]);
    expect(readFileSync(join(folder, `checkpoint-${first.size}`), 'utf8')).toBe(first.note);
    status = 503;
    await world.append(appends.slice(40));
    await world.publish();
    await copier.copy();
    expect(got).toHaveLength(1);
    status = 204;
    await copier.copy();
    expect(got).toEqual([first.note, world.log.checkpoint()!.note]);
  });
});
