import { spawnSync } from 'node:child_process';
import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { isSignedEd25519 } from '../../src/console/ed25519.js';
import { sha256 } from '../../src/console/sha256.js';
import { sha512 } from '../../src/console/sha512.js';
import { verifierKeyText } from '../../src/domain/audit/log/signed-note.js';
import { SyntheticHistory } from '../../src/sandbox/synthetic-history.js';
import { AuditWorld } from './support.js';
import { elsewhere, peer, type Absence } from '../support/peers.js';
import { describeUnless } from '../support/unless.js';

describe('the cryptography of the offline page', () => {
  it('hashes as Node does, at every length around a block', () => {
    for (const length of [...Array.from({ length: 140 }, (_, i) => i), 1000, 65_537]) {
      const bytes = randomBytes(length);
      expect(Buffer.from(sha256(bytes)).toString('hex')).toBe(createHash('sha256').update(bytes).digest('hex'));
      if (length % 7 === 0)
        expect(Buffer.from(sha512(bytes)).toString('hex')).toBe(createHash('sha512').update(bytes).digest('hex'));
    }
  });
  it('judges signatures as RFC 8032 says', () => {
    // RFC 8032, section 7.1, TEST 3.
    const h = (hex: string) => new Uint8Array(Buffer.from(hex, 'hex'));
    const key = h('fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025');
    const signature = h(
      '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
    );
    expect(isSignedEd25519(key, h('af82'), signature)).toBe(true);
    expect(isSignedEd25519(key, h('af83'), signature)).toBe(false);
    for (let i = 0; i < 5; i += 1) {
      const pair = generateKeyPairSync('ed25519');
      const publicKey = new Uint8Array(pair.publicKey.export({ format: 'der', type: 'spki' }).subarray(-32));
      const message = randomBytes(50 * i);
      const good = new Uint8Array(sign(null, message, pair.privateKey));
      expect(isSignedEd25519(publicKey, message, good)).toBe(true);
      for (const at of [0, 31, 32, 63])
        expect(
          isSignedEd25519(
            publicKey,
            message,
            Uint8Array.from(good, (b, j) => (j === at ? b ^ 1 : b)),
          ),
        ).toBe(false);
      expect(isSignedEd25519(publicKey, randomBytes(50 * i + 1), good)).toBe(false);
    }
    expect(isSignedEd25519(new Uint8Array(31), new Uint8Array(), new Uint8Array(64))).toBe(false);
  });
});

const folder = mkdtempSync(join(tmpdir(), 'honnin-go-'));
const absence = peer('go') ?? buildFollower();
let world: AuditWorld;

/** Why the follower cannot be built, or null. That its module cannot be fetched is told and forgiven. */
function buildFollower(): Absence | null {
  cpSync(resolve('test/audit/go'), folder, { recursive: true });
  // Go 1.19 is enough, which is what Debian 12 has; x/mod is the newest that it builds, pinned by go.sum. No C
  // compiler.
  const env = { ...process.env, CGO_ENABLED: '0' };
  const args = ['build', '-o', 'follower', '.'];
  const build = spawnSync('go', args, { cwd: folder, encoding: 'utf8', timeout: 120_000, env });
  if (build.status === 0) return null;
  return elsewhere(`golang.org/x/mod cannot be had here: ${(build.stderr ?? '').trim().split('\n').at(-1)}`);
}

beforeAll(async () => {
  world = await AuditWorld.open();
  const appends = [...new SyntheticHistory({ seed: 21 }).appends(60)];
  await world.append(appends.slice(0, 333));
  await world.publish();
  cpSync(join(world.auditFolder, 'checkpoint'), join(folder, 'old'));
  await world.append(appends.slice(333));
  await world.publish();
}, 180_000);
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await world.close();
});

function follow(auditFolder: string): { status: number | null; stdout: string } {
  return spawnSync(
    join(folder, 'follower'),
    [auditFolder, verifierKeyText(world.keys.keys()[0]!), join(folder, 'old')],
    { encoding: 'utf8' },
  );
}

describeUnless(absence, "Go's own tlog and note", () => {
  it('follow the log: signature, consistency and every entry', () => {
    const { status, stdout } = follow(world.auditFolder);
    expect(stdout).toContain(`entries ${world.log.checkpoint()!.size}`);
    expect(status).toBe(0);
  });
  it('refuse it when a leaf hash or the checkpoint was changed', () => {
    for (const [path, at] of [
      ['tile/0/000', 40],
      ['checkpoint', 30],
    ] as const) {
      const copy = join(folder, `copy-${at}`);
      cpSync(world.auditFolder, copy, { recursive: true });
      const bytes = readFileSync(join(copy, path));
      bytes[at] = bytes[at]! ^ 1;
      writeFileSync(join(copy, path), bytes);
      const { status, stdout } = follow(copy);
      expect(stdout).toContain('FAIL');
      expect(status).toBe(1);
    }
  });
});
