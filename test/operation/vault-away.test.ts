import { mkdirSync, readFileSync, renameSync, rmdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { BoothClient } from '../../src/booth/booth-client.js';
import { generateBoothKey } from '../../src/booth/booth-key.js';
import { loadCardPhoto, loadDemoFace } from '../../src/sandbox/card/demo-faces.js';
import { built } from '../support/peers.js';
import { filesUnder, RealServer, until } from '../support/real-server.js';
import { soakFactor } from '../support/soak.js';
import { describeUnless } from '../support/unless.js';

/** Loaded before the server: ends the thread whose name stands in a file, and notes each that begins. */
const ENDS_A_THREAD = `
import { appendFileSync, readFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import threads from 'node:worker_threads';
const newest = new Map();
threads.Worker = class extends threads.Worker {
  constructor(file, options) {
    super(file, options);
    newest.set(options.name, this);
    appendFileSync(process.env.TEST_THREADS, options.name + '\\n');
  }
};
syncBuiltinESMExports();
process.on('SIGWINCH', () => newest.get(readFileSync(process.env.TEST_END_THREAD, 'utf8')).terminate());
`;

/** Those whose end CI sees are the first two: the others have nothing in their hands that is not elsewhere. */
const THREADS = ['keys', 'event log', 'signed log', 'photographs'];
/** Of what lies on those threads. */
const TROUBLES = ['vault', 'events', 'signed-log'];

// @fault O22
describeUnless(built('cli/main.js'), 'a server whose folder of sealed files goes away', () => {
  let server: RealServer;
  let booth: BoothClient;
  let count = 0;
  beforeAll(async () => {
    server = await RealServer.beside('vault-away', ['auditor']);
    const preload = server.at('ends-a-thread.mjs');
    writeFileSync(preload, ENDS_A_THREAD);
    const env = { TEST_THREADS: server.at('threads'), TEST_END_THREAD: server.at('thread') };
    await server.start({ preload, env });
    const key = generateBoothKey();
    await server.enrol('booth-vault-01', key.publicKeySpki);
    const counter = { next: () => (count += 1) };
    const once = { attemptsMax: 1, wait: async () => undefined };
    booth = new BoothClient({ baseUrl: server.url, boothId: 'booth-vault-01', key, counter, ...once });
  }, 180_000);
  afterAll(() => server.close(), 180_000);

  const sealed = (): string => path.join(server.data, 'vault', 'sealed');
  const register = async (): Promise<string> => {
    const card = await server.sandbox.jpki.issueCard({ faceImage: await loadCardPhoto('sample1-left-mirrored') });
    const { authenticationPin: pin, accessNumber } = card.secrets;
    const consent = { textVersion: '2026-11', keepReferenceImage: false };
    const photo = await loadDemoFace('sample1-left');
    return (await booth.register({ card: card.connect(), pin, accessNumber, photo, consent })).receipt;
  };
  const ready = async () =>
    (await server.asOperator('/health/ready')).json() as Promise<{
      status: number;
      troubles: string[];
      parts: Record<string, { detail: string }>;
    }>;

  it.each([
    ['is gone', () => {}, /is gone: is its disk there/],
    ['left an empty one in its place', () => mkdirSync(sealed()), /is another one than at the start/],
  ])(
    'is not ready, seals nothing elsewhere and says 503, while it %s; then all goes on',
    async (_what, leave, words) => {
      const away = `${sealed()}.away`;
      renameSync(sealed(), away);
      leave();
      const told = await until('not ready', async () =>
        ((found) => (found.status === 503 ? found : null))(await ready()),
      );
      expect(told.troubles).toContain('vault');
      expect(told.parts['vault']?.detail).toMatch(words);
      // Held by the booth for a later attempt: nobody said that it was refused.
      await expect(register()).rejects.toMatchObject({ cause: { message: 'unclear answer with status 503' } });
      expect(filesUnder(sealed())).toEqual([]);
      await until('the place', () => {
        try {
          rmdirSync(sealed());
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
        }
        return true;
      });
      renameSync(away, sealed());
      const receipt = await until('a registration', () => register().catch(() => null));
      expect(await server.caseWith(receipt, 'GovernmentAccepted')).toMatch(/^[0-9a-f-]{36}$/);
      await until('ready', async () => ((await ready()).troubles.includes('vault') ? null : true));
    },
    180_000,
  );

  // @fault O22
  it.each(soakFactor() > 1 ? THREADS : THREADS.slice(0, 2))(
    'goes on with another thread "%s" where one ends, while registrations are under way',
    async (name) => {
      const begun = () => readFileSync(server.at('threads'), 'utf8').split(`${name}\n`).length - 1;
      writeFileSync(server.at('thread'), name);
      const receipts: string[] = [];
      const refused: unknown[] = [];
      const working = Array.from({ length: 2 }, () =>
        register().then(
          (receipt) => receipts.push(receipt),
          (error: Error) => refused.push((error.cause as Error | undefined)?.message ?? error.message),
        ),
      );
      const before = begun();
      process.kill(server.pid, 'SIGWINCH');
      await Promise.all(working);
      receipts.push(await until('a registration', () => register().catch(() => null)));
      await until('another thread', () => (begun() > before ? true : null));
      expect(refused.filter((why) => why !== 'unclear answer with status 503')).toEqual([]);
      // What was accepted is not lost, whichever step the thread ended under.
      for (const receipt of receipts)
        expect(await server.caseWith(receipt, 'GovernmentAccepted')).toMatch(/^[0-9a-f-]{36}$/);
      await until('ready', async () => ((await ready()).troubles.some((one) => TROUBLES.includes(one)) ? null : true));
    },
    180_000,
  );
});
