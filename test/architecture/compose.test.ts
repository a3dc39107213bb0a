import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { load } from 'js-yaml';
import { Config, SETTINGS } from '../../src/infrastructure/settings/config.js';

const root = path.resolve(import.meta.dirname, '../..');

interface Service {
  readonly image: string;
  readonly command?: string;
  readonly ports: readonly string[];
  readonly environment?: Readonly<Record<string, string | number>>;
  readonly volumes: readonly string[];
  readonly healthcheck?: { readonly test: readonly string[] };
}

const text = readFileSync(path.join(root, 'compose.yaml'), 'utf8');
const { services, volumes } = load(text) as {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, null>>;
};
/** The variables in the commands that its first lines tell people to type. */
const told = [...text.matchAll(/^#.*$/gm)].flatMap(([line]) =>
  [...line.matchAll(/\b([A-Z][A-Z_]+)=(?:'([^']*)'|(\S+))/g)].map(([, name, quoted, bare]) => ({
    name: name as string,
    value: (quoted ?? bare) as string,
  })),
);
const published = Object.values(services).flatMap(({ ports }) => ports);

/** Properties of a Kafka broker that the file sets; the image makes `KAFKA_NODE_ID` from `node.id`. */
const KAFKA_PROPERTIES = new Set([
  'node.id',
  'process.roles',
  'listeners',
  'advertised.listeners',
  'controller.listener.names',
  'listener.security.protocol.map',
  'controller.quorum.voters',
  'offsets.topic.replication.factor',
  'transaction.state.log.replication.factor',
  'transaction.state.log.min.isr',
  'group.initial.rebalance.delay.ms',
]);

/** Nobody here can start it, so at least what it says must fit what the server reads. */
describe('compose.yaml', () => {
  it('tells people settings that the server knows and takes', () => {
    const known = new Set<string>(Object.values(SETTINGS).map(({ env }) => env));
    const settings = told.filter(({ name }) => name.startsWith('HONNIN_'));
    expect(settings.map(({ name }) => name).sort()).toEqual(['HONNIN_EVENT_STORE', 'HONNIN_KAFKA_BROKERS']);
    for (const { name } of settings) expect(known).toContain(name);
    const { values } = Config.from(Object.fromEntries(settings.map(({ name, value }) => [name, value])));
    expect(values.eventStore).toBe('kurrentdb://127.0.0.1:2113?tls=false');
    expect(values.kafkaBrokers).toEqual(['127.0.0.1:9092']);
  });

  it('publishes every address that it tells, on this machine only', () => {
    const addresses = told.flatMap(({ value }) => value.match(/127\.0\.0\.1:\d+/g) ?? []);
    expect(addresses.length).toBeGreaterThanOrEqual(3);
    for (const address of addresses) expect(published.map((port) => port.replace(/:\d+$/, ''))).toContain(address);
    for (const port of published) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
  });

  it('names tests and variables that exist', () => {
    expect(readFileSync(path.join(root, 'test/event-store/kurrent-event-store.test.ts'), 'utf8')).toContain(
      "process.env['KURRENTDB_URL']",
    );
    expect(told.map(({ name }) => name)).toContain('KURRENTDB_URL');
  });

  it('gives KurrentDB what it needs without TLS, and looks after its health at the port that it publishes', () => {
    const { command = '', healthcheck } = services['kurrentdb'] as Service;
    // Without TLS the server starts only with --insecure, and the client only with tls=false.
    expect(command.split(' ')).toContain('--insecure');
    expect(healthcheck?.test.join(' ')).toContain('http://127.0.0.1:2113/health/live');
  });

  it('gives Kafka properties that a broker has, and tells clients the address that is published', () => {
    const environment = (services['kafka'] as Service).environment ?? {};
    const properties = Object.fromEntries(
      Object.entries(environment).map(([name, value]) => [
        name
          .replace(/^KAFKA_/, '')
          .toLowerCase()
          .replaceAll('_', '.'),
        String(value),
      ]),
    );
    for (const name of Object.keys(properties)) expect(KAFKA_PROPERTIES).toContain(name);
    expect(properties['advertised.listeners']).toBe('PLAINTEXT://127.0.0.1:9092');
    expect(properties['listeners']).toMatch(/PLAINTEXT:\/\/:9092/);
    const controller = properties['controller.listener.names'] as string;
    expect(properties['listeners']).toContain(`${controller}://:9093`);
    expect(properties['listener.security.protocol.map']).toContain(`${controller}:PLAINTEXT`);
    expect(properties['controller.quorum.voters']).toBe(`${properties['node.id']}@localhost:9093`);
  });

  it('keeps data in volumes that it declares, and names the version of every image', () => {
    for (const { image, volumes: mounted } of Object.values(services)) {
      expect(image).toMatch(/:\d+(\.\d+)+$/);
      for (const mount of mounted) expect(Object.keys(volumes)).toContain(mount.split(':')[0]);
    }
  });
});
