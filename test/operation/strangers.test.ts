import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { refuseTelemetry, removeTelemetryLeftovers } from '../../src/infrastructure/face/engine/telemetry.js';
import { built, peer } from '../support/peers.js';
import { traced, type Traced } from '../support/trace.js';
import { describeUnless } from '../support/unless.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const cli = path.join(root, 'dist/cli/main.js');
const models =
  process.env['HONNIN_MODEL_CACHE'] ??
  path.join(process.env['XDG_CACHE_HOME'] ?? path.join(homedir(), '.cache'), 'honnin');

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'honnin-strangers-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** A home of its own, so that what a library leaves in it is seen; the models are where they are. */
function environment(name: string): NodeJS.ProcessEnv & { HOME: string; TMPDIR: string } {
  const HOME = path.join(folder, name, 'home');
  const TMPDIR = path.join(folder, name, 'tmp');
  for (const made of [HOME, TMPDIR]) mkdirSync(made, { recursive: true });
  const inherited = Object.entries(process.env).filter(
    ([key]) => !/^(HONNIN_|ORT_|NODE_OPTIONS|NODE_COMPILE_CACHE|XDG_)/.test(key),
  );
  return { ...Object.fromEntries(inherited), HOME, TMPDIR, HONNIN_MODEL_CACHE: path.join(models, 'models') };
}

/** What is left after everything that a program may touch has been taken away. */
function outside({ written, contacted }: Traced, allowed: readonly string[]): readonly string[] {
  const inside = (file: string): boolean => allowed.some((one) => file === one || file.startsWith(`${one}/`));
  const elsewhere = written.filter((file) => !inside(file) && !file.startsWith('/dev/') && !file.startsWith('/proc/'));
  return [...elsewhere, ...contacted.filter((address) => !/^127\.0\.0\.1:(?!53$)\d+$/.test(address))];
}

// @fault O20
describeUnless(
  peer('strace') ?? built('cli/main.js'),
  'a process that loads a model speaks to nobody and leaves nothing behind',
  () => {
    const run = (
      name: string,
      args: readonly string[],
      more: NodeJS.ProcessEnv = {},
      ends?: (output: string) => boolean,
    ) => {
      const env = { ...environment(name), ...more };
      const command = [process.execPath, '--disable-warning=ExperimentalWarning', cli, ...args] as const;
      return traced(path.join(folder, `${name}.trace`), command, { env, ...(ends ? { ends } : {}) });
    };
    const allowed = (name: string): string[] => {
      const list = [path.join(folder, name), models];
      process.stdout.write(`${name} may touch ${list.join(', ')}\n`);
      return list;
    };

    it('when it plays the main job', async () => {
      const demo = await run('demo', ['demo']);
      expect({ code: demo.code, outside: outside(demo, allowed('demo')) }).toEqual({ code: 0, outside: [] });
      expect(demo.contacted.length).toBeGreaterThan(0);
      expect(existsSync(path.join(folder, 'demo', 'home', '.cache', 'Microsoft'))).toBe(false);
    });

    it('when it serves', async () => {
      const data = path.join(folder, 'start', 'data');
      const settings = { HONNIN_DATA: data, HONNIN_PORT: '0', HONNIN_ENVIRONMENT: 'test' };
      const served = await run('start', ['start'], settings, (output) => output.includes('listens on'));
      expect(served.output).toContain('listens on');
      expect(outside(served, allowed('start'))).toEqual([]);
    });

    it('when it checks and shows the log of what was served', async () => {
      const data = path.join(folder, 'audited', 'data');
      const settings = { HONNIN_DATA: data, HONNIN_PORT: '0', HONNIN_ENVIRONMENT: 'test' };
      const served = await run('audited', ['start'], settings, (output) => output.includes('listens on'));
      expect(served.output).toContain('listens on');
      for (const args of [
        ['audit', 'fsck', '--with-projections'],
        ['audit', 'prove', '--index', '0', '--with-entry'],
      ]) {
        const audited = await run('audited', [...args, '--data', data], { HONNIN_ENVIRONMENT: 'test' });
        // Who works at the command line is on record by name, for which the C library asks the machine's own directory.
        const contacted = audited.contacted.filter((address) => address !== '/var/run/nscd/socket');
        expect({ args, code: audited.code, contacted }).toEqual({ args, code: 0, contacted: [] });
        expect(outside({ ...audited, contacted }, allowed('audited'))).toEqual([]);
      }
    });

    it('when it runs a benchmark', async () => {
      const measured = await run('bench', ['bench', 'comparison'], { HONNIN_BENCH_COMPARISONS: '1' });
      expect({ code: measured.code, outside: outside(measured, allowed('bench')) }).toEqual({ code: 0, outside: [] });
      expect(measured.contacted).toEqual([]);
      expect(measured.output).toContain('judging both pictures');
    });

    it('when it compares two faces on the command line', async () => {
      const picture = path.join(root, 'node_modules/@vladmandic/face-api/demo/sample1.jpg');
      const compared = await run('compare', ['face', 'compare', picture, picture, '--json']);
      expect(outside(compared, allowed('compare'))).toEqual([]);
      expect(compared.output).toContain('{');
    });
  },
);

