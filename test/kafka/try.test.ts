import { spawn, type ChildProcess } from 'node:child_process';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import kafkajs from 'kafkajs';
import { describe, expect, it } from '@jest/globals';
import { describeUnless } from '../support/unless.js';
import { brokerMissing } from './support/kafka-broker.js';
import { until } from './support/relay-world.js';

const cli = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

function start(port: number, env: NodeJS.ProcessEnv): { readonly child: ChildProcess; readonly out: () => string } {
  const args = ['--disable-warning=ExperimentalWarning', cli, 'kafka', 'try', '--port', String(port)];
  const child = spawn(process.execPath, args, { env });
  let out = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes: Buffer) => (out += bytes.toString()));
  return { child, out: () => out };
}

const ended = (child: ChildProcess): Promise<number | null> =>
  new Promise((resolve) => child.once('close', (code) => resolve(code)));

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('HONNIN_')));

/** @fault O27 */
describe('a broker for trying', () => {
  it('is told in words to need Java, where there is none', async () => {
    const { child, out } = start(1, { ...environment, PATH: '/nowhere' });
    expect(await ended(child)).toBe(1);
    expect(out()).toMatch(/honnin kafka try: java is not here .*\nOther ways: docker run /);
  });
});

describeUnless(brokerMissing(), 'a broker for trying, with Java', () => {
  it('is there by one command with the topics, and gone with it', async () => {
    const port = await freePort();
    const { child, out } = start(port, { ...environment, HONNIN_KAFKA_PARTITIONS: '2' });
    const end = ended(child);
    await until(
      () => out().includes(`HONNIN_KAFKA_BROKERS='127.0.0.1:${port}'`) || child.exitCode !== null,
      180_000,
      out,
    );
    expect(child.exitCode).toBeNull();
    const kafka = new kafkajs.Kafka({ brokers: [`127.0.0.1:${port}`], logLevel: kafkajs.logLevel.NOTHING });
    const admin = kafka.admin();
    await admin.connect();
    const topics = await admin.listTopics();
    await admin.disconnect();
    expect(topics).toEqual(expect.arrayContaining(['honnin.registrations.v1', 'honnin.erasure-confirmations.v1']));
    child.kill('SIGINT');
    expect(await end).toBe(0);
  }, 240_000);
});
