import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { Admin } from 'kafkajs';
import { Config, settingsInForce, urlOf } from '../../src/infrastructure/settings/config.js';
// What it does to the library's timers when it is loaded is tested below.
import '../../src/infrastructure/kafka/kafka-client.js';
import { createTopics, topicPlans } from '../../src/infrastructure/kafka/topics.js';
import { built } from '../support/peers.js';
import { honnin } from '../support/run-honnin.js';
import { START_MS_MAX } from '../support/server-start.js';
import { describeUnless } from '../support/unless.js';

const cli = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { readonly version: string };

// @fault O26
describe('the address that a start prints', () => {
  it.each([
    ['127.0.0.1', 'http://127.0.0.1:8080'],
    ['::1', 'http://[::1]:8080'],
    ['[::1]', 'http://[::1]:8080'],
    ['2001:db8::7', 'http://[2001:db8::7]:8080'],
    ['0.0.0.0', 'http://127.0.0.1:8080'],
    ['::', 'http://[::1]:8080'],
    ['booths.example', 'http://booths.example:8080'],
  ])('is a link that works, bound to %s', (host, url) => {
    expect(urlOf(Config.from({ HONNIN_HOST: host }), 8080)).toBe(url);
    expect(URL.canParse(url)).toBe(true);
  });
});

describe('the settings that a start writes down', () => {
  it('are those in force, defaults too, and no secret', () => {
    const told = settingsInForce(
      Config.from({
        HONNIN_PORT: '8443',
        HONNIN_METRICS_TOKEN: 'very-secret-token',
        HONNIN_EVENT_STORE: 'esdb://server:very-secret@db.example:2113?tls=true',
        HONNIN_GOVERNMENT_TOKEN_FILE: '/etc/honnin/token',
      }),
    );
    expect(told).toMatchObject({ HONNIN_PORT: 8443, HONNIN_HOST: '127.0.0.1', HONNIN_METRICS_TOKEN: '(given)' });
    expect(told).toMatchObject({ HONNIN_GOVERNMENT_TOKEN_FILE: '/etc/honnin/token' });
    expect(told).not.toHaveProperty('HONNIN_KAFKA_BROKERS');
    expect(JSON.stringify(told)).not.toContain('very-secret');
  });
});

describe('topics that could not be created', () => {
  it('are named with the cause, which the library keeps inside', async () => {
    const inside = Object.assign(new Error('Replication-factor is invalid'), { topic: 'honnin.registrations.v1' });
    const admin = {
      createTopics: () => Promise.reject(Object.assign(new Error('Topic creation errors'), { errors: [inside] })),
    } as unknown as Admin;
    const plans = topicPlans({ prefix: 'honnin.', partitions: 1, replication: 3, retentionDays: 1 });
    await expect(createTopics(admin, plans)).rejects.toThrow(
      'topics could not be created: honnin.registrations.v1: Replication-factor is invalid',
    );
  });
});

describeUnless(built('cli/main.js'), 'the first and the last lines', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'honnin-lines-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('say the version', async () => {
    const { status, out } = await honnin(['--version']);
    expect({ status, out }).toEqual({ status: 0, out: expect.stringMatching(`^honnin ${version}\n`) });
  });

  it(
    'of a server are in its log: version and settings, where it listens, what production would refuse, that it stopped',
    async () => {
      const inherited = Object.entries(process.env).filter(([name]) => !/^(HONNIN_|NODE_OPTIONS$)/.test(name));
      const env = { HONNIN_DATA: folder, HONNIN_PORT: '0', HONNIN_ENVIRONMENT: 'test', HONNIN_METRICS_TOKEN: 'hush' };
      const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', cli, 'start'], {
        env: { ...Object.fromEntries(inherited), ...env },
        stdio: ['ignore', 'pipe', 'ignore'],
        timeout: START_MS_MAX,
      });
      let said = '';
      child.stdout.on('data', (chunk: Buffer) => {
        said += chunk.toString();
        // Once: who is asked for the second time ends at once.
        if (said.includes('"listening"') && !child.killed) child.kill('SIGTERM');
      });
      await new Promise((resolve) => child.once('close', resolve));
      const lines = said
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>);
      expect(lines[0]).toMatchObject({ msg: 'starting', version, settings: { HONNIN_DATA: folder } });
      const url = expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/);
      expect(lines).toContainEqual(expect.objectContaining({ msg: 'listening', url }));
      const fault = expect.stringMatching(/^production would refuse HONNIN_MASTER_KEY_FILE/);
      expect(lines).toContainEqual(expect.objectContaining({ level: 40, msg: fault }));
      expect(lines.at(-1)).toMatchObject({ msg: 'stopped', url });
      expect(said).not.toContain('hush');
    },
    2 * START_MS_MAX,
  );
});

describe('a command for Kafka', () => {
  it.each([-1, 1])('asks for no timer in the past, held back until %d ms since 1970', (throttledUntil) => {
    const { prototype } = createRequire(import.meta.url)('kafkajs/src/network/requestQueue/index.js') as {
      readonly prototype: { scheduleCheckPendingRequests(): void };
    };
    const timer = jest.spyOn(globalThis, 'setTimeout').mockReturnValue(0 as never);
    const queue = { throttledUntil, pending: [], throttleCheckTimeoutId: null };
    prototype.scheduleCheckPendingRequests.call(queue);
    const [delays, isLater] = [timer.mock.calls.map(([, ms]) => ms), queue.throttledUntil !== throttledUntil];
    timer.mockRestore();
    expect(delays).toHaveLength(1);
    expect(delays[0]).toBeGreaterThanOrEqual(0);
    expect(isLater).toBe(false);
  });
});
