import { spawn } from 'node:child_process';
import { createServer, type Server } from 'node:net';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { BoothClient } from '../../src/booth/booth-client.js';
import { generateBoothKey } from '../../src/booth/booth-key.js';
import { loadCardPhoto, loadDemoFace } from '../../src/sandbox/card/demo-faces.js';
import { sandboxSettings } from '../../src/sandbox/sandbox.js';
import { built } from '../support/peers.js';
import { bytesUnder, RealServer } from '../support/real-server.js';
import { ServerStart } from '../support/server-start.js';
import { soakFactor } from '../support/soak.js';
import { describeUnless } from '../support/unless.js';

const cli = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const FACTOR = soakFactor();
/** How far a second server gets before it is killed: from the loading of its code to after its refusal. */
const DIES_AFTER_MS = [400, 900, 1500];

// @fault C3
describeUnless(built('cli/main.js'), 'a second server on the folder of one that works', () => {
  let server: RealServer;
  let booth: BoothClient;
  /** In the place of everything that the second one could ask or tell: whoever comes is counted. */
  let elsewhere: Server;
  let visits = 0;
  let count = 0;
  beforeAll(async () => {
    elsewhere = createServer((socket) => {
      visits += 1;
      socket.destroy();
    });
    await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve));
    server = await RealServer.beside('second-server', ['auditor']);
    await server.start();
    const key = generateBoothKey();
    await server.enrol('booth-second-01', key.publicKeySpki);
    booth = new BoothClient({
      baseUrl: server.url,
      boothId: 'booth-second-01',
      key,
      counter: { next: () => (count += 1) },
    });
  }, 180_000);
  afterAll(async () => {
    await server.close();
    await new Promise((resolve) => elsewhere.close(resolve));
  }, 180_000);

  const register = async (): Promise<string> => {
    const card = await server.sandbox.jpki.issueCard({ faceImage: await loadCardPhoto('sample1-left-mirrored') });
    const { authenticationPin: pin, accessNumber } = card.secrets;
    const consent = { textVersion: '2026-11', keepReferenceImage: false };
    const photo = await loadDemoFace('sample1-left');
    return (await booth.register({ card: card.connect(), pin, accessNumber, photo, consent })).receipt;
  };
  /** As the first one's, but whatever it would reach outside is `elsewhere`. */
  const settings = (): Record<string, string> => {
    const { port } = elsewhere.address() as AddressInfo;
    const address = /http:\/\/127\.0\.0\.1:\d+/g;
    return Object.fromEntries(
      Object.entries(sandboxSettings(server.sandbox)).map(([name, value]) => [
        name,
        value.replace(address, `http://127.0.0.1:${port}`),
      ]),
    );
  };
  /** Everything that is kept, but for the note and the lock that say who holds it. */
  const kept = (): Record<string, string> =>
    Object.fromEntries(
      bytesUnder(server.data)
        .filter(([file]) => !/\.(lock|writer\.json)(-journal)?$/.test(file))
        .map(([file, bytes]) => [path.relative(server.data, file), bytes.toString('base64')]),
    );
  /** Starts one and kills it, wherever it then is. */
  const startAndKill = (afterMs: number): Promise<string> =>
    new Promise((resolve) => {
      const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', cli, 'start'], {
        env: { ...process.env, NODE_OPTIONS: '', ...settings(), HONNIN_DATA: server.data, HONNIN_PORT: '0' },
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      let said = '';
      child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
      const death = setTimeout(() => child.kill('SIGKILL'), afterMs);
      child.once('close', () => {
        clearTimeout(death);
        resolve(said);
      });
    });

  it('changes no byte, signs nothing, erases nothing and asks nobody before it is refused', async () => {
    await server.caseWith(await register(), 'GovernmentAccepted');
    await server.signedLog();
    // What the first one holds it holds also while it stands still, and then every change is the second one's.
    process.kill(server.pid, 'SIGSTOP');
    try {
      const before = kept();
      const second = await ServerStart.of(server.data, settings());
      expect({ url: second.url, code: second.child.exitCode }).toEqual({ url: null, code: 1 });
      expect(second.said).toMatch(/another server works in this data folder \(process \d+ on /);
      expect(kept()).toEqual(before);
      expect(visits).toBe(0);
    } finally {
      process.kill(server.pid, 'SIGCONT');
    }
  }, 180_000);

  it(
    'and its death at any moment, again and again, doubles nothing that the first one does and loses it no place',
    async () => {
      const submitted = server.sandbox.government.submissions.length;
      const receipts: string[] = [];
      const deaths = Array.from({ length: FACTOR }, () => DIES_AFTER_MS).flat();
      for (const afterMs of deaths) {
        const [receipt, said] = await Promise.all([register(), startAndKill(afterMs)]);
        receipts.push(receipt);
        expect(said).not.toContain('listens');
      }
      const cases = await Promise.all(receipts.map((receipt) => server.caseWith(receipt, 'GovernmentAccepted')));
      await server.signedLog();
      const { submissions, history } = server.sandbox.government;
      expect(submissions).toHaveLength(submitted + cases.length);
      expect(history).toHaveLength(submissions.length);
      const texts = server.storedTexts();
      for (const each of cases) {
        const own = texts.filter((text) => text.startsWith(`registration-${each} `));
        const types = own.map((text) => text.split(' ', 2)[1]);
        expect(types).toContain('SubmissionAttempted');
        expect(types).toEqual([...new Set(types)]);
      }
      expect((await server.asOperator('/health/ready')).status).toBe(200);
      expect(visits).toBe(0);
      const checked = server.honnin('audit', 'fsck', '--data', server.data);
      expect({ status: checked.status, said: checked.status === 0 ? '' : checked.stdout + checked.stderr }).toEqual({
        status: 0,
        said: '',
      });
    },
    240_000 * FACTOR,
  );
});
