import { createHash, sign } from 'node:crypto';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { booths, policies, POLICY_ID, registrations } from '../../src/application/decisions/aggregates.js';
import { CASE_BLOBS, caseOwner, frameBlob } from '../../src/application/case/case-material.js';
import { Claims } from '../../src/application/door/claims.js';
import { Challenges } from '../../src/application/door/issue-challenge.js';
import { ReceiveRequest, ReceiveRequestHandler, type Receipt } from '../../src/application/door/receive-request.js';
import { RefuseAtDoor } from '../../src/application/door/refuse-at-door.js';
import { derivedId } from '../../src/application/decisions/ids.js';
import type { Outcome } from '../../src/application/decisions/outcome.js';
import { PhotoReader } from '../../src/application/ports/outside/photo-reader.js';
import { SubjectLinker } from '../../src/application/ports/registrant/subject-linker.js';
import { captureEnvelopeText, type CaptureEnvelope } from '../../src/domain/booth/capture-envelope.js';
import type { BoothCommand } from '../../src/domain/booth/booth.js';
import { readPhoto } from '../../src/domain/photo/photo-reader.js';
import type { PolicyValues } from '../../src/domain/policy/policy.events.js';
import {
  CARD_ISSUER_CERTIFICATE,
  CARD_RECORD,
  CERTIFICATE,
  envelopeOf,
  FRAMES,
  frameDigests,
  newBooth,
  PHOTO,
} from '../api/support/booth.js';
import { application } from '../application/fixture.js';
import { MemoryVault } from './door-world.js';

const NOW = '2026-11-23T09:00:00.000Z';
const booth = newBooth('booth-0001');
const KEY = 'key-1';
const CARD = Buffer.alloc(256, 4);
const CARD_CHALLENGE = Buffer.alloc(256, 5);
const SENT = {
  photo: PHOTO,
  certificate: CERTIFICATE,
  cardRecord: CARD_RECORD,
  cardIssuerCertificate: CARD_ISSUER_CERTIFICATE,
};
const CAPTURED: Partial<CaptureEnvelope> = { capturedAtUtc: '2026-11-23T08:59:00.000Z' };
/** A nonce that nobody gave. */
const UNKNOWN: Partial<CaptureEnvelope> = { nonce: 'A'.repeat(51) };
const sha256 = (...parts: readonly (Uint8Array | string)[]): Buffer =>
  parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest();
const context = (commandId: string) => ({
  commandId,
  actor: 'officer:a',
  correlationId: commandId,
  causationId: commandId,
  policyVersion: null,
});

class Linker extends SubjectLinker {
  override isConfigured = true;
  override linksOf(): never {
    throw new Error('the door asks nobody');
  }
}

/** A vault that can refuse its part. */
class TroubledVault extends MemoryVault {
  trouble: Error | null = null;
  override async seal(...sealed: Parameters<MemoryVault['seal']>): Promise<string> {
    if (this.trouble) throw this.trouble;
    return super.seal(...sealed);
  }
}

class ReaderHere extends PhotoReader {
  override async read(photo: Uint8Array) {
    return readPhoto(photo);
  }
}

interface Changed {
  readonly key?: string;
  readonly says?: Partial<CaptureEnvelope>;
  readonly by?: typeof booth;
  readonly material?: Partial<ReceiveRequest['material']>;
  readonly signatures?: Partial<ReceiveRequest['signatures']>;
  readonly source?: ReceiveRequest['source'];
}

