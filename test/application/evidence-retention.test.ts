import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Intake } from '../../src/application/installation/intake.js';
import { policies, POLICY_ID, registrations, sagas } from '../../src/application/decisions/aggregates.js';
import { caseOwner, evidenceOwner } from '../../src/application/case/case-material.js';
import { derivedId } from '../../src/application/decisions/ids.js';
import { BlobGoneError, ImageVault } from '../../src/application/ports/registrant/image-vault.js';
import { PendingEffects } from '../../src/application/ports/store/pending-effects.js';
import { EffectDispatcher } from '../../src/application/saga/effect-dispatcher.js';
import { EvidenceRetention } from '../../src/application/saga/evidence-retention.js';
import { PerformEffect } from '../../src/application/saga/perform-effect.js';
import { SagaReactor } from '../../src/application/saga/saga-reactor.js';
import { TransientFailure } from '../../src/application/subscriptions/subscription-handler.js';
import type { StoredEvent } from '../../src/domain/event-envelope.js';
import { DEFAULT_POLICY } from '../../src/domain/policy/policy.js';
import type { RegistrationCommand } from '../../src/domain/registration/registration.js';
import { SAGA_SOURCES } from '../../src/domain/saga/registration.saga.js';
import { EncryptedImageVault } from '../../src/infrastructure/vault/encrypted-image-vault.js';
import { KeyRing } from '../../src/infrastructure/vault/key-ring.js';
import { policy, request, VALID, VERIFIER } from '../support/registration-facts.js';
import { application, eventually } from './fixture.js';

const DAY_MS = 86_400_000;
const ANY = { isNamedAfter: () => true };
const BYTES = Buffer.from('certificate with name, address and date of birth');

class Nothing extends PendingEffects {
  snapshot() {
    return { position: null, effects: [] };
  }
}

