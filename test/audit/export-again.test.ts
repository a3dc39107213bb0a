import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { valueOf } from '../../src/api/contract/answer.js';
import { AccessLog } from '../../src/application/access/access-log.js';
import { DecideAndAppend } from '../../src/application/decisions/decide-and-append.js';
import { ExportBundle, ExportBundleHandler } from '../../src/application/access/export-bundle.js';
import { Clock } from '../../src/application/ports/store/clock.js';
import type { BundleHeader } from '../../src/domain/audit/bundle/bundle.js';
import { SyntheticHistory } from '../../src/sandbox/synthetic-history.js';
import { AuditWorld } from './support.js';

class TickingClock extends Clock {
  private looks = 0;

  override nowUtc(): string {
    return new Date(Date.parse('2026-11-23T12:00:00.000Z') + (this.looks += 1)).toISOString();
  }
}

const OPTIONS = { lists: [], withOpenings: false, withEvidence: false, known: [] };
const WHY = { purpose: 'audit', reference: null } as const;

/** What others say of the log comes when it likes, also between a command and its repeat. @req R4 */
describe('an export that is asked for again', () => {
  let world: AuditWorld;
  let handler: ExportBundleHandler;

  beforeAll(async () => {
    world = await AuditWorld.open();
    await world.append([...new SyntheticHistory({ seed: 5 }).appends(4, { registrants: 2 })]);
    await world.publish();
    const clock = new TickingClock();
    const aggregates = new DecideAndAppend(world.store, clock);
    const access = new AccessLog(world.store, aggregates, clock);
    const { log, keys, store, pseudonyms, vault } = world;
    handler = new ExportBundleHandler(log, keys, store, pseudonyms, vault, access, clock, aggregates);
  });
  afterAll(() => world.close());

  async function exported(commandId: string): Promise<string> {
    const command = new ExportBundle(commandId, 'a1', { kind: 'range', from: 0, to: 3 }, OPTIONS, WHY);
    return [...valueOf(await handler.execute(command)).lines].join('\n');
  }

  it('is the bundle of then, also when a timestamp or a cosignature has come since', async () => {
    const [bare, id] = [await exported('bare'), 'stamped'];
    const size = world.log.checkpoint()!.size;
    const timestamps = join(world.auditFolder, 'timestamps');
    mkdirSync(timestamps, { recursive: true });
    writeFileSync(join(timestamps, `${size}.tsr`), 'a token');
    const stamped = await exported(id);
    writeFileSync(join(world.auditFolder, 'cosigned'), world.log.checkpoint()!.note);
    const cosigned = await exported('cosigned');

    expect(await exported('bare')).toBe(bare);
    expect(await exported(id)).toBe(stamped);
    expect(await exported('cosigned')).toBe(cosigned);
    const attached = [bare, stamped, cosigned].map((text) => {
      const { timestamp, known } = JSON.parse(text.split('\n')[1] as string) as BundleHeader;
      return [timestamp !== null, known.length];
    });
    expect(attached).toEqual([
      [false, 0],
      [true, 0],
      [true, 1],
    ]);
  });
});