/** The door's real code over a store in memory; the clock stands still. */
async function opened() {
  const app = await application();
  const { aggregates, store, secrets, clock } = app;
  const [vault, linker, challenges] = [new TroubledVault(), new Linker(), new Challenges(secrets)];
  const claims = new Claims(store, aggregates, secrets);
  const door = new RefuseAtDoor(store, aggregates);
  const handler = new ReceiveRequestHandler(
    aggregates,
    app.policies,
    challenges,
    claims,
    vault,
    secrets,
    clock,
    store,
    door,
    new ReaderHere(),
    linker,
  );
  let commands = 0;
  const ofBooth = (command: BoothCommand) =>
    aggregates.execute(booths, booth.boothId, command, context(`booth-${(commands += 1)}`));
  await ofBooth({ type: 'EnrolBooth', boothId: booth.boothId, publicKey: booth.publicKey, by: 'a' });
  const expiring = (atUtc: string): string => challenges.make(booth.boothId, atUtc);
  const nonce = expiring('2026-11-23T09:10:00.000Z');
  const made = ({ key = KEY, says = {}, by = booth, material = {}, signatures = {}, source }: Changed = {}) => {
    const envelope = envelopeOf(by, nonce, { ...CAPTURED, ...says }, material.photo);
    const text = Buffer.from(captureEnvelopeText(envelope));
    return new ReceiveRequest(
      key,
      envelope,
      { booth: sign(null, text, by.privateKey), card: CARD, cardChallenge: CARD_CHALLENGE, ...signatures },
      { ...SENT, ...material },
      source,
    );
  };
  return {
    ...app,
    vault,
    linker,
    nonce,
    expiring,
    claims,
    door,
    made,
    ofBooth,
    ask: (changed?: Changed) => handler.execute(made(changed)),
    events: async () => (await store.readAll(null, { limit: 4096 })).events,
    async setPolicy(changes: Partial<PolicyValues>) {
      const { values } = await app.policies.get();
      const version = 2;
      const all = [
        { type: 'ProposePolicy', values: { ...values, ...changes }, by: 'a' },
        { type: 'ApprovePolicy', version, by: 'b' },
        { type: 'ActivatePolicy', version, by: 'b' },
      ] as const;
      for (const command of all) await aggregates.execute(policies, POLICY_ID, command, context(command.type));
    },
  };
}

/** A receipt's letters, made another way than the door makes them: five bits at a time from a text of bits. */
function receiptFrom(bytes: Uint8Array): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  const letters = (bits.match(/.{5}/g) ?? []).map((five) => '0123456789ABCDEFGHJKMNPQRSTVWXYZ'[parseInt(five, 2)]);
  return letters.join('').replaceAll(/(.{4})(?=.)/g, '$1-');
}

let world: Awaited<ReturnType<typeof opened>>;
beforeEach(async () => {
  world = await opened();
});

const receiptOf = (outcome: Outcome<Receipt>): Receipt => {
  if ('refused' in outcome) throw new Error(`refused with ${outcome.refused.code}`);
  return outcome.ok;
};

/** Refused with this, one event that says so and nothing else stored. */
async function thenRefused(changed: Changed, code: string, data?: object): Promise<void> {
  const before = (await world.events()).length;
  const sealed = [...world.vault.owners()];
  const outcome = await world.ask(changed);
  expect(outcome).toEqual({ refused: data ? { code, data } : { code } });
  const stored = (await world.events()).slice(before);
  const boothId = (changed.by ?? booth).boothId;
  expect(stored.map((event) => [event.type, event.data])).toEqual([['RequestRefusedAtDoor', { code, boothId }]]);
  const { version } = await world.policies.get();
  expect(stored[0]!.metadata).toMatchObject({ actor: 'system:door', policyVersion: version });
  expect([...world.vault.owners()]).toEqual(sealed);
}

