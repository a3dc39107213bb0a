import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Config, ConfigError } from '../../src/infrastructure/settings/config.js';
import { settingFileFaults } from '../../src/infrastructure/settings/setting-files.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'honnin-setting-files-'));
  mkdirSync(path.join(folder, 'a-folder'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const fileOf = (content: string | Uint8Array): string => {
  const file = path.join(folder, `f${Math.random().toString(36).slice(2)}`);
  writeFileSync(file, content);
  return file;
};
const problemsOf = (environment: Record<string, string>): readonly string[] => {
  try {
    Config.from(environment, { isServing: true });
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems;
  }
};
const privateKey = (): string =>
  generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const KAFKA = { HONNIN_KAFKA_BROKERS: '127.0.0.1:9', HONNIN_KAFKA_TLS: 'yes' };

/** Settings with one file each, what is expected in it, and what else has to be set for it to be looked at. */
const FILES: readonly (readonly [string, RegExp, Record<string, string>?])[] = [
  ['HONNIN_MASTER_KEY_FILE', /exactly 32 bytes/],
  ['HONNIN_SERVER_SECRET_FILE', /exactly 32 bytes/],
  ['HONNIN_JPKI_AUTH_ANCHORS', /X\.509 certificates/],
  ['HONNIN_JPKI_SIGN_ANCHORS', /X\.509 certificates/],
  ['HONNIN_TSA_ANCHORS', /X\.509 certificates/],
  ['HONNIN_CARD_ISSUER_KEYS', /JSON list of/],
  ['HONNIN_POLICY_FILE', /values of a policy/],
  ['HONNIN_BOOTHS_FILE', /"boothId"/],
  ['HONNIN_KAFKA_CA', /X\.509 certificates/, KAFKA],
];
const MISSING_TOO: typeof FILES = [
  ...FILES,
  ['HONNIN_GOVERNMENT_TOKEN_FILE', /one line/],
  ['HONNIN_TSA_PASSWORD_FILE', /one line/, { HONNIN_TSA_USERNAME: 'u' }],
  ['HONNIN_KAFKA_PASSWORD_FILE', /one line/, KAFKA],
];

// @fault O2
describe('files that settings name', () => {
  it.each(MISSING_TOO)('that do not exist are told at the start: %s', (env, expected, beside = {}) => {
    const none = path.join(folder, 'none');
    const [problem, ...more] = problemsOf({ ...beside, [env]: none });
    expect(more).toEqual([]);
    expect(problem).toMatch(`${env}=${none}: there is no such file; expected: `);
    expect(problem).toMatch(expected);
  });

  it.each(FILES)('that hold something else are told with what is expected: %s', (env, expected, beside = {}) => {
    for (const content of ['{"hello": 1}', 'hello', '', Buffer.alloc(3, 7)]) {
      const file = fileOf(content);
      const problems = problemsOf({ ...beside, [env]: file });
      expect(problems).toEqual([expect.stringMatching(expected)]);
      expect(problems[0]).toMatch(`${env}=${file}: `);
    }
    expect(problemsOf({ ...beside, [env]: path.join(folder, 'a-folder') })).toEqual([
      expect.stringContaining('a-folder: is a folder; expected: '),
    ]);
  });

  it('of TLS are told without the words of OpenSSL', () => {
    const [text, key] = [fileOf('hello'), fileOf(privateKey())];
    expect(problemsOf({ HONNIN_TLS_CERT: text, HONNIN_TLS_KEY: text })).toEqual([
      expect.stringMatching(/^HONNIN_TLS_CERT=.*: holds no certificate in PEM; expected: X\.509 certificates in PEM/),
      expect.stringMatching(/^HONNIN_TLS_KEY=.*: holds no private key that can be opened; expected: a private key/),
    ]);
    expect(problemsOf({ HONNIN_TLS_CERT: key, HONNIN_TLS_KEY: key })).toEqual([
      expect.stringMatching(/^HONNIN_TLS_CERT=.*: holds no certificate in PEM/),
    ]);
  });

  it('are told together, and with all that is wrong besides', () => {
    const problems = problemsOf({
      HONNIN_PORT: 'abc',
      HONNIN_MASTER_KEY_FILE: fileOf('abc'),
      HONNIN_JPKI_AUTH_ANCHORS: `${path.join(folder, 'no-a')},${path.join(folder, 'no-b')}`,
      HONNIN_POLICY_FILE: path.join(folder, 'no-policy'),
    });
    expect(problems.map((problem) => problem.split('=')[0])).toEqual([
      'HONNIN_PORT',
      'HONNIN_MASTER_KEY_FILE',
      'HONNIN_POLICY_FILE',
      'HONNIN_JPKI_AUTH_ANCHORS',
      'HONNIN_JPKI_AUTH_ANCHORS',
    ]);
    expect(problems[1]).toContain('has 3 bytes; expected: exactly 32 bytes');
  });

  it('that are right, or that nobody asks for, are nothing', () => {
    const key = fileOf(Buffer.alloc(32, 1));
    const right = { HONNIN_MASTER_KEY_FILE: key, HONNIN_SERVER_SECRET_FILE: key, HONNIN_BOOTHS_FILE: fileOf('[]') };
    expect(problemsOf({ ...right, HONNIN_GOVERNMENT_TOKEN_FILE: fileOf('token\n') })).toEqual([]);
    expect(settingFileFaults({ masterKeyFile: '/none' }, { isKeyInMemory: true })).toEqual([]);
    expect(settingFileFaults({ kafkaCaFile: '/none', kafkaBrokers: [] }, { isKeyInMemory: false })).toEqual([]);
    // Commands that do not serve look after what is there.
    expect(() => Config.from({ HONNIN_MASTER_KEY_FILE: '/none' })).not.toThrow();
  });
});
