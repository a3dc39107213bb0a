import { cpSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect } from '@jest/globals';
import { built } from '../support/peers.js';
import { RealServer, until } from '../support/real-server.js';
import { itUnless } from '../support/unless.js';

const unbuilt = built('cli/main.js');

/** @fault O18 */
describe('an audit folder that is older than what was signed', () => {
  let server: RealServer;
  beforeAll(async () => {
    if (unbuilt === null) server = await RealServer.beside('set-back', ['auditor']);
  }, 120_000);
  afterAll(() => server?.close());

  const part = async () =>
    (
      (await (await server.asOperator('/health/ready')).json()) as {
        parts: Record<string, { ok: boolean; detail: string }>;
      }
    ).parts['signed-log'];
  const audit = (...parts: string[]) => join(server.data, 'audit', ...parts);
  const sizeNow = () => Number(readFileSync(audit('checkpoint'), 'utf8').split('\n')[1]);
  const grown = async () => {
    const before = sizeNow();
    // Every look is an event.
    expect((await server.call('auditor', 'GET', '/v1/audit/lists/requests')).status).toBe(200);
    await until('a larger checkpoint', () => (sizeNow() > before ? true : null));
  };

  itUnless(
    unbuilt,
    'is noticed at the start and under the running server, is not ready, and nothing is signed',
    async () => {
      await server.start({ env: { HONNIN_AUDIT_CHECK_SECONDS: '1' } });
      await until('the first checkpoint', () => {
        try {
          return sizeNow();
        } catch {
          return null;
        }
      });
      await grown();
      expect(await part()).toMatchObject({ ok: true });
      cpSync(audit(), server.at('older'), { recursive: true });
      await grown();
      // Under the running server: nobody asks for anything, and it is seen all the same.
      renameSync(audit(), server.at('newest'));
      cpSync(server.at('older'), audit(), { recursive: true });
      await until('the difference', async () => ((await part())?.ok === false ? true : null));
      await server.end();
      const note = readFileSync(audit('checkpoint'), 'utf8');
      await server.start();
      expect(await part()).toEqual({
        ok: false,
        detail: expect.stringMatching(/is an older copy: .*audit\.head.* restore the newest copy/),
      });
      const refused = await server.call('auditor', 'GET', '/v1/audit/lists/requests');
      expect([refused.status, ((await refused.json()) as { code: string }).code]).toEqual([
        503,
        'audit_log_unavailable',
      ]);
      await server.end();
      expect(readFileSync(audit('checkpoint'), 'utf8')).toBe(note);
      // With the newest copy back it goes on.
      rmSync(audit(), { recursive: true });
      renameSync(server.at('newest'), audit());
      await server.start();
      expect(await part()).toMatchObject({ ok: true });
      await grown();
    },
    240_000,
  );
});
