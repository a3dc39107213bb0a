import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

const root = fileURLToPath(new URL('../../', import.meta.url));
const WORKING = { java: 'echo \'openjdk version "17.0.1"\' >&2', mvn: 'echo "Apache Maven 3.8.7"' } as const;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'honnin-half-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** What is found about a peer, or about a broker, in a process whose PATH has these programs alone.
 *  @param programs name to the lines of a shell script */
function found(
  about: string,
  programs: Readonly<Record<string, string>>,
  { env = {}, cwd = root }: { readonly env?: Record<string, string>; readonly cwd?: string } = {},
): unknown {
  const bin = path.join(folder, 'bin');
  mkdirSync(bin, { recursive: true });
  for (const [name, lines] of Object.entries(programs)) {
    writeFileSync(path.join(bin, name), `#!/bin/sh\n${lines}\n`, { mode: 0o755 });
  }
  const file = about === 'broker' ? 'test/kafka/support/kafka-broker.ts' : 'test/support/peers.ts';
  const call = about === 'broker' ? 'brokerMissing()' : `peer('${about}')`;
  const ask = `import * as all from ${JSON.stringify(path.join(root, file))};\n`;
  const script = `${ask}process.stdout.write(JSON.stringify(all.${call}));`;
  const { KAFKA_BROKERS: _, HONNIN_TEST_RUN: __, NODE_OPTIONS: ___, ...inherited } = process.env;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--input-type=module-typescript', '-e', script],
    { cwd, encoding: 'utf8', env: { ...inherited, HONNIN_CACHE: path.join(folder, 'cache'), ...env, PATH: bin } },
  );
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return JSON.parse(stdout);
}

/** Absent for a reason, and a failure in CI, where all of them are installed. */
const absent = (reason: string) => ({ reason, forgivenInCi: false });

// @fault O40
describe('a program that is half there is told in one line, before any test needs it', () => {
  it.each<[string, string, Record<string, string>, string]>([
    ['is not there at all', 'kcat', {}, 'the program kcat is not here'],
    [
      'crashes',
      'openssl',
      { openssl: 'kill -SEGV $$' },
      'the program openssl is here and of no use: it was ended: nothing',
    ],
    [
      'lacks a library',
      'openssl',
      { openssl: 'echo "openssl: error while loading shared libraries: libssl.so.3" >&2; exit 127' },
      'the program openssl is here and of no use: it ended with 127: ' +
        'openssl: error while loading shared libraries: libssl.so.3',
    ],
    [
      'has a version and no settings',
      'openssl',
      { openssl: '[ "$1" = version ] && echo "OpenSSL 3.0.9" && exit; echo "-----"; echo "Error: no cnf" >&2; exit 1' },
      'the program openssl is here and of no use: it ended with 1: Error: no cnf',
    ],
    [
      'is another one',
      'openssl',
      { openssl: 'echo "LibreSSL 3.3.6"' },
      'the program openssl is here and of no use: it says LibreSSL 3.3.6',
    ],
    [
      'is too old',
      'python3',
      { python3: 'echo "Python 3.9.18"' },
      'the program python3 is here and of no use: it is version 3.9; tests need 3.10',
    ],
    [
      'lacks its modules',
      'python3',
      { python3: '[ "$1" = --version ] && echo "Python 3.11.2" && exit; echo "Error: no cryptography"; exit 1' },
      'the program python3 is here and of no use: it ended with 1: Error: no cryptography',
    ],
    [
      'is too old by its major version',
      'go',
      { go: 'echo "go version go0.99 linux/amd64"' },
      'the program go is here and of no use: it is version 0.99; tests need 1.19',
    ],
    [
      'was built without what is needed',
      'kcat',
      { kcat: 'echo "Version 1.6.0 (librdkafka 1.8.2)"' },
      'the program kcat is here and of no use: it says Version 1.6.0 (librdkafka 1.8.2)',
    ],
    [
      'may not do its work here',
      'strace',
      { strace: 'echo "ptrace: Operation not permitted" >&2; exit 1' },
      'the program strace is here and of no use: it ended with 1: ptrace: Operation not permitted',
    ],
    [
      'shows no page',
      'chromium',
      { chromium: 'echo "this command needs a snap"' },
      'the program chromium is here and of no use: it says this command needs a snap',
    ],
    ['writes nothing', 'cjpeg', { cjpeg: ':' }, 'the program cjpeg is here and of no use: it ended with 0: nothing'],
  ])('%s: %s', (_, name, programs, reason) => {
    expect(found(name, programs)).toEqual(absent(reason));
  });

  it('is not there where its second name works', () => {
    const programs = { chromium: 'exit 1', 'google-chrome': 'echo "<p>a page of a test</p>"' };
    expect(found('chromium', programs)).toBeNull();
  });
});