/** @req R4 R10 R21 R31 */
describe('what was accepted at the door', () => {
  it('is on record: who owns key and nonce, then the request with what was sealed', async () => {
    const before = (await world.events()).length;
    const answer = receiptOf(await world.ask());
    const requestId = answer.requestId;
    const { secrets, vault, nonce } = world;
    const command = world.made();
    const keyed = (purpose: 'request-id' | 'request-digest' | 'receipt', bytes: Uint8Array) =>
      Buffer.from(secrets.keyedHash(purpose, bytes));
    const idBytes = keyed('request-id', Buffer.from(JSON.stringify([booth.boothId, KEY]))).subarray(0, 16);
    // A UUID of version 8: all bits are the hash's but six.
    expect(requestId.replaceAll('-', '')).toBe(
      Buffer.from(idBytes.map((b, i) => (i === 6 ? 0x80 | (b & 15) : i === 8 ? 0x80 | (b & 63) : b))).toString('hex'),
    );
    const receipt = receiptFrom(keyed('receipt', Buffer.from(requestId)).subarray(0, 10));
    expect(answer).toEqual({ requestId, receipt, repeated: false });
    const text = captureEnvelopeText(command.envelope);
    const parts = [command.signatures.booth, CARD, CARD_CHALLENGE, ...Object.values(SENT)];
    const whole = sha256(text, ...parts.map((bytes) => sha256(bytes)));
    const requestDigest = keyed('request-digest', whole).toString('hex');
    const owner = caseOwner(requestId);
    const commitment = (bytes: Uint8Array) => sha256(owner, bytes).toString('hex');
    const signatures = Buffer.from(
      JSON.stringify({
        envelopeText: text,
        boothSignature: Buffer.from(command.signatures.booth).toString('base64'),
        cardSignature: CARD.toString('base64'),
        cardChallengeSignature: CARD_CHALLENGE.toString('base64'),
      }),
    );
    const kept = { ...SENT, signatures };
    const stored = (await world.events()).slice(before);
    expect(stored.map(({ stream, type, data }) => [stream, type, data])).toEqual([
      [`claim-${requestId}`, 'RequestClaimed', { requestId, boothId: booth.boothId, requestDigest }],
      [
        `challenge-${sha256(nonce).toString('hex').slice(0, 40)}`,
        'ChallengeConsumed',
        { requestId, boothId: booth.boothId },
      ],
      [
        registrations.streamOf(requestId),
        'RequestReceived',
        {
          requestId,
          receipt,
          boothId: booth.boothId,
          boothKeyVersion: 1,
          counter: 1,
          mode: 'GOVERNMENT_SUBMISSION',
          certificateType: 'user_authentication',
          capturedAtUtc: '2026-11-23T08:59:00.000Z',
          receivedAtUtc: NOW,
          consent: { textVersion: '2026-11', keepReferenceImage: true },
          material: Object.fromEntries(Object.entries(kept).map(([name, bytes]) => [name, commitment(bytes)])),
          frames: null,
          requestDigest,
        },
      ],
    ]);
    expect(stored.at(-1)!.id).toBe(derivedId(derivedId('receive', requestId), 0));
    for (const { metadata } of stored) {
      expect(metadata).toMatchObject({
        actor: 'booth:booth-0001',
        correlationId: requestId,
        causationId: requestId,
        policyVersion: 1,
      });
    }
    for (const [name, bytes] of Object.entries(kept))
      expect(vault.bytesOf(owner, CASE_BLOBS[name as keyof typeof kept])).toEqual(bytes);
  });

  it('has its frames, in their order, with the prompt of its nonce', async () => {
    const frames = FRAMES.slice(0, 2);
    const answer = await world.ask({ says: { framesSha256: frameDigests(frames) }, material: { frames } });
    const { requestId } = receiptOf(answer);
    const owner = caseOwner(requestId);
    frames.forEach((frame, i) => expect(world.vault.bytesOf(owner, frameBlob(i))).toEqual(frame));
    const [received] = await world.store.readStream(registrations.streamOf(requestId));
    expect(received!.data['frames']).toEqual({
      prompt: new Challenges(world.secrets).promptOf(booth.boothId, world.nonce),
      material: frames.map((frame) => sha256(owner, frame).toString('hex')),
    });
  });

  it('is answered alike when it comes again, without a word in the log, also when its nonce has expired', async () => {
    const first = receiptOf(await world.ask());
    const { length } = await world.events();
    world.clock.advance(3_600_000);
    expect(await world.ask()).toEqual({ ok: { ...first, repeated: true } });
    expect(await world.events()).toHaveLength(length);
  });

  it('goes on with the same bytes when the vault was away, as of the moment at which it came first', async () => {
    world.vault.trouble = new Error('the disk is full');
    await expect(world.ask()).rejects.toThrow('the disk is full');
    world.vault.trouble = null;
    // Long after its nonce: it owned its key in time.
    world.clock.advance(3_600_000);
    const { requestId, repeated } = receiptOf(await world.ask());
    expect(repeated).toBe(false);
    const [received] = await world.store.readStream(registrations.streamOf(requestId));
    expect(received!.data['receivedAtUtc']).toBe(NOW);
    expect(received!.metadata.recordedAtUtc).toBe('2026-11-23T10:00:00.000Z');
  });

  it('is of a nonce up to the very moment at which that expires', async () => {
    expect(receiptOf(await world.ask({ says: { nonce: world.expiring(NOW) } })).repeated).toBe(false);
  });

  it('may have a photograph as large as the policy says', async () => {
    await world.setPolicy({ photoBytesMax: PHOTO.length });
    receiptOf(await world.ask());
  });

  it('may have a signing certificate where somebody tells which two are on one card', async () => {
    receiptOf(await world.ask({ says: { certificateType: 'digital_signature' } }));
  });
});