/** The real saga on the real vault; only the clock and the store are stand-ins. @req R19 */
describe('the sealed evidence of a refused certificate', () => {
  let folder: string;
  let keys: KeyRing;
  let vault: EncryptedImageVault;
  let app: Awaited<ReturnType<typeof application>>;
  let retention: EvidenceRetention;
  let dispatcher: EffectDispatcher;
  const sealed = () =>
    existsSync(join(folder, 'sealed'))
      ? readdirSync(join(folder, 'sealed'), { recursive: true, withFileTypes: true }).filter((f) => f.isFile()).length
      : 0;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'honnin-retention-'));
    keys = new KeyRing(join(folder, 'keys.db'), Buffer.alloc(32, 7));
    vault = new EncryptedImageVault(join(folder, 'sealed'), keys);
    app = await application();
    retention = new EvidenceRetention(app.aggregates, app.policies, vault);
    dispatcher = dispatcherOn(vault);
  });
  afterEach(async () => {
    await dispatcher.stop();
    keys.close();
    rmSync(folder, { recursive: true });
  });

  function dispatcherOn(on: ImageVault): EffectDispatcher {
    const nobody = {} as never;
    const performer = new PerformEffect(
      app.aggregates,
      app.policies,
      app.clock,
      on,
      nobody,
      nobody,
      nobody,
      nobody,
      nobody,
      nobody,
    );
    return new EffectDispatcher(
      app.store,
      app.aggregates,
      performer,
      app.policies,
      app.clock,
      new Nothing(),
      new Intake(),
    );
  }
  const command = (requestId: string, what: RegistrationCommand) =>
    app.aggregates.execute(registrations, requestId, what, {
      commandId: derivedId(requestId, what.type),
      actor: 'system:registration-saga',
      correlationId: requestId,
      causationId: requestId,
      policyVersion: 1,
      decidedAtUtc: app.clock.nowUtc(),
    });
  const received = async (requestId: string) => {
    await command(requestId, { type: 'ReceiveRequest', request: request({ requestId }) });
    await vault.seal(caseOwner(requestId), 'photo', BYTES);
    await vault.seal(evidenceOwner(requestId), 'evidence-1', BYTES);
  };
  const refused = async (requestId: string) => {
    await received(requestId);
    await command(requestId, {
      type: 'RecordCertificateVerdict',
      verdict: {
        verdict: 'invalid',
        reason: 'revoked',
        cardRecordReason: null,
        evidence: null,
        verifier: VERIFIER,
        sealedEvidenceId: 'evidence-1',
        sealedEvidenceSha256: '5f'.repeat(32),
      },
      attempt: 1,
      policy: policy(),
      nowUtc: app.clock.nowUtc(),
    });
  };
  /** What the two consumers would be handed, in log order; a delivery may come again. */
  async function deliver(): Promise<void> {
    const reactor = new SagaReactor(app.aggregates, app.policies);
    const all = async (types: readonly string[]) =>
      (await app.store.readAll(null, { limit: 4096, filter: { types } })).events;
    await retention.handle(await all(retention.types));
    for (const event of await all(SAGA_SOURCES)) if (event.type !== 'RequestReceived') await reactor.handle(event);
  }
  const history = async (requestId: string): Promise<readonly StoredEvent[]> =>
    (await app.aggregates.load(registrations, requestId)).stored;
  const isGone = (requestId: string) =>
    vault.open(evidenceOwner(requestId), 'evidence-1', ANY).then(
      () => false,
      (error: unknown) => error instanceof BlobGoneError,
    );
  const waitsOnly = () => eventually(() => dispatcher.status().open === 0 && dispatcher.status().retained === 1);

  it('is there until the last millisecond, and gone with key and file at the instant that was set', async () => {
    await refused('r1');
    const refusedAt = app.clock.nowUtc();
    await deliver();
    await deliver();
    dispatcher.start();
    await waitsOnly();
    const eraseAtUtc = new Date(Date.parse(refusedAt) + 400 * DAY_MS).toISOString();
    expect((await history('r1')).map(({ type, data }) => [type, data]).slice(2)).toEqual([
      [
        'RefusedEvidenceRetained',
        {
          sealedEvidenceId: 'evidence-1',
          sealedEvidenceSha256: '5f'.repeat(32),
          refusedAtUtc: refusedAt,
          retentionDays: 400,
          eraseAtUtc,
        },
      ],
    ]);
    // The case's own material does not wait for it.
    await expect(vault.open(caseOwner('r1'), 'photo', ANY)).rejects.toThrow(BlobGoneError);
    app.clock.advance(400 * DAY_MS - 1);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect([await isGone('r1'), sealed()]).toEqual([false, 1]);
    app.clock.advance(1);
    await eventually(async () => (await history('r1')).length === 4);
    expect((await history('r1')).at(-1)).toMatchObject({
      type: 'RefusedEvidenceErased',
      data: {
        sealedEvidenceId: 'evidence-1',
        sealedEvidenceSha256: '5f'.repeat(32),
        rule: 'retention_limit',
        eraseAtUtc,
      },
      metadata: { recordedAtUtc: eraseAtUtc, correlationId: 'r1' },
    });
    expect([await isGone('r1'), sealed(), keys.existingKey('evidence:r1'), keys.keyFor('evidence:r1')]).toEqual([
      true,
      0,
      null,
      null,
    ]);
    await deliver();
    await eventually(() => dispatcher.status().retained === 0);
    expect((await history('r1')).length).toBe(4);
  });

  it('ends also where the case had ended before there was a retention', async () => {
    await refused('r1');
    const [, rejected] = await history('r1');
    // The saga of that time reacted to the refusal, and its consumer will never see it again.
    await new SagaReactor(app.aggregates, app.policies).handle(rejected!);
    dispatcher.start();
    await eventually(
      async () => (await app.aggregates.load(sagas, 'r1')).state.pending.length === 0 && dispatcher.status().open === 0,
    );
    app.clock.advance(1_000 * DAY_MS);
    expect(await isGone('r1')).toBe(false);
    await deliver();
    await eventually(async () => (await history('r1')).length === 4);
    expect((await history('r1')).map(({ type }) => type)).toEqual([
      'RequestReceived',
      'CertificateRejected',
      'RefusedEvidenceRetained',
      'RefusedEvidenceErased',
    ]);
    expect([await isGone('r1'), sealed()]).toEqual([true, 0]);
  });

  it('keeps the time that was promised when another policy comes into force', async () => {
    await refused('r1');
    await deliver();
    for (const what of [
      { type: 'ProposePolicy', values: { ...DEFAULT_POLICY, refusedEvidenceRetentionDays: 1 }, by: 'a' },
      { type: 'ApprovePolicy', version: 2, by: 'b' },
      { type: 'ActivatePolicy', version: 2, by: 'b' },
    ] as const) {
      await app.aggregates.execute(policies, POLICY_ID, what, {
        commandId: derivedId('second', what.type),
        actor: 'officer:a',
        correlationId: 'p',
        causationId: 'p',
        policyVersion: null,
      });
    }
    await refused('r2');
    await deliver();
    dispatcher.start();
    app.clock.advance(2 * DAY_MS);
    await eventually(async () => (await history('r2')).length === 4);
    expect([await isGone('r1'), await isGone('r2')]).toEqual([false, true]);
    expect((await history('r2'))[2]).toMatchObject({ data: { retentionDays: 1 }, metadata: { policyVersion: 2 } });
  });

  it('is erased by the next try where the process died after the key and before the event', async () => {
    await refused('r1');
    await deliver();
    app.clock.advance(400 * DAY_MS);
    // The key is gone; of it nothing is stored.
    await vault.destroyOwner(evidenceOwner('r1'));
    dispatcher.start();
    await eventually(async () => (await history('r1')).length === 4);
    expect((await history('r1')).at(-1)?.type).toBe('RefusedEvidenceErased');
  });

  it('is tried again while the vault is away, and then waits for an operator', async () => {
    const away = new (class extends EncryptedImageVault {
      tries = 0;
      override async destroyOwner(): Promise<void> {
        this.tries += 1;
        throw new Error('the disk is read-only');
      }
    })(join(folder, 'sealed'), keys);
    await refused('r1');
    await vault.destroyOwner(caseOwner('r1'));
    await retention.handle(
      (await app.store.readAll(null, { limit: 10, filter: { types: ['CertificateRejected'] } })).events,
    );
    await new SagaReactor(app.aggregates, app.policies).handle((await history('r1'))[2]!);
    app.clock.advance(400 * DAY_MS);
    dispatcher = dispatcherOn(away);
    dispatcher.start();
    for (let n = 1; n <= 8; n += 1) {
      await eventually(() => away.tries === n);
      app.clock.advance(DAY_MS);
    }
    await eventually(() => dispatcher.status().stuck === 1);
    expect([(await history('r1')).length, dispatcher.status().retained]).toEqual([3, 0]);
  });

  it.each<[string, (requestId: string) => Promise<unknown>]>([
    [
      'verified',
      (id) =>
        command(id, {
          type: 'RecordCertificateVerdict',
          verdict: VALID,
          attempt: 1,
          policy: policy(),
          nowUtc: app.clock.nowUtc(),
        }),
    ],
    ['withdrawn', (id) => command(id, { type: 'WithdrawRegistration', by: 'holder' })],
    [
      'refused with nothing kept',
      (id) =>
        command(id, {
          type: 'RecordCertificateVerdict',
          verdict: {
            verdict: 'invalid',
            reason: 'revoked',
            cardRecordReason: null,
            evidence: null,
            verifier: VERIFIER,
            sealedEvidenceId: null,
            sealedEvidenceSha256: null,
          },
          attempt: 1,
          policy: policy(),
          nowUtc: app.clock.nowUtc(),
        }),
    ],
  ])('does not stay behind where a check died after sealing it and the request was %s', async (_, end) => {
    await received('r1');
    await end('r1');
    await deliver();
    expect(await isGone('r1')).toBe(true);
    expect((await history('r1')).length).toBe(2);
  });

  it('is asked for again without limit where the vault is away when nobody owns it', async () => {
    const away = { destroyOwner: () => Promise.reject(new Error('away')) } as unknown as ImageVault;
    await received('r1');
    await command('r1', { type: 'WithdrawRegistration', by: 'holder' });
    await expect(
      new EvidenceRetention(app.aggregates, app.policies, away).handle([(await history('r1'))[1]!]),
    ).rejects.toThrow(TransientFailure);
  });
});
