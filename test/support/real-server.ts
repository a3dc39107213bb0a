import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AS_OPERATOR, OPERATOR_TOKEN } from './operator.js';
import { twoPeople } from './two-people.js';
import { sandboxSettings, startSandbox, type Sandbox, type SandboxOptions } from '../../src/sandbox/sandbox.js';

const cli = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const QUIET = '--disable-warning=ExperimentalWarning';
const inherited = Object.fromEntries(
  Object.entries(process.env).filter(
    ([name, value]) => value !== undefined && !name.startsWith('HONNIN_') && name !== 'NODE_OPTIONS',
  ),
) as Record<string, string>;

/** Loaded before the server: its clock is ahead of the world's by what a file says, read again and again. */
export const CLOCK_AHEAD = `
import { readFileSync } from 'node:fs';
const now = Date.now, read = () => Number(readFileSync(process.env.TEST_CLOCK_AHEAD, 'utf8'));
let ahead = read();
setInterval(() => { ahead = read(); }, 20).unref();
Date.now = () => now() + ahead;
globalThis.Date = new Proxy(Date, { construct: (target, args, made) => Reflect.construct(target, args.length === 0 ? [target.now()] : args, made) });
`;

/** The built server as a process beside a sandbox, and what people use on it: HTTP with a user's token, and the command
 * line. */
export class RealServer {
  url = '';
  private process: ChildProcess | null = null;
  private readonly tokens: Record<string, string> = {};

  private constructor(
    readonly folder: string,
    readonly sandbox: Sandbox,
  ) {}

  /** Starts the sandbox in a new folder; the server waits for `start`. @throws when nothing is built */
  static async beside(name: string, users: readonly string[], more: Partial<SandboxOptions> = {}): Promise<RealServer> {
    if (!existsSync(cli)) throw new Error('dist is missing: build first (./honnin test does)');
    const folder = mkdtempSync(join(tmpdir(), `honnin-${name}-`));
    const server = new RealServer(
      folder,
      await startSandbox({ folder: join(folder, 'sandbox'), print: () => {}, ...more }),
    );
    for (const user of new Set([...users, 'administrator', 'administrator-b']))
      server.tokens[user] = await server.sandbox.tokens.signIn(user);
    return server;
  }

  /** @param options.preload a module that the process loads first */
  async start({ preload, env = {} }: { preload?: string; env?: Record<string, string> } = {}): Promise<void> {
    const settings = {
      ...inherited,
      ...sandboxSettings(this.sandbox),
      HONNIN_DATA: this.data,
      HONNIN_PORT: '0',
      HONNIN_LOG_LEVEL: 'silent',
      HONNIN_ENVIRONMENT: 'test',
      HONNIN_METRICS_TOKEN: OPERATOR_TOKEN,
      // A second one takes half a second of a start, and no test here is about how many faces are read at once.
      HONNIN_FACE_WORKERS: '1',
      ...env,
    };
    const started = spawn(
      process.execPath,
      [QUIET, ...(preload === undefined ? [] : ['--import', preload]), cli, 'start'],
      { env: settings, stdio: ['ignore', 'ignore', 'pipe'] },
    );
    this.process = started;
    this.url = await new Promise<string>((resolve, reject) => {
      let output = '';
      started.stderr.on('data', (chunk: Buffer) => {
        output += chunk.toString();
        const found = /honnin listens on (\S+)/.exec(output)?.[1];
        if (found) resolve(found);
      });
      started.once('exit', (code) => reject(new Error(`the server ended with ${code}: ${output}`)));
    });
  }

  /** Ends the server if it runs, and waits for its end. */
  async end(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const { process: running } = this;
    if (!running || running.exitCode !== null || running.signalCode !== null) return;
    const gone = new Promise<void>((resolve) => running.once('exit', () => resolve()));
    running.kill(signal);
    await gone;
  }

  async close(): Promise<void> {
    await this.end();
    await this.sandbox.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** @throws while it does not run */
  get pid(): number {
    const pid = this.process?.pid;
    if (pid === undefined) throw new Error('the server does not run');
    return pid;
  }

  get data(): string {
    return join(this.folder, 'data');
  }

  /** A path beside the data. */
  at(name: string): string {
    return join(this.folder, name);
  }

  /** A user's access token. @throws when the user was not signed in */
  tokenOf(user: string): string {
    const token = this.tokens[user];
    if (token === undefined) throw new Error(`${user} was not signed in`);
    return token;
  }

  /** @param more.key the Idempotency-Key */
  call(
    user: string,
    method: string,
    path: string,
    body?: object,
    { key }: { readonly key?: string } = {},
  ): Promise<Response> {
    const headers = {
      authorization: `Bearer ${this.tokens[user]}`,
      ...(body ? { 'content-type': 'application/json' } : {}),
      ...(key !== undefined && { 'idempotency-key': key }),
    };
    return fetch(`${this.url}${path}`, { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) });
  }

