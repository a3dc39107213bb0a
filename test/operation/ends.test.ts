import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { built } from '../support/peers.js';
import { until } from '../support/real-server.js';
import { describeUnless } from '../support/unless.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const cli = path.join(root, 'dist/cli/main.js');
const QUIET = '--disable-warning=ExperimentalWarning';
const inherited = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(HONNIN_|NODE_OPTIONS)/.test(name)),
);
/** A guard: on a busy machine a start takes many times as long as on a quiet one. */
const ENDS_WITHIN_MS = 120_000;

let folder: string;
let occupied: Server;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'honnin-ends-'));
  occupied = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => occupied.once('listening', resolve));
});
afterAll(() => {
  occupied.close();
  rmSync(folder, { recursive: true, force: true });
});

const at = (...parts: string[]): string => path.join(folder, ...parts);

function written(name: string, content: string | Uint8Array): string {
  mkdirSync(path.dirname(at(name)), { recursive: true });
  writeFileSync(at(name), content);
  return at(name);
}

// @fault O1
describeUnless(built('cli/main.js'), 'a start that fails', () => {
  const start = (name: string, settings: Record<string, string>) => {
    const env = {
      ...inherited,
      HONNIN_DATA: at(name, 'data'),
      HONNIN_PORT: '0',
      HONNIN_LOG_LEVEL: 'silent',
      HONNIN_ENVIRONMENT: 'test',
      ...settings,
    };
    return spawnSync(process.execPath, [QUIET, cli, 'start'], { env, encoding: 'utf8', timeout: ENDS_WITHIN_MS });
  };

  it.each<[string, () => Record<string, string>, RegExp]>([
    [
      'because its port is taken',
      () => ({ HONNIN_PORT: String((occupied.address() as { port: number }).port) }),
      /EADDRINUSE/,
    ],
    [
      'because a key has three bytes',
      () => ({ HONNIN_MASTER_KEY_FILE: written('short.key', 'abc') }),
      /short\.key: has 3 bytes; expected: exactly 32/,
    ],
    [
      'because a key is not there',
      () => ({ HONNIN_SERVER_SECRET_FILE: at('nowhere.key') }),
      /nowhere\.key: there is no such file/,
    ],
    ['because its data folder is a file', () => ({ HONNIN_DATA: written('a-file', '') }), /a-file/],
    [
      'because its certificate is none',
      () => ({ HONNIN_TLS_CERT: written('tls/cert.pem', 'no'), HONNIN_TLS_KEY: written('tls/key.pem', 'no') }),
      /./,
    ],
    [
      'because its anchors are not there',
      () => ({ HONNIN_JPKI_AUTH_ANCHORS: at('nowhere.pem'), HONNIN_JPKI_OCSP_URL: 'http://127.0.0.1:9' }),
      /nowhere\.pem/,
    ],
    [
      'because its first policy makes no sense',
      () => ({ HONNIN_POLICY_FILE: written('policy.json', '{"cardMatchPointsMin":-1}') }),
      /policy\.json.*cardMatchPointsMin/,
    ],
    [
      'because its first booths are no booths',
      () => ({ HONNIN_BOOTHS_FILE: written('booths.json', '[{"boothId":"booth-1"}]') }),
      /booths\.json.*entry 1/,
    ],
    [
      'because two files are wrong: both are named',
      () => ({ HONNIN_POLICY_FILE: at('p.json'), HONNIN_BOOTHS_FILE: at('b.json') }),
      /p\.json[\s\S]*b\.json/,
    ],
    [
      'because a setting is misspelt and another one is wrong: both are named',
      () => ({ HONNIN_PROT: '1', HONNIN_HOST: '', HONNIN_LOG_LEVEL: 'loud' }),
      /HONNIN_LOG_LEVEL=loud[\s\S]*HONNIN_PROT/,
    ],
  ])('ends by itself, with words and a code, %s', (name, settings, words) => {
    const { status, signal, stderr } = start(name.replaceAll(/\W+/g, '-'), settings());
    expect({ signal, ended: status !== null && status !== 0 }).toEqual({ signal: null, ended: true });
    expect(stderr).toMatch(words);
    expect(stderr).not.toMatch(/\n\s+at .*\(.*\.js:\d+/);
  });

  it('leaves the data folder to the next one', () => {
    const taken = { HONNIN_DATA: at('again'), HONNIN_PORT: String((occupied.address() as { port: number }).port) };
    for (const _ of [1, 2]) expect(start('again', taken).stderr).toContain('EADDRINUSE');
  });
});

interface Demo {
  readonly process: ChildProcess;
  readonly temporary: string;
  output(): string;
}

// @fault O21
describeUnless(built('cli/main.js'), 'a demonstration with a picture of somebody', () => {
  const picture = path.join(root, 'node_modules/@vladmandic/face-api/demo/sample1.jpg');
  const play = (name: string): Demo => {
    const temporary = at(name);
    mkdirSync(temporary);
    let output = '';
    const child = spawn(process.execPath, [QUIET, cli, 'demo', '--keep', '--photo', picture], {
      env: { ...inherited, TMPDIR: temporary },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
    return { process: child, temporary, output: () => output };
  };
  const says = (demo: Demo, words: string) =>
    until(words, () => (demo.output().includes(words) ? true : null), ENDS_WITHIN_MS);
  const ended = async (demo: Demo, signal: NodeJS.Signals): Promise<void> => {
    const gone = new Promise<void>((resolve) => demo.process.once('exit', () => resolve()));
    demo.process.kill(signal);
    await gone;
  };
  const folders = ({ temporary }: Demo): string[] =>
    readdirSync(temporary).filter((name) => name.startsWith('honnin-demo-'));

  it.each<[NodeJS.Signals, string, string]>([
    ['SIGINT', 'while it is kept', 'everything keeps running'],
    ['SIGTERM', 'while it is kept', 'everything keeps running'],
    ['SIGINT', 'in the middle of its case', '1/1'],
    ['SIGTERM', 'before there is a server', 'starting the server'],
  ])('leaves nothing behind after %s %s', async (signal, when, words) => {
    const demo = play(`${signal}-${when.replaceAll(' ', '-')}`);
    await says(demo, words);
    expect(folders(demo)).toHaveLength(1);
    await ended(demo, signal);
    expect(folders(demo)).toEqual([]);
  });

  it('leaves nothing that anybody can read after SIGKILL, and the next one removes it', async () => {
    const demo = play('killed');
    await says(demo, 'everything keeps running');
    await ended(demo, 'SIGKILL');
    const [left] = folders(demo);
    const inside = path.join(demo.temporary, left as string);
    expect(actsIn(path.join(inside, 'data', 'events.db'))).toEqual([
      ['ActProposed', 'administrator'],
      ['ActApproved', 'administrator-b'],
    ]);
    const files = readdirSync(inside, { recursive: true, encoding: 'utf8' })
      .map((name) => path.join(inside, name))
      .filter((file) => statSync(file).isFile());
    expect(files.length).toBeGreaterThan(10);
    expect(files.filter((file) => path.basename(file) === 'master.key')).toEqual([]);
    // Neither the photograph nor the face of the card, in no form in which pictures are kept.
    const pictures = [
      Buffer.from([0xff, 0xd8, 0xff]),
      Buffer.from([0xff, 0x4f, 0xff, 0x51]),
      Buffer.from('89504e47', 'hex'),
      Buffer.from('/9j/4AAQ'),
      Buffer.from('ftypjp2'),
    ];
    const readable = files.filter((file) => pictures.some((mark) => readFileSync(file).includes(mark)));
    expect(readable).toEqual([]);
    const another = `import(${JSON.stringify(path.join(root, 'dist/cli/demo/demo-folder.js'))}).then((m) => console.log(m.makeDemoFolder()))`;
    const { stdout } = spawnSync(process.execPath, ['-e', another], {
      env: { ...inherited, TMPDIR: demo.temporary },
      encoding: 'utf8',
    });
    expect(stdout).toContain('honnin-demo-');
    expect(existsSync(inside)).toBe(false);
    expect(folders(demo)).toEqual([]);
  });
});

/** What was proposed and agreed to, and by whom. */
function actsIn(file: string): readonly (readonly [type: string, username: string])[] {
  const database = new DatabaseSync(file);
  try {
    const rows = database
      .prepare("SELECT type, data FROM events WHERE type IN ('ActProposed', 'ActApproved') ORDER BY position")
      .all() as { type: string; data: string }[];
    return rows.map(({ type, data }) => [type, (JSON.parse(data) as { readonly by: string }).by]);
  } finally {
    database.close();
  }
}
