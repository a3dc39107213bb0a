import { execFile, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import kafkajs from 'kafkajs';
import { firstLine, foreignEnvironment, onceInARun, peer, type Absence } from '../../support/peers.ts';

const run = promisify(execFile);

/** The newest of each line that kafkajs 2.2.4 was seen to work with. */
export const KAFKA_VERSIONS = { v3: '3.9.2', v4: '4.4.0' } as const;
const START_MS_MAX = 180_000;

export interface Broker {
  /** `host:port`, comma-separated: plain text, nobody asks who you are. */
  readonly brokers: string;
  /** Further listeners by name, when asked for. */
  readonly listeners: Readonly<Record<string, string>>;
  /** Takes the broker away for real: SIGKILL or SIGTERM to its process; the data stays. Only where the broker is
   * ours. */
  stop(how: 'SIGKILL' | 'SIGTERM'): Promise<void>;
  /** Starts it again on the same ports with the same data. */
  start(): Promise<void>;
  /** Ends it and removes its data. */
  close(): Promise<void>;
  readonly ours: boolean;
}

export interface BrokerOptions {
  readonly version?: string;
  /** Further listeners: name (upper case, e.g. `SASL_SSL`) to security protocol, and properties that may use `{{name}}`
   * of a listener's port. */
  readonly listeners?: Readonly<Record<string, string>>;
  readonly properties?: Readonly<Record<string, string>>;
  /** Arguments for the storage formatter, e.g. SCRAM users. */
  readonly format?: readonly string[];
  readonly jvm?: readonly string[];
}

/** Why a real broker cannot be had here, or null. `KAFKA_BROKERS` names another one. Tried once: that Maven has or can
 *  fetch it, and that this Java runs it. */
export function brokerMissing(version: string = KAFKA_VERSIONS.v4): Absence | null {
  if (process.env['KAFKA_BROKERS']) return null;
  const missing = peer('java') ?? peer('mvn');
  if (missing !== null) return missing;
  const reason = onceInARun(`kafka-${version}`, () => whyNoKafka(version));
  return reason === null ? null : { reason, forgivenInCi: false };
}

function whyNoKafka(version: string): string | null {
  const had = kafkaClassPath(version);
  if ('reason' in had) return `Maven cannot bring Apache Kafka ${version}: ${had.reason}`;
  const { code, out } = foreign('java', ['-XX:TieredStopAtLevel=1', '-cp', had.classPath, 'kafka.Kafka', '--version']);
  return code === 0 ? null : `Apache Kafka ${version} does not run with the Java that is here: ${firstLine(out)}`;
}

/** A broker: the one that `KAFKA_BROKERS` names, or Apache Kafka itself in KRaft mode, one process on free ports. */
export async function startBroker(options: BrokerOptions = {}): Promise<Broker> {
  const elsewhere = process.env['KAFKA_BROKERS'];
  if (elsewhere && !options.listeners)
    return { brokers: elsewhere, listeners: {}, ours: false, stop: notOurs, start: notOurs, close: async () => {} };
  return ApacheKafka.create(options);
}

async function notOurs(): Promise<void> {
  throw new Error('the broker of KAFKA_BROKERS is not ours to stop');
}

class ApacheKafka implements Broker {
  readonly ours = true;
  private process: ChildProcess | null = null;

  readonly brokers: string;
  readonly listeners: Readonly<Record<string, string>>;
  private readonly folder: string;
  private readonly classPath: string;
  private readonly jvm: readonly string[];

  // Written out, because the benchmark loads this file as it is and Node only takes types away.
  private constructor(parts: {
    readonly folder: string;
    readonly classPath: string;
    readonly jvm: readonly string[];
    readonly brokers: string;
    readonly listeners: Readonly<Record<string, string>>;
  }) {
    this.folder = parts.folder;
    this.classPath = parts.classPath;
    this.jvm = parts.jvm;
    this.brokers = parts.brokers;
    this.listeners = parts.listeners;
  }

  static async create({
    version = KAFKA_VERSIONS.v4,
    listeners = {},
    properties = {},
    format = [],
    jvm = [],
  }: BrokerOptions): Promise<ApacheKafka> {
    const had = kafkaClassPath(version);
    if ('reason' in had) throw new Error(had.reason);
    const { classPath } = had;
    const folder = mkdtempSync(path.join(tmpdir(), 'honnin-kafka-'));
    const names = ['PLAINTEXT', 'CONTROLLER', ...Object.keys(listeners)];
    const ports = await freePorts(names.length);
    const addresses = Object.fromEntries(names.map((name, index) => [name, `127.0.0.1:${ports[index]}`]));
    writeFileSync(
      path.join(folder, 'server.properties'),
      lines(serverProperties(folder, addresses, listeners, properties)),
    );
    const broker = new ApacheKafka({
      folder,
      classPath,
      jvm,
      brokers: addresses['PLAINTEXT'] as string,
      listeners: addresses,
    });
    const storage = ['kafka.tools.StorageTool', 'format', '-t', 'aG9ubmluLXRlc3QtMDAwMQ', '-c', broker.settingsFile];
    const place = { cwd: tmpdir(), env: foreignEnvironment() };
    await run('java', [...broker.javaOptions(), ...storage, ...format], { ...place, maxBuffer: 1 << 24 });
    await broker.start();
    return broker;
  }

  async start(): Promise<void> {
    const log = openSync(path.join(this.folder, 'broker.log'), 'a');
    const child = spawn('java', [...this.javaOptions(), 'kafka.Kafka', this.settingsFile], {
      cwd: tmpdir(),
      env: foreignEnvironment(),
      stdio: ['ignore', log, log],
    });
    this.process = child;
    const deadline = Date.now() + START_MS_MAX;
    while (!(await answers(this.brokers))) {
      if (child.exitCode !== null || Date.now() > deadline)
        throw new Error(
          `the broker did not start:\n${readFileSync(path.join(this.folder, 'broker.log'), 'utf8').slice(-4000)}`,
        );
    }
  }

  async stop(how: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.process;
    this.process = null;
    if (!child || child.exitCode !== null) return;
    const exited = new Promise((resolve) => child.once('exit', resolve));
    child.kill(how);
    await exited;
  }

  async close(): Promise<void> {
    await this.stop('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }

  private get settingsFile(): string {
    return path.join(this.folder, 'server.properties');
  }

  /** One small process: the client compiler would cost more than it gives in a test's life. */
  private javaOptions(): string[] {
    return [
      '-Xmx400m',
      '-Xms128m',
      '-XX:+UseSerialGC',
      '-XX:TieredStopAtLevel=1',
      '-Dorg.slf4j.simpleLogger.defaultLogLevel=error',
      `-Dkafka.logs.dir=${this.folder}`,
      ...this.jvm,
      '-cp',
      this.classPath,
    ];
  }
}

function serverProperties(
  folder: string,
  addresses: Record<string, string>,
  listeners: Readonly<Record<string, string>>,
  more: Readonly<Record<string, string>>,
): Record<string, string> {
  const outside = Object.entries(addresses).filter(([name]) => name !== 'CONTROLLER');
  return {
    'process.roles': 'broker,controller',
    'node.id': '1',
    listeners: Object.entries(addresses)
      .map(([name, address]) => `${name}://${address}`)
      .join(','),
    'advertised.listeners': outside.map(([name, address]) => `${name}://${address}`).join(','),
    'listener.security.protocol.map': [
      'PLAINTEXT:PLAINTEXT',
      'CONTROLLER:PLAINTEXT',
      ...Object.entries(listeners).map(([name, protocol]) => `${name}:${protocol}`),
    ].join(','),
    'inter.broker.listener.name': 'PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'controller.quorum.voters': `1@${addresses['CONTROLLER']}`,
    'log.dirs': path.join(folder, 'data'),
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'transaction.state.log.num.partitions': '2',
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.min.isr': '1',
    'group.initial.rebalance.delay.ms': '0',
    // A broker that was killed is taken back as soon as its old session has run out.
    'broker.session.timeout.ms': '2000',
    'broker.heartbeat.interval.ms': '300',
    'auto.create.topics.enable': 'false',
    'num.network.threads': '2',
    'num.io.threads': '2',
    'log.cleaner.dedupe.buffer.size': '2097152',
    ...more,
  };
}

/** Jars of the broker, resolved by Maven once per version and kept outside the repository. */
function kafkaClassPath(version: string): { readonly classPath: string } | { readonly reason: string } {
  const cache = process.env['HONNIN_CACHE'] ?? path.join(homedir(), '.cache', 'honnin');
  const folder = path.join(cache, 'kafka', `${version}-with-log`);
  const file = path.join(folder, 'classpath.txt');
  if (existsSync(file)) {
    const classPath = readFileSync(file, 'utf8');
    if (classPath.split(':').every((jar) => existsSync(jar))) return { classPath };
  }
  const madeNot = whyNotMade(folder);
  if (madeNot !== null) return { reason: madeNot };
  const pom = path.join(folder, `pom-${process.pid}.xml`);
  const output = path.join(folder, `classpath-${process.pid}.txt`);
  writeFileSync(pom, POM(version));
  // A registry that does not answer is given up soon; one that is slow is waited for.
  const options = ['-Daether.connector.connectTimeout=10000', '-DincludeScope=runtime', `-Dmdep.outputFile=${output}`];
  const { code, out } = foreign('mvn', ['-B', '-q', '-f', pom, 'dependency:build-classpath', ...options]);
  rmSync(pom, { force: true });
  if (code !== 0 || !existsSync(output)) return { reason: firstLine(out) };
  // Two test processes may resolve at once: each writes its own file, and the last rename wins with the same content.
  renameSync(output, file);
  return { classPath: readFileSync(file, 'utf8') };
}

/** A home where nobody may write is as common as a registry that does not answer. */
function whyNotMade(folder: string): string | null {
  try {
    mkdirSync(folder, { recursive: true });
    return null;
  } catch (error) {
    return `the folder of its jars cannot be made (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`;
  }
}

/** A foreign program, in a folder and a locale of its own: neither must be one that it cannot name. */
function foreign(program: string, args: readonly string[]): { readonly code: number | null; readonly out: string } {
  const place = { cwd: tmpdir(), env: foreignEnvironment() };
  const options = { ...place, maxBuffer: 1 << 24, timeout: 600_000, encoding: 'utf8' } as const;
  const { status, stdout, stderr } = spawnSync(program, args, options);
  return { code: status, out: `${stderr ?? ''}\n${stdout ?? ''}` };
}

const POM = (version: string) => `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>honnin.test</groupId><artifactId>kafka-broker</artifactId><version>1</version><dependencies>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>${version}</version></dependency>
<dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
</dependencies></project>
`;

async function answers(brokers: string): Promise<boolean> {
  const admin = new kafkajs.Kafka({
    clientId: 'is-it-up',
    brokers: [brokers],
    logLevel: kafkajs.logLevel.NOTHING,
    connectionTimeout: 500,
    retry: { retries: 0 },
  }).admin();
  try {
    await admin.connect();
    return (await admin.describeCluster()).brokers.length > 0;
  } catch {
    await new Promise((resolve) => setTimeout(resolve, 100));
    return false;
  } finally {
    await admin.disconnect();
  }
}

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<ReturnType<typeof createServer>>((resolve) => {
          const server = createServer();
          server.listen(0, '127.0.0.1', () => resolve(server));
        }),
    ),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

function lines(properties: Record<string, string>): string {
  return `${Object.entries(properties)
    .map(([name, value]) => `${name}=${value.replaceAll('\n', '\\\n')}`)
    .join('\n')}\n`;
}