// @fault O40
describe('a broker', () => {
  const refused = 'Could not resolve dependencies: Connect to repo.maven.apache.org:443 failed';
  const maven = (then: string): string => `[ "$1" = -version ] && { ${WORKING.mvn}; exit; }\n${then}`;
  /** Maven's answer: an empty file for a jar, and where it lies. */
  const brings = [
    'for a in "$@"; do case $a in -Dmdep.outputFile=*) out=${a#*=};; esac; done',
    ': > "$out.jar"; printf %s "$out.jar" > "$out"',
  ].join('\n');

  it('is told in one line where Maven is there and its registry is out of reach', () => {
    const mvn = maven(`echo "Downloading"; echo "[ERROR] ${refused}"; echo "[ERROR] at org.apache.maven"; exit 1`);
    const reason = `Maven cannot bring Apache Kafka 4.4.0: [ERROR] ${refused}`;
    expect(found('broker', { ...WORKING, mvn, rm: 'exit 1' })).toEqual(absent(reason));
  });

  it('is told where Maven says that all is well and brings nothing', () => {
    expect(found('broker', { ...WORKING, mvn: maven('exit 0') })).toEqual(
      absent('Maven cannot bring Apache Kafka 4.4.0: nothing'),
    );
  });

  it('is told where the folder of its jars cannot be made', () => {
    writeFileSync(path.join(folder, 'file'), '');
    expect(found('broker', WORKING, { env: { HONNIN_CACHE: path.join(folder, 'file') } })).toEqual(
      absent('Maven cannot bring Apache Kafka 4.4.0: the folder of its jars cannot be made (ENOTDIR)'),
    );
  });

  it('is told where Java is too old for it', () => {
    const error = 'java.lang.UnsupportedClassVersionError: kafka/Kafka (class file version 61.0)';
    const java = `[ "$1" = -version ] && { ${WORKING.java}; exit; }\necho "Error: ${error}" >&2; exit 1`;
    expect(found('broker', { java, mvn: maven(brings) })).toEqual(
      absent(`Apache Kafka 4.4.0 does not run with the Java that is here: Error: ${error}`),
    );
  });

  it('is brought by programs that run in a folder and a locale that they can name, whatever ours are', () => {
    const note = path.join(folder, 'places');
    const java = `echo "$PWD $LC_ALL $LANGUAGE" >> ${note}; ${WORKING.java}`;
    const mvn = maven(`echo "$PWD $LC_ALL $LANGUAGE" >> ${note}\n${brings}`);
    const cwd = path.join(folder, '本人');
    mkdirSync(cwd);
    const env = { HONNIN_CACHE: path.join(cwd, 'cache'), LC_ALL: 'xx_XX.UTF-8', LANGUAGE: 'xx' };
    expect(found('broker', { java, mvn }, { env, cwd })).toBeNull();
    const places = readFileSync(note, 'utf8').trim().split('\n');
    expect(places.length).toBeGreaterThanOrEqual(3);
    expect(places.filter((place) => !/^[ -~]+ C\.UTF-8 ?$/.test(place))).toEqual([]);
  });
});

describe('what is found about a program', () => {
  it('is found once in a run, whatever test file asks', () => {
    const run = path.join(folder, 'run');
    mkdirSync(run);
    const kcat = `echo asked >> ${folder}/asked; echo "Version 1.7 (JSON)"`;
    const env = { HONNIN_TEST_RUN: run };
    const twice = [1, 2].map(() => found('kcat', { kcat }, { env }));
    expect(twice).toEqual([null, null]);
    expect(readFileSync(path.join(folder, 'asked'), 'utf8')).toBe('asked\n');
    expect(existsSync(path.join(run, 'peer-kcat.json'))).toBe(true);
  });
});
