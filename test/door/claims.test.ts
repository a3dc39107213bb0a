import { beforeEach, describe, expect, it } from '@jest/globals';
import { Claims } from '../../src/application/door/claims.js';
import { derivedId, uuidFrom } from '../../src/application/decisions/ids.js';
import { InMemoryEventStore } from '../../src/infrastructure/event-store/in-memory-event-store.js';
import { application } from '../application/fixture.js';

const NOW = '2026-11-23T09:00:00.000Z';
const REQUEST = { requestId: 'r1', boothId: 'booth-0001', digest: 'aa' };
const context = { commandId: 'c1', actor: 'booth:b', correlationId: 'r1', causationId: 'r1', policyVersion: 1 };

/** A store whose appends end in a conflict although nothing is there. */
class ContraryStore extends InMemoryEventStore {
  override async append() {
    return { outcome: 'conflict', actual: 0 } as const;
  }
}

/** @req R4 */
describe('a claim', () => {
  let app: Awaited<ReturnType<typeof application>>;
  let claims: Claims;
  beforeEach(async () => {
    app = await application();
    claims = new Claims(app.store, app.aggregates, app.secrets);
  });
  const eventsOf = (stream: string) => app.store.readStream(stream);

  it('on a request belongs to whoever came first, as of that moment, also when the same comes again', async () => {
    expect(await claims.ofRequest('r1')).toBeNull();
    const first = { digest: 'aa', claimedAtUtc: NOW };
    expect(await claims.claimRequest(REQUEST, context)).toEqual(first);
    app.clock.advance(1_000);
    expect(await claims.claimRequest(REQUEST, context)).toEqual(first);
    expect(await claims.claimRequest(REQUEST, { ...context, policyVersion: 2 })).toEqual(first);
    expect(await claims.claimRequest({ ...REQUEST, digest: 'bb' }, context)).toEqual(first);
    expect(await claims.ofRequest('r1')).toEqual(first);
    expect(await claims.ofRequest('r2')).toBeNull();
    const stored = await eventsOf('claim-r1');
    expect(stored).toHaveLength(1);
    expect(stored[0]).toMatchObject({
      id: derivedId(derivedId('claim', 'r1', 'aa'), 0),
      type: 'RequestClaimed',
      data: { requestId: 'r1', boothId: 'booth-0001', requestDigest: 'aa' },
      metadata: { actor: 'booth:b', recordedAtUtc: NOW, policyVersion: 1 },
    });
  });

  it('on a nonce belongs to one request', async () => {
    const [one, other] = [REQUEST, { ...REQUEST, requestId: 'r2' }];
    expect(await claims.userOfNonce('n')).toBeNull();
    expect(await claims.claimNonce('n', one, context)).toBe('r1');
    expect(await claims.claimNonce('n', other, context)).toBe('r1');
    expect(await claims.claimNonce('another', other, context)).toBe('r2');
    expect([await claims.userOfNonce('n'), await claims.userOfNonce('another')]).toEqual(['r1', 'r2']);
    const events = (await app.store.readAll(null, { limit: 100, filter: { types: ['ChallengeConsumed'] } })).events;
    expect(events.map(({ id, data }) => [id, data])).toEqual([
      [derivedId(derivedId('consume', 'n', 'r1'), 0), { requestId: 'r1', boothId: 'booth-0001' }],
      [derivedId(derivedId('consume', 'another', 'r2'), 0), { requestId: 'r2', boothId: 'booth-0001' }],
    ]);
  });

  it('on a key of a person belongs to one command; other keys and other people are another matter', async () => {
    const by = (subject: string, key: string, ...command: string[]) => claims.claimCommand({ subject, key }, command);
    const id = await by('ann', 'k', 'POST', '/x', '{}');
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
    expect(await by('ann', 'k', 'POST', '/x', '{}')).toBe(id);
    expect(await by('ann', 'k', 'POST', '/y', '{}')).toBeNull();
    expect(await by('ann', 'k', 'POST', '/x{}')).toBeNull();
    const others = [await by('ben', 'k', 'POST', '/x', '{}'), await by('ann', 'l', 'POST', '/x', '{}')];
    expect(new Set([id, ...others, null]).size).toBe(4);
    const events = (await app.store.readAll(null, { limit: 100, filter: { types: ['CommandClaimed'] } })).events;
    expect(events.map(({ metadata: { actor } }) => actor)).toEqual(['officer:ann', 'officer:ben', 'officer:ann']);
    const [first] = events;
    const commandDigest = String(first!.data['commandDigest']);
    expect(first).toMatchObject({
      id: derivedId(derivedId('claim', id!), 0),
      data: { commandDigest: expect.stringMatching(/^[0-9a-f]{64}$/) },
      metadata: { correlationId: id, causationId: id, policyVersion: null, recordedAtUtc: NOW },
    });
    expect(id).toBe(derivedId('command', first!.stream.replace(/^command-/, ''), commandDigest));
    const keyed = (purpose: 'command-key' | 'command-digest', ...parts: readonly string[]) =>
      Buffer.from(app.secrets.keyedHash(purpose, Buffer.from(JSON.stringify(parts))));
    expect(first!.stream).toBe(`command-${uuidFrom(keyed('command-key', 'ann', 'k'), 8)}`);
    expect(commandDigest).toBe(keyed('command-digest', 'ann', 'k', 'POST', '/x', '{}').toString('hex'));
    // Nothing of key and command can be guessed from what is stored.
    expect(JSON.stringify(events.map(({ stream, data }) => [stream, data]))).not.toMatch(/\/x|POST/);
  });

  it('fails loudly on a store that contradicts itself', async () => {
    const contrary = new Claims(new ContraryStore(), app.aggregates, app.secrets);
    const message = 'claim-r1 cannot be started and has no first event';
    await expect(contrary.claimRequest(REQUEST, context)).rejects.toThrow(message);
  });

  it('fails as the store does', async () => {
    await claims.claimRequest(REQUEST, context);
    app.store.append = () => Promise.reject(new Error('the store is away'));
    await expect(claims.claimRequest(REQUEST, context)).rejects.toThrow('the store is away');
  });
});