describe('reports to the maker of onnxruntime', () => {
  it('keep every model from loading where they are not forbidden', () => {
    expect(() => refuseTelemetry({})).toThrow('ORT_DISABLE_TELEMETRY=1');
    expect(() => refuseTelemetry({ ORT_DISABLE_TELEMETRY: '0' })).toThrow('ORT_DISABLE_TELEMETRY=1');
    expect(() => refuseTelemetry({ ORT_DISABLE_TELEMETRY: '1' })).not.toThrow();
  });

  it('are forbidden by both programs and by ./honnin before anything else is loaded', () => {
    for (const [file, first] of [
      ['src/main.ts', "import './telemetry-off.js';"],
      ['src/cli/main.ts', "import '../telemetry-off.js';"],
    ] as const) {
      expect(readFileSync(path.join(root, file), 'utf8').split('\n')[0]).toBe(first);
    }
    expect(readFileSync(path.join(root, 'honnin'), 'utf8')).toMatch(/^ORT_DISABLE_TELEMETRY=1$/m);
  });

  it('of earlier times are removed, and what is not theirs stays', () => {
    const home = path.join(folder, 'left', 'home');
    const temporary = path.join(folder, 'left', 'tmp');
    const left = path.join(home, '.cache/Microsoft/DeveloperTools/.onnxruntime');
    for (const made of [left, temporary]) mkdirSync(made, { recursive: true });
    writeFileSync(path.join(left, 'deviceid'), 'device');
    writeFileSync(path.join(temporary, 'mat-debug-17.log'), '');
    writeFileSync(path.join(temporary, 'mat-debug-18.log'), 'written by somebody');
    const removed = removeTelemetryLeftovers({ environment: {}, home, temporary });
    expect(removed).toEqual([path.join(temporary, 'mat-debug-17.log'), left]);
    expect(existsSync(path.join(home, '.cache/Microsoft'))).toBe(false);
    expect(existsSync(path.join(temporary, 'mat-debug-18.log'))).toBe(true);
    expect(removeTelemetryLeftovers({ environment: {}, home, temporary })).toEqual([]);
  });

  it('of other programs in the same folder of their maker stay', () => {
    const home = path.join(folder, 'others', 'home');
    const neighbour = path.join(home, '.cache/Microsoft/DeveloperTools/deviceid');
    mkdirSync(path.join(path.dirname(neighbour), '.onnxruntime'), { recursive: true });
    writeFileSync(neighbour, 'of another program');
    removeTelemetryLeftovers({ environment: {}, home, temporary: folder });
    expect(existsSync(neighbour)).toBe(true);
  });
});

// @fault O8
describe('an installation', () => {
  it('runs no script of a package, whatever npm is used', () => {
    const project = path.join(folder, 'installed');
    const stranger = path.join(folder, 'stranger');
    for (const made of [project, stranger]) mkdirSync(made);
    const script = `node -e "require('node:fs').writeFileSync('${path.join(folder, 'reported')}', '')"`;
    const scripts = { preinstall: script, install: script, postinstall: script };
    writeFileSync(path.join(stranger, 'package.json'), JSON.stringify({ name: 'stranger', version: '1.0.0', scripts }));
    writeFileSync(
      path.join(project, 'package.json'),
      JSON.stringify({ name: 'project', dependencies: { stranger: 'file:../stranger' } }),
    );
    writeFileSync(path.join(project, '.npmrc'), readFileSync(path.join(root, '.npmrc')));
    const { status } = spawnSync('npm', ['install', '--offline', '--install-links'], {
      cwd: project,
      env: { ...process.env, npm_config_ignore_scripts: '' },
    });
    expect(status).toBe(0);
    expect(existsSync(path.join(project, 'node_modules/stranger/package.json'))).toBe(true);
    expect(existsSync(path.join(folder, 'reported'))).toBe(false);
  });

  it('brings Node as packages that the lock file knows by their digests', () => {
    const lock = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8')) as {
      readonly packages: Readonly<
        Record<
          string,
          { readonly integrity?: string; readonly optional?: boolean; readonly hasInstallScript?: boolean }
        >
      >;
    };
    const { optionalDependencies } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
      readonly optionalDependencies: Record<string, string>;
    };
    const brought = Object.keys(optionalDependencies).filter((name) => /^node-(bin-)?(linux|darwin)-/.test(name));
    expect(brought).toHaveLength(4);
    for (const name of brought) {
      const entry = lock.packages[`node_modules/${name}`];
      expect(entry).toMatchObject({ optional: true, integrity: expect.stringMatching(/^sha512-/) });
      expect(entry?.hasInstallScript).toBeUndefined();
    }
    expect(lock.packages).not.toHaveProperty('node_modules/node');
    expect(readFileSync(path.join(root, 'honnin'), 'utf8')).toContain('npm ci --ignore-scripts');
  });
});