  /** What those see who watch the server. */
  asOperator(path: '/metrics' | '/health/ready'): Promise<Response> {
    return fetch(`${this.url}${path}`, AS_OPERATOR);
  }

  /** What two people have to agree to. @throws when it is not carried out */
  twoPeople(path: string, body: object): Promise<object> {
    const { administrator, 'administrator-b': other } = this.tokens as Record<string, string>;
    return twoPeople(this.url, [administrator as string, other as string], path, body);
  }

  async enrol(boothId: string, publicKey: string): Promise<void> {
    await this.twoPeople('/v1/booths', { boothId, publicKey, reason: 'new_site' });
  }

  honnin(...args: string[]): { status: number | null; stdout: string; stderr: string } {
    const { status, stdout, stderr } = spawnSync(process.execPath, [QUIET, cli, ...args], {
      encoding: 'utf8',
      env: inherited,
      timeout: 180_000,
    });
    return { status, stdout, stderr };
  }

  /** The command line against the running server, as this user. */
  asUser(user: string, ...args: string[]): ReturnType<RealServer['honnin']> {
    return this.honnin(...args, '--server', this.url, '--token', this.tokens[user] as string);
  }

  /** The command line against the running server, as the auditor. */
  asAuditor(...args: string[]): ReturnType<RealServer['honnin']> {
    return this.honnin(...args, '--server', this.url, '--token', this.tokens['auditor'] as string);
  }

  /** The case behind a receipt, once its history has an event. */
  async caseWith(receipt: string, type: string): Promise<string> {
    const { requestId } = await until('the case', async () =>
      ((r) => (r.ok ? (r.json() as Promise<{ requestId: string }>) : null))(
        await this.call('auditor', 'GET', `/v1/cases?receipt=${receipt}`),
      ),
    );
    await this.historyHas(requestId, type);
    return requestId;
  }

  historyHas(requestId: string, type: string): Promise<true> {
    return until(type, async () =>
      (await (await this.call('auditor', 'GET', `/v1/cases/${requestId}/history`)).text()).includes(`"${type}"`)
        ? true
        : null,
    );
  }

  /** Waits until the signed log has everything that is stored. */
  signedLog(): Promise<true> {
    return until('the log', async () =>
      (
        (await (await this.call('auditor', 'GET', '/v1/audit/lists/dashboard')).json()) as {
          asOf: { isNewest: boolean };
        }
      ).asOf.isNewest
        ? true
        : null,
    );
  }

  /** Every stored event in the order of the log: its stream, type and data as text. */
  storedTexts(): string[] {
    const db = new DatabaseSync(join(this.data, 'events.db'), { readOnly: true, timeout: 5000 });
    try {
      const sql =
        'SELECT s.name, e.type, e.data FROM events e JOIN streams s ON s.no = e.stream_no ORDER BY e.position';
      return (db.prepare(sql).all() as Record<string, string>[]).map(
        ({ name, type, data }) => `${name} ${type} ${data}`,
      );
    } finally {
      db.close();
    }
  }

  /** What the vault knows of cards, alive and erased. */
  cardsAndTombstones(): string {
    const db = new DatabaseSync(join(this.data, 'vault', 'keys.db'), { readOnly: true, timeout: 5000 });
    try {
      return JSON.stringify(['card', 'tombstone'].map((table) => db.prepare(`SELECT * FROM ${table}`).all()));
    } finally {
      db.close();
    }
  }

  /** Wrapped keys in the key file, by owner. */
  keysOf(kind: 'registrant' | 'evidence' | 'case'): Map<string, Uint8Array> {
    const db = new DatabaseSync(join(this.data, 'vault', 'keys.db'), { readOnly: true, timeout: 5000 });
    try {
      return new Map(
        (
          db.prepare('SELECT owner, wrapped FROM data_key WHERE owner LIKE ?').all(`${kind}:%`) as {
            owner: string;
            wrapped: Uint8Array;
          }[]
        ).map((r) => [r.owner, r.wrapped]),
      );
    } finally {
      db.close();
    }
  }
}

/** Asks again and again until there is an answer. @throws when the limit is over */
export async function until<T>(what: string, look: () => Promise<T | null> | T | null, limitMs = 120_000): Promise<T> {
  for (const deadline = Date.now() + limitMs; ;) {
    const found = await look();
    if (found !== null) return found;
    if (Date.now() > deadline) throw new Error(`${what} did not come`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** All files under a folder; none where it is missing. */
export function filesUnder(folder: string): string[] {
  const entries = ifThere(() => readdirSync(folder, { withFileTypes: true })) ?? [];
  return entries.flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesUnder(path) : entry.isFile() ? [path] : [];
  });
}

/** All of them with their bytes. What goes while they are read was no longer there. */
export function bytesUnder(folder: string): (readonly [file: string, bytes: Buffer])[] {
  return filesUnder(folder).flatMap((file) => {
    const bytes = ifThere(() => readFileSync(file));
    return bytes === null ? [] : [[file, bytes] as const];
  });
}

/** A server that runs takes files and folders away between the look and the reading. */
function ifThere<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
