import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { cardRecordVerifier, certificateVerifier } from '../../src/infrastructure/jpki/configured-verifiers.js';
import { Config } from '../../src/infrastructure/settings/config.js';
import { FaultTape } from '../../src/sandbox/stand-in/fault-tape.js';
import { faceImageOf } from '../../src/sandbox/jpki/jpki-server.js';
import { issueCardIn, sandboxSettings, startSandbox } from '../../src/sandbox/sandbox.js';
import { SyntheticCard, type SyntheticCardData } from '../../src/sandbox/card/synthetic-card.js';
import { samplePicture, save, temporaryFolder } from './support.js';
import { built } from '../support/peers.js';
import { itUnless } from '../support/unless.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const program = path.join(root, 'dist/cli/main.js');
let folder: ReturnType<typeof temporaryFolder>;

beforeEach(() => {
  folder = temporaryFolder();
});

afterEach(() => folder.remove());

describe('the sandbox', () => {
  it('is the same world on the same addresses after a restart', async () => {
    const print = (): void => undefined;
    const first = await startSandbox({ folder: folder.path, print });
    const before = sandboxSettings(first);
    await first.close();
    const second = await startSandbox({ folder: folder.path, print });
    const after = sandboxSettings(second);
    await second.close();
    expect(after).toEqual(before);
    for (const value of Object.values(before).filter((each) => each.startsWith('/')))
      expect(readFileSync(value, 'utf8')).not.toMatch(/PRIVATE/);
    expect(statSync(path.join(folder.path, 'jpki.json')).mode & 0o077).toBe(0);
  });

  // @fault B5
  it('makes a card in its folder whether it runs or not, and its authority knows the card', async () => {
    const print = (): void => undefined;
    const first = await startSandbox({ folder: folder.path, print });
    const whileItRan = await issueCardIn(folder.path, { picture: await samplePicture() });
    await first.close();
    // As on a real card the picture is JPEG 2000 already: it is taken as it is.
    const picture = faceImageOf(whileItRan.card.cardRecord);
    const meanwhile = await issueCardIn(folder.path, { picture, keyAlgorithm: 'P-384' });
    expect(Buffer.from(faceImageOf(meanwhile.card.cardRecord)).equals(picture)).toBe(true);
    const again = await startSandbox({ folder: folder.path, print });
    try {
      for (const { card, root: issuer } of [whileItRan, meanwhile]) {
        expect(issuer).toEqual(again.jpki.cardRoot);
        // It knows only certificates that were issued here.
        again.jpki.revoke(card);
      }
      for (const each of [folder.path, path.join(folder.path, 'other')])
        await expect(issueCardIn(each, { picture: Buffer.from('no picture') })).rejects.toThrow(
          /^the picture cannot be read: /,
        );
    } finally {
      await again.close();
    }
  });

  it('gives settings that the server takes, and with which it believes a card', async () => {
    const sandbox = await startSandbox({ folder: folder.path, print: () => undefined });
    try {
      const config = Config.from(sandboxSettings(sandbox));
      const card = await sandbox.jpki.issueCard({ picture: await samplePicture() });
      const session = card.connect();
      const message = Buffer.from('envelope');
      await session.verifyPin('user_authentication', card.secrets.authenticationPin);
      const check = {
        certificate: card.certificate('user_authentication'),
        certificateType: 'user_authentication' as const,
        signedBytes: message,
        signature: await session.sign('user_authentication', message),
        at: new Date().toISOString(),
      };
      expect(await certificateVerifier(config).verify(check)).toMatchObject({ verdict: 'valid' });
      sandbox.jpki.revoke(card, 'key_compromise');
      expect(await certificateVerifier(config).verify(check)).toMatchObject({
        verdict: 'invalid',
        reason: 'revoked',
        evidence: { revocationReason: 'key_compromise' },
      });
      const record = {
        cardRecord: card.cardRecord,
        issuerCertificate: card.cardIssuerCertificate,
        challenge: message,
        challengeSignature: await session.signChallenge(message),
      };
      expect(cardRecordVerifier(config).verify(record)).toMatchObject({ verdict: 'valid' });
      expect(cardRecordVerifier(Config.from({})).verify(record)).toMatchObject({
        verdict: 'invalid',
        reason: 'unknown_issuer',
      });
    } finally {
      await sandbox.close();
    }
  });

  itUnless(
    built('cli/main.js'),
    'runs from the command line, issues a card, and stops when it is interrupted',
    async () => {
      const picture = save(folder.path, 'me.jpg', await samplePicture());
      const child = spawn(
        process.execPath,
        [
          program,
          'sandbox',
          '--data',
          folder.path,
          '--card-photo',
          picture,
          '--certificate',
          'user_authentication',
          '--certificate',
          'digital_signature',
        ],
        { stdio: ['ignore', 'pipe', 'inherit'] },
      );
      let output = '';
      await new Promise<void>((resolve, reject) => {
        child.stdout.on('data', (chunk: Buffer) => {
          output += chunk.toString('utf8');
          if (output.includes('Stop with Ctrl-C')) resolve();
        });
        child.once('exit', () => reject(new Error(`it ended early: ${output}`)));
      });
      expect(output.split('\n')[0]).toMatch(/^STAND-IN: /);
      expect(output).toMatch(/export HONNIN_JPKI_OCSP_URL='http:\/\/127\.0\.0\.1:\d+\/ocsp'/);
      const tokenUrl = /(http:\S+\/token)/.exec(output)?.[1] ?? '';
      const token = await fetch(tokenUrl, {
        method: 'POST',
        body: new URLSearchParams({ grant_type: 'password', username: 'auditor', password: 'auditor' }),
      });
      expect(token.status).toBe(200);
      const cardFile = /Synthetic card (\S+)/.exec(output)?.[1] ?? '';
      const card = new SyntheticCard(JSON.parse(readFileSync(cardFile, 'utf8')) as SyntheticCardData);
      expect(card.certificateTypes).toEqual(['user_authentication', 'digital_signature']);
      const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
      child.kill('SIGINT');
      expect(await ended).toBe(0);
    },
  );
});

describe('a fault tape', () => {
  it('plays the sequence first, then the standing fault, and remembers what it played', () => {
    const tape = new FaultTape(['none', 'a', 'b'] as const, 'none');
    tape.always('b');
    tape.play(['a', 'none']);
    expect([tape.next(), tape.next(), tape.next()]).toEqual(['a', 'none', 'b']);
    tape.clear();
    expect(tape.next()).toBe('none');
    const replay = new FaultTape(['none', 'a', 'b'] as const, 'none');
    replay.play(tape.played);
    expect(tape.played.map(() => replay.next())).toEqual(['a', 'none', 'b', 'none']);
    expect(() => tape.play(['c'])).toThrow(/unknown fault 'c'/);
  });
});
