import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AuditLists } from '../../src/application/audit/audit-lists.js';
import type { AuditLog } from '../../src/application/ports/audit/audit-log.js';
import { LISTS, type ListName } from '../../src/domain/audit/lists/list-drawer.js';
import { glanceAtLeaf, leafText, parseLeaf } from '../../src/domain/audit/log/leaf.js';
import { canonicalJson } from '../../src/domain/values/canonical-json.js';
import { SyntheticHistory } from '../../src/sandbox/synthetic-history.js';
import { SystemClock } from '../../src/infrastructure/clock/system-clock.js';
import { AuditWorld } from './support.js';

let world: AuditWorld;
let sizes: readonly [number, number];
/** Leaves that the lists have read, in the order of reading. */
let read: [number, number][];

/** The log as it was at one of its sizes, or as it is. */
function logAt(size: () => number | null): AuditLog {
  const log = world.log;
  return new Proxy(log, {
    get: (target, name) => {
      if (name === 'checkpoint') return () => (size() === null ? target.checkpoint() : target.checkpointOf(size()!));
      if (name === 'leaves')
        return (from: number, to: number) => {
          read.push([from, to]);
          return target.leaves(from, to);
        };
      const member = Reflect.get(target, name) as unknown;
      return typeof member === 'function' ? (member as () => unknown).bind(target) : member;
    },
  });
}

const listsOf = (log: AuditLog): AuditLists => {
  const lists = new AuditLists(log, world.keys, world.store, world.pseudonyms, new SystemClock());
  lists.catchUpLimitMs = 0;
  return lists;
};
const asked = (lists: AuditLists, list: ListName) =>
  lists.page({ list, filter: {}, moment: 'now', withNames: false, cursor: null, limit: 10_000 });

beforeAll(async () => {
  world = await AuditWorld.open();
  const appends = [...new SyntheticHistory({ seed: 12 }).appends(80, { registrants: 20 })];
  await world.append(appends.slice(0, 400));
  await world.publish();
  const early = world.log.checkpoint()!.size;
  await world.append(appends.slice(400));
  await world.publish();
  sizes = [early, world.log.checkpoint()!.size];
});
afterAll(() => world.close());

describe('lists of the present', () => {
  it('see type and time of a leaf as who reads all of it', () => {
    for (const text of world.log.leaves(0, sizes[1])) {
      const { type, metadata } = parseLeaf(text)!;
      expect(glanceAtLeaf(text)).toEqual({ type, recordedAtUtc: metadata.recordedAtUtc });
    }
    const hidden = { type: 'A', text: '"type":"B"}', recordedAtUtc: 'no' };
    const data = canonicalJson({ ...hidden, more: JSON.stringify(hidden) });
    const metadata = canonicalJson({ actor: 'x', recordedAtUtc: '2026-12-01T00:00:00.000Z' });
    const odd = {
      type: 'C"type":"D',
      schemaVersion: 1,
      id: 'i',
      revision: 0,
      stream: '"recordedAtUtc":"E"',
      data,
      metadata,
    };
    const text = leafText(odd, () => '');
    expect(parseLeaf(text)).not.toBeNull();
    expect(glanceAtLeaf(text)).toEqual({ type: 'C\\"type\\":\\"D', recordedAtUtc: '2026-12-01T00:00:00.000Z' });
    for (const other of ['', '{}', '{"type":"A"}', 'no text of ours']) expect(glanceAtLeaf(other)).toBeNull();
  });

  it('are carried on with the log in the background, and read each leaf once', async () => {
    read = [];
    let size: number | null = sizes[0];
    const lists = listsOf(logAt(() => size));
    await lists.keepUp();
    size = null;
    await lists.keepUp();
    await lists.keepUp();
    expect(read).toEqual([
      [0, sizes[0]],
      [sizes[0], sizes[1]],
    ]);
    for (const list of LISTS) await asked(lists, list);
    expect(read).toHaveLength(2);
  });

  it.each(LISTS)('are what is drawn anew, and stay what they were when they were asked for: %s', async (list) => {
    read = [];
    let size: number | null = sizes[0];
    const lists = listsOf(logAt(() => size));
    const early = await asked(lists, list);
    const earlyText = JSON.stringify(early.rows);
    size = null;
    const late = await asked(lists, list);
    // What was handed out is not changed by what came after it.
    expect(JSON.stringify(early.rows)).toBe(earlyText);
    expect(early.rows).toEqual((await asked(listsOf(logAt(() => sizes[0])), list)).rows);
    expect(late.rows).toEqual((await asked(listsOf(world.log), list)).rows);
  });

  it.each(LISTS)('state the same digest whatever was asked before and beside it: %s', async (list) => {
    read = [];
    let size: number | null = sizes[0];
    const lists = listsOf(logAt(() => size));
    const past = () =>
      lists.page({ list, filter: {}, moment: { position: 99 }, withNames: false, cursor: null, limit: 10 });
    const stated = (page: { readonly certificate: string }) => /^rows (.*)$/m.exec(page.certificate)![1];
    const early = [await asked(lists, list), await past()].map(stated);
    size = null;
    const late = await Promise.all([asked(lists, list), past(), asked(lists, list), lists.keepUp()]);
    expect(stated(late[0])).toBe(stated(await asked(listsOf(world.log), list)));
    expect(stated(late[2])).toBe(stated(late[0]));
    expect(early).toEqual([stated(await asked(listsOf(logAt(() => sizes[0])), list)), stated(late[1])]);
  });

  it('answer while the past is still being read, and end when they are stopped', async () => {
    read = [];
    const lists = listsOf(logAt(() => null));
    const looking = lists.keepUp();
    const [answer] = await Promise.all([asked(lists, 'requests'), looking]);
    expect(answer.page.of).toBeGreaterThan(0);
    const stopped = listsOf(logAt(() => null));
    read = [];
    await stopped.keepUp(() => true);
    expect(read).toEqual([]);
    stopped.start();
    await stopped.stop();
  });

  it('know nothing of a log without a checkpoint, and say nothing', async () => {
    const empty = new Proxy(world.log, {
      get: (target, name) => (name === 'checkpoint' ? () => null : Reflect.get(target, name)),
    });
    await expect(listsOf(empty).keepUp()).resolves.toBeUndefined();
  });
});
