import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** The newest that kafkajs was seen to work with. */
const VERSION = '4.4.0';
const START_MS_MAX = 120_000;

/** Why there can be no broker here, in words for whoever wants one. */
export class NoBrokerError extends Error {}

/** Apache Kafka itself, one process without sign-in on this machine, for trying consumers. Its jars come by Maven, once.
 * Never a broker to work with: it keeps what it has in one folder and in one copy. */
export class BrokerForTrying {
  private constructor(
    private readonly child: ChildProcess,
    readonly address: string,
  ) {}

  /** @param answers asks a broker whether it serves
   *  @throws {NoBrokerError} */
  static async start(
    { folder, port }: { readonly folder: string; readonly port: number },
    answers: (address: string) => Promise<boolean>,
  ): Promise<BrokerForTrying> {
    const classPath = jars();
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const [address, controller] = [`127.0.0.1:${port}`, `127.0.0.1:${await freePort()}`];
    const settings = path.join(folder, 'server.properties');
    writeFileSync(settings, propertiesOf(folder, address, controller));
    const java = ['-Xmx400m', '-XX:+UseSerialGC', '-Dorg.slf4j.simpleLogger.defaultLogLevel=error', '-cp', classPath];
    const format = ['kafka.tools.StorageTool', 'format', '-g', '-t', 'aG9ubmluLXRyeS0wMDAwMQ', '-c', settings];
    const formatted = foreign('java', [...java, ...format]);
    if (formatted.code !== 0)
      throw new NoBrokerError(`Java cannot prepare the folder of the broker: ${formatted.says}`);
    const log = openSync(path.join(folder, 'broker.log'), 'a');
    const stdio: ['ignore', number, number] = ['ignore', log, log];
    const child = spawn('java', [...java, 'kafka.Kafka', settings], { cwd: tmpdir(), env: environment(), stdio });
    closeSync(log);
    const broker = new BrokerForTrying(child, address);
    for (const deadline = Date.now() + START_MS_MAX; !(await answers(address)); await sleep(200)) {
      if (child.exitCode === null && Date.now() < deadline) continue;
      await broker.close();
      throw new NoBrokerError(`the broker did not start; what it says is in ${path.join(folder, 'broker.log')}`);
    }
    return broker;
  }

  /** Resolves when the process has ended by itself. */
  async ended(): Promise<void> {
    if (this.child.exitCode === null) await new Promise((resolve) => this.child.once('exit', resolve));
  }

  async close(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill('SIGKILL');
    await gone;
  }
}

function propertiesOf(folder: string, address: string, controller: string): string {
  const properties = {
    'process.roles': 'broker,controller',
    'node.id': '1',
    listeners: `PLAINTEXT://${address},CONTROLLER://${controller}`,
    'advertised.listeners': `PLAINTEXT://${address}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'controller.quorum.voters': `1@${controller}`,
    'log.dirs': path.join(folder, 'data'),
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.min.isr': '1',
    'group.initial.rebalance.delay.ms': '0',
    'auto.create.topics.enable': 'false',
  };
  return `${Object.entries(properties)
    .map(([name, value]) => `${name}=${value}`)
    .join('\n')}\n`;
}

/** Jars of the broker, fetched by Maven once and kept where the tests keep theirs. @throws {NoBrokerError} */
function jars(): string {
  for (const [program, question] of [
    ['java', '-version'],
    ['mvn', '--version'],
  ] as const)
    if (foreign(program, [question]).code !== 0)
      throw new NoBrokerError(`${program} is not here or does not run: a broker for trying needs Java 17 and Maven`);
  const folder = path.join(process.env['HONNIN_CACHE'] ?? path.join(homedir(), '.cache', 'honnin'), 'kafka');
  const file = path.join(folder, `${VERSION}-with-log`, 'classpath.txt');
  if (existsSync(file)) {
    const known = readFileSync(file, 'utf8');
    if (known.split(path.delimiter).every((jar) => existsSync(jar))) return known;
  }
  mkdirSync(path.dirname(file), { recursive: true });
  const [pom, output] = [`${file}-${process.pid}.pom.xml`, `${file}-${process.pid}`];
  writeFileSync(pom, POM);
  const goal = ['-B', '-q', '-f', pom, 'dependency:build-classpath', '-DincludeScope=runtime'];
  const { code, says } = foreign('mvn', [...goal, `-Dmdep.outputFile=${output}`]);
  rmSync(pom, { force: true });
  if (code !== 0 || !existsSync(output)) throw new NoBrokerError(`Maven cannot bring Apache Kafka ${VERSION}: ${says}`);
  renameSync(output, file);
  return readFileSync(file, 'utf8');
}

const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>honnin.try</groupId><artifactId>kafka-broker</artifactId><version>1</version><dependencies>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId>
<version>${VERSION}</version></dependency>
<dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
</dependencies></project>
`;

/** A foreign program, in a folder and a locale that it can name. */
function foreign(program: string, args: readonly string[]): { readonly code: number | null; readonly says: string } {
  const options = { cwd: tmpdir(), env: environment(), maxBuffer: 1 << 24, encoding: 'utf8' } as const;
  const { status, stdout, stderr, error } = spawnSync(program, args, options);
  const [first = ''] = `${stderr ?? ''}\n${stdout ?? ''}\n${error?.message ?? ''}`
    .split('\n')
    .filter((line) => line.trim());
  return { code: status, says: first.slice(0, 300) };
}

function environment(): NodeJS.ProcessEnv {
  const { LANGUAGE: _, ...env } = process.env;
  return { ...env, LC_ALL: 'C.UTF-8' };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
