import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { AuditLists, type ListAnswer, type ListQuestion } from '../../src/application/audit/audit-lists.js';
import { BundleMaker } from '../../src/application/audit/bundle-maker.js';
import type { CheckpointSigner } from '../../src/application/ports/audit/checkpoint-signer.js';
import { Clock } from '../../src/application/ports/store/clock.js';
import type { EventStore } from '../../src/application/ports/store/event-store.js';
import { bundleLines } from '../../src/domain/audit/bundle/bundle.js';
import { LISTS, type ListName } from '../../src/domain/audit/lists/list-drawer.js';
import { verifyList } from '../../src/domain/audit/lists/verify-list.js';
import { SyntheticHistory } from '../../src/sandbox/synthetic-history.js';
import { AuditWorld, primitives } from './support.js';
import { MadeWitness } from './made-bundle.js';

class FixedClock extends Clock {
  override nowUtc(): string {
    return '2026-11-23T12:00:00.000Z';
  }
}

const RANGE = { kind: 'range', from: 0, to: null } as const;
const OPTIONS = { withOpenings: true, withEvidence: false, known: [], nowUtc: '2026-11-23T12:00:00.000Z' };

/** What a second thing does, that happens at the same time, to what is proven. */
describe('an honest log', () => {
  let world: AuditWorld;
  let history: SyntheticHistory;

  beforeEach(async () => {
    world = await AuditWorld.open();
    history = new SyntheticHistory({ seed: 31 });
    await world.append([...history.appends(20, { registrants: 5 })]);
    await world.publish();
  });
  afterEach(() => world.close());

  const question = (over: Partial<ListQuestion>): ListQuestion => ({
    ...{ list: 'decisions', filter: {}, moment: 'now', withNames: true, cursor: null, limit: 1000 },
    ...over,
  });
  const first = () => world.keys.keys().slice(0, 1);
  const listsOf = (store: EventStore = world.store, signer: CheckpointSigner = world.keys) =>
    new AuditLists(world.log, signer, store, world.pseudonyms, new FixedClock());
  const asFile = (answer: ListAnswer) => JSON.parse(JSON.stringify(answer)) as ListAnswer;
  const judgedList = (page: ListAnswer, bundle: readonly string[], known: readonly string[] = []) =>
    verifyList([page], primitives, { trusted: first(), bundle, known });

  describe('whose key is changed', () => {
    /** Events are read again for the names in an answer: now the command beside the server changes the key. */
    const rotatesOnce = (): EventStore => {
      let isDone = false;
      const changed = async <T>(then: () => Promise<T>): Promise<T> => {
        if (!isDone) await world.keys.rotate(world.log.checkpoint(), { destroyOld: true });
        isDone = true;
        return then();
      };
      return new Proxy<EventStore>(world.store, {
        get(target, name) {
          if (name === 'readAll')
            return (...args: Parameters<EventStore['readAll']>) => changed(() => target.readAll(...args));
          const member = Reflect.get(target, name) as unknown;
          return typeof member === 'function' ? (member.bind(target) as unknown) : member;
        },
      });
    };
    /** The key is changed between the keys that are named and the signature. */
    const changesWhileSigning = (): CheckpointSigner => {
      let reads = 0;
      return new Proxy(world.keys, {
        get(target, name) {
          if (name === 'successions') return () => ((reads += 1) === 1 ? [] : target.successions());
          const member = Reflect.get(target, name) as unknown;
          return typeof member === 'function' ? member.bind(target) : member;
        },
      });
    };
    const made = async (store: EventStore, signer: CheckpointSigner = world.keys) => {
      const maker = new BundleMaker(world.log, signer, store, world.pseudonyms, world.vault);
      const { header, leaves } = await maker.make(RANGE, { ...OPTIONS, lists: ['requests'] });
      return [...bundleLines(header, leaves)];
    };

    it('while a bundle is made gives one that leads to the key that signed it', async () => {
      const lines = await made(rotatesOnce());
      expect(world.keys.keys()).toHaveLength(2);
      expect(world.verify(lines, { trusted: first() })).toMatchObject({ discrepancies: [], trust: 'trusted' });
    });

    it('while a list is drawn gives one that leads to the key that signed it', async () => {
      const page = asFile(await listsOf(rotatesOnce()).page(question({})));
      expect(world.keys.keys()).toHaveLength(2);
      expect(judgedList(page, await world.bundle(RANGE))).toMatchObject({ judgement: 'right', trust: 'trusted' });
    });

    it('between the keys that are named and the signature is signed again', async () => {
      await world.keys.rotate(world.log.checkpoint(), { destroyOld: true });
      const lines = await made(world.store, changesWhileSigning());
      expect(world.verify(lines, { trusted: first() })).toMatchObject({ discrepancies: [], trust: 'trusted' });
      const page = asFile(await listsOf(world.store, changesWhileSigning()).page(question({})));
      expect(judgedList(page, lines)).toMatchObject({ judgement: 'right' });
    });
  });

  it.each([
    ['long ago', 1],
    ['thirty days before', Date.parse('2026-10-24T12:00:00Z') / 1000],
    ['thirty days behind', Date.parse('2026-12-23T12:00:00Z') / 1000],
    ['in another age', 8_640_000_000_000],
  ])('whose witness lives %s is right, and the witness is counted', async (_, seconds) => {
    const witness = new MadeWitness(8, 'witness.example/w1');
    const cosigned = witness.cosign(world.log.checkpoint()!.note, seconds);
    writeFileSync(join(world.auditFolder, 'cosigned'), cosigned);
    const witnesses = { keys: [witness.key], needed: 1 };
    const lines = await world.bundle(RANGE);
    expect(world.verify(lines, { witnesses })).toMatchObject({ discrepancies: [], undecided: [] });
    const page = asFile(await listsOf().page(question({})));
    const options = { trusted: first(), bundle: lines, known: [cosigned], witnesses };
    expect(verifyList([page], primitives, options)).toMatchObject({ judgement: 'right' });
  });

  /** @fault D2 */
  it('in which a person is erased keeps every list right: of before, of now, and of before as it is asked for now', async () => {
    const events = (await world.store.readAll(null, { limit: 1000 })).events;
    const person = String(events.find(({ type }) => type === 'CertificateVerified')!.data['subjectKey']);
    const size = world.log.checkpoint()!.size;
    const ask = async (over: Partial<ListQuestion>) => {
      const pages = new Map<ListName, ListAnswer>();
      for (const list of LISTS) pages.set(list, asFile(await listsOf().page(question({ list, ...over }))));
      return pages;
    };
    const [then, bundleThen, noteThen] = [await ask({}), await world.bundle(RANGE), world.log.checkpoint()!.note];
    await world.append(history.eraseRegistrant(person));
    await world.publish();
    world.keyRing.destroy(`registrant:${person}`, { forever: false });
    const [now, bundle, noteNow] = [await ask({}), await world.bundle(RANGE), world.log.checkpoint()!.note];
    const again = await ask({ moment: { position: size - 1 } });
    expect(now.get('erasures')!.rows.at(-1)).toMatchObject({ erased: 'registrant' });
    for (const list of LISTS) {
      const [a, b, c] = [then.get(list)!, now.get(list)!, again.get(list)!];
      expect([list, c.rows]).toEqual([list, a.rows]);
      // The list of before against both bundles, with whatever the reader has of the other time.
      const said = [
        judgedList(a, bundleThen, [noteNow]),
        judgedList(a, bundle, [noteThen]),
        judgedList(a, bundle, [noteNow, noteThen]),
        judgedList(b, bundle, [noteThen]),
        judgedList(c, bundle, [noteThen]),
      ].map(({ judgement, discrepancies }) => [judgement, discrepancies]);
      expect([list, said.filter(([judgement]) => judgement === 'wrong')]).toEqual([list, []]);
      expect([list, said[3]]).toEqual([list, ['right', []]]);
    }
  });
});
