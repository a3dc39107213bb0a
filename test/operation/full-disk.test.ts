import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { BoothClient } from '../../src/booth/booth-client.js';
import { generateBoothKey } from '../../src/booth/booth-key.js';
import { isOfStorage, StorageUnavailableError } from '../../src/application/ports/store/storage-trouble.js';
import { loadCardPhoto, loadDemoFace } from '../../src/sandbox/card/demo-faces.js';
import { built, elsewhere } from '../support/peers.js';
import { RealServer, until } from '../support/real-server.js';
import { describeUnless } from '../support/unless.js';

const DISK_MEGABYTES = 96;

/** Why no small disk can be had here, or null. */
function noSmallDisk(): string | null {
  const probe = spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']);
  return process.platform === 'linux' && probe.status === 0
    ? null
    : 'a small disk of its own needs the right to mount one';
}

it('tells trouble of the storage from other errors, also where it is a cause', () => {
  const full = Object.assign(new Error('no space left'), { code: 'ENOSPC' });
  const busy = Object.assign(new Error('database is locked'), { code: 'ERR_SQLITE_ERROR', errcode: 5 });
  for (const error of [
    full,
    busy,
    new StorageUnavailableError('x'),
    new Error('outer', { cause: new Error('middle', { cause: full }) }),
  ]) {
    expect(isOfStorage(error)).toBe(true);
  }
  for (const error of [
    new Error('x'),
    new TypeError('y'),
    null,
    'ENOSPC',
    Object.assign(new Error('z'), { code: 'ENOENT' }),
  ])
    expect(isOfStorage(error)).toBe(false);
});

// @fault O5 O22
describeUnless(built('cli/main.js') ?? elsewhere(noSmallDisk()), 'a server whose disk is full', () => {
  let server: RealServer;
  let booth: BoothClient;
  const key = generateBoothKey();
  const filler = () => path.join(server.data, 'filler');
  const fill = (leaveBytes: number): void => {
    // The server writes as well, and may be faster than the look at what is free.
    for (let attempt = 1; ; attempt += 1) {
      rmSync(filler(), { force: true });
      const { bavail, bsize } = statfsSync(server.data);
      try {
        return writeFileSync(filler(), Buffer.alloc(Math.max(0, bavail * bsize - leaveBytes)));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC' || attempt === 50) throw error;
      }
    }
  };
  const ready = async () =>
    (await server.asOperator('/health/ready')).json() as Promise<{
      parts: Record<string, { ok: boolean; detail: string }>;
    }>;

  beforeAll(async () => {
    server = await RealServer.beside('full', ['auditor']);
    mkdirSync(server.data, { recursive: true });
    expect(
      spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MEGABYTES}m,mode=0700`, 'tmpfs', server.data]).status,
    ).toBe(0);
    await server.start({ env: { HONNIN_FREE_MEGABYTES_MIN: '20' } });
    await server.enrol('booth-full-01', key.publicKeySpki);
    let count = 0;
    booth = new BoothClient({
      baseUrl: server.url,
      boothId: 'booth-full-01',
      key,
      counter: { next: () => (count += 1) },
      attemptsMax: 1,
      wait: async () => undefined,
    });
  }, 180_000);
  afterAll(async () => {
    await server.end();
    spawnSync('umount', [server.data]);
    await server.close();
  }, 180_000);

  const register = async (): Promise<string> => {
    const card = await server.sandbox.jpki.issueCard({ faceImage: await loadCardPhoto('sample1-left-mirrored') });
    const { authenticationPin: pin, accessNumber } = card.secrets;
    const consent = { textVersion: '2026-11', keepReferenceImage: false };
    const { receipt } = await booth.register({
      card: card.connect(),
      pin,
      accessNumber,
      photo: await loadDemoFace('sample1-left'),
      consent,
    });
    return receipt;
  };

  /** What the door answers to registrations while something is done. */
  const answersOf = async (
    doing: () => Promise<unknown>,
  ): Promise<{ status: number; code: unknown; retryAfter: string | null }[]> => {
    const answers: { status: number; code: unknown; retryAfter: string | null }[] = [];
    const { fetch } = globalThis;
    globalThis.fetch = async (...asked) => {
      const answer = await fetch(...asked);
      const { code } = String(asked[0]).endsWith('/v1/registrations')
        ? ((await answer.clone().json()) as { code?: unknown })
        : {};
      if (code !== undefined)
        answers.push({ status: answer.status, code, retryAfter: answer.headers.get('retry-after') });
      return answer;
    };
    try {
      await doing();
    } finally {
      globalThis.fetch = fetch;
    }
    return answers;
  };

  it('says 503 with the documented code and when to come back, never 500; is not ready; and goes on when there is space', async () => {
    expect((await ready()).parts['disk']).toMatchObject({ ok: true });
    fill(10_000_000);
    // An answer holds for a quarter of a second.
    const { detail } = await until('a disk that is told as full', async () => {
      const disk = (await ready()).parts['disk'];
      return disk?.ok === false ? disk : null;
    });
    expect(detail).toMatch(/MB are free .* fewer than 20/);
    fill(0);
    const refused = await answersOf(() =>
      register().then(
        () => 'taken',
        () => 'refused',
      ),
    );
    expect(refused.length).toBeGreaterThan(0);
    for (const { status, code, retryAfter } of refused) {
      expect({ status, code, retryAfter }).toEqual({
        status: 503,
        code: 'outcome_unknown',
        retryAfter: expect.stringMatching(/^\d+$/),
      });
    }
    const health = await server.asOperator('/health/ready');
    expect(health.status).toBe(503);
    rmSync(filler());
    const receipt = await until('a registration', () => register().catch(() => null));
    expect(await server.caseWith(receipt, 'GovernmentAccepted')).toMatch(/^[0-9a-f-]{36}$/);
  }, 180_000);
});