describe('what is refused at the door', () => {
  const other = newBooth('booth-0002');
  const flipped = (bytes: Uint8Array): Buffer => Buffer.from(bytes.map((byte, i) => (i === 0 ? byte ^ 1 : byte)));
  const [frame, second] = FRAMES as unknown as readonly [Buffer, Buffer];
  const stated = (...frames: readonly Buffer[]): Partial<CaptureEnvelope> => ({ framesSha256: frameDigests(frames) });
  it.each<[string, Changed, string]>([
    ['a booth that nobody enrolled', { by: other }, 'booth_not_enrolled'],
    ['a signature by another key', { signatures: { booth: Buffer.alloc(64, 1) } }, 'booth_signature_invalid'],
    ['another photograph', { says: { photoSha256: sha256('x').toString('hex') } }, 'digest_mismatch'],
    ['another certificate', { material: { certificate: flipped(CERTIFICATE) } }, 'digest_mismatch'],
    ['another face record', { material: { cardRecord: flipped(CARD_RECORD) } }, 'digest_mismatch'],
    ['another issuer', { material: { cardIssuerCertificate: flipped(CARD_ISSUER_CERTIFICATE) } }, 'digest_mismatch'],
    ['a frame that was not signed', { material: { frames: [frame] } }, 'digest_mismatch'],
    ['a frame that did not come', { says: stated(frame) }, 'digest_mismatch'],
    ['another frame', { says: stated(frame, frame), material: { frames: [frame, second] } }, 'digest_mismatch'],
    ['a nonce that nobody gave', { says: UNKNOWN }, 'nonce_unknown'],
    ['no signature by the card', { signatures: { card: Buffer.alloc(0) } }, 'malformed_request'],
    ['no answer of the card', { signatures: { cardChallenge: Buffer.alloc(0) } }, 'malformed_request'],
    ['a capture in the future', { says: { capturedAtUtc: '2026-11-23T09:02:00.001Z' } }, 'captured_in_future'],
    [
      'several things at once by the first of them',
      { by: { ...booth, privateKey: other.privateKey }, says: UNKNOWN, signatures: { card: Buffer.alloc(0) } },
      'booth_signature_invalid',
    ],
  ])('%s', async (_name, changed, code) => {
    await thenRefused(changed, code);
  });

  it('a booth that is suspended, before its signature is looked at', async () => {
    await world.ofBooth({ type: 'SuspendBooth', reason: 'lost', by: 'a' });
    await thenRefused({ signatures: { booth: Buffer.alloc(64) } }, 'booth_is_suspended');
  });

  it('a nonce a millisecond after it has expired', async () => {
    await thenRefused({ says: { nonce: world.expiring('2026-11-23T08:59:59.999Z') } }, 'nonce_expired');
  });

  it('a photograph of one byte more than the policy says, under the policy in force', async () => {
    await world.setPolicy({ photoBytesMax: PHOTO.length - 1 });
    await thenRefused({}, 'photo_too_large');
  });

  it('a certificate of the other type where nobody tells which two are on one card', async () => {
    world.linker.isConfigured = false;
    await thenRefused({ says: { certificateType: 'digital_signature' } }, 'certificate_type_not_accepted');
    receiptOf(await world.ask());
  });

  it('a photograph, or a frame, that has two readings, with its place', async () => {
    const twice = Buffer.concat([FRAMES[0]!, FRAMES[1]!]);
    const place = (part: string) => ({
      part,
      segment: 'after EOI',
      byte: FRAMES[0]!.length,
      reason: 'bytes_after_end',
      remedy: expect.anything(),
    });
    await thenRefused({ material: { photo: twice } }, 'photo_unsupported', place('photo'));
    const frames = [frame, twice];
    await thenRefused({ says: stated(...frames), material: { frames } }, 'photo_unsupported', place('frame1'));
    // The photograph first.
    const both: Changed = { says: stated(twice), material: { photo: twice, frames: [twice] } };
    await thenRefused(both, 'photo_unsupported', place('photo'));
  });

  it('a nonce that another request has used: its key stays free', async () => {
    receiptOf(await world.ask());
    await thenRefused({ key: 'key-2', says: { counter: 2 } }, 'nonce_replayed');
    receiptOf(await world.ask({ key: 'key-2', says: { nonce: world.expiring('2026-11-23T09:05:00.000Z') } }));
  });

  it('another body under a key, whatever differs, before it is asked whether it would be accepted', async () => {
    const frames = [frame];
    const whole: Changed = { says: stated(frame), material: { frames } };
    receiptOf(await world.ask(whole));
    const others: readonly Changed[] = [
      { ...whole, says: { ...stated(frame), counter: 2 } },
      { ...whole, signatures: { card: flipped(CARD) } },
      { ...whole, signatures: { cardChallenge: flipped(CARD_CHALLENGE) } },
      { says: stated(second), material: { frames: [second] } },
      { ...whole, says: { ...stated(frame), ...UNKNOWN } },
    ];
    for (const changed of others) await thenRefused(changed, 'idempotency_key_reused');
  });

  it('another body under a key whose request is not received yet', async () => {
    world.vault.trouble = new Error('the disk is full');
    await expect(world.ask()).rejects.toThrow('the disk is full');
    world.vault.trouble = null;
    await thenRefused({ says: UNKNOWN }, 'idempotency_key_reused');
  });

  it('a request that has lapsed: by what is wrong with it now, else by its key', async () => {
    world.vault.trouble = new Error('the disk is full');
    await expect(world.ask()).rejects.toThrow('the disk is full');
    world.vault.trouble = null;
    const [claim] = (await world.events()).filter(({ type }) => type === 'RequestClaimed');
    const requestId = String(claim!.data['requestId']);
    const lapse = { type: 'LapseRequest', reason: 'claim_not_completed', claimedAtUtc: NOW } as const;
    await world.aggregates.execute(registrations, requestId, lapse, context('lapse'));
    await thenRefused({}, 'idempotency_key_reused');
    world.clock.advance(600_001);
    await thenRefused({}, 'nonce_expired');
  });

  it('a request under whose key a version of before left something else', async () => {
    const { requestId } = receiptOf(await world.ask());
    const clean = await opened();
    await clean.vault.seal(caseOwner(requestId), CASE_BLOBS.photo, Buffer.from('another picture'));
    world = clean;
    const outcome = await world.ask();
    expect(outcome).toEqual({ refused: { code: 'idempotency_key_reused' } });
    expect(await world.store.readStream(registrations.streamOf(requestId))).toEqual([]);
  });

  it('a request whose material was destroyed, while it was looked at', async () => {
    const { requestId } = receiptOf(await world.ask());
    world = await opened();
    await world.vault.destroyOwner(caseOwner(requestId));
    expect(await world.ask()).toEqual({ refused: { code: 'idempotency_key_reused' } });
  });

  it('in the count of its source, once that has used up its budget', async () => {
    world.door.boundBy({ perSourcePerMinute: 1, perMinute: 10 });
    const { length } = await world.events();
    const source = { name: 'an address', isProved: false };
    for (const changed of [{ source }, { source }, { source, by: other }]) {
      await world.ask({ ...changed, says: UNKNOWN });
    }
    expect((await world.events()).length - length).toBe(1);
    await world.ask({ says: UNKNOWN });
    expect((await world.events()).length - length).toBe(2);
    await world.door.flush({ all: true });
    expect((await world.events()).at(-1)!.data).toEqual({
      sinceUtc: NOW,
      untilUtc: '2026-11-23T09:01:00.000Z',
      refusals: [
        { code: 'booth_not_enrolled', count: 1 },
        { code: 'nonce_unknown', count: 1 },
      ],
    });
  });
});
