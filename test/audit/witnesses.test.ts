import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Logger } from '@nestjs/common';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { judgeCosignature, parseWitnessKey } from '../../src/domain/audit/log/cosignature.js';
import { checkpointText } from '../../src/domain/audit/log/checkpoint.js';
import { NoteFormatError, parseNote, verifierKeyText, writeNote } from '../../src/domain/audit/log/signed-note.js';
import { canonicalJson } from '../../src/domain/values/canonical-json.js';
import { OutletRunner } from '../../src/infrastructure/audit/outlets/checkpoint-outlet.js';
import { ConfiguredOutlets, timestampAuthority } from '../../src/infrastructure/audit/outlets/configured-outlets.js';
import { isSignedEd25519, sha256 } from '../../src/infrastructure/audit/digest.js';
import { fsck } from '../../src/infrastructure/audit/fsck/fsck.js';
import { witnessOutlet } from '../../src/infrastructure/audit/outlets/witnesses.js';
import { Config, ConfigError } from '../../src/infrastructure/settings/config.js';
import { SyntheticHistory } from '../../src/sandbox/synthetic-history.js';
import { eventually } from '../sandbox/support.js';
import { built, elsewhere, peerProgram } from '../support/peers.js';
import { describeUnless, itUnless } from '../support/unless.js';
import { WitnessStandIn } from '../support/witness-stand-in.js';
import { AuditWorld, ORIGIN } from './support.js';

Logger.overrideLogger(false);

let world: AuditWorld;
let witnesses: WitnessStandIn[];
let appends: ReturnType<typeof history>;
const history = (seed = 2) => [...new SyntheticHistory({ seed }).appends(5)];
const keyOf = (witness: WitnessStandIn) => parseWitnessKey(witness.vkey, sha256);
const runner = (needed = witnesses.length, log = world.log) =>
  new OutletRunner(
    witnessOutlet(
      witnesses.map((w) => ({ url: w.url, key: keyOf(w) })),
      needed,
      log,
      1,
    ),
    log,
  );
const cosigned = () => world.log.cosigned();
const linesOn = (note: string) =>
  witnesses.filter((w) => judgeCosignature(parseNote(note), keyOf(w), isSignedEd25519).verdict === 'cosigned').length;
const grow = async () => {
  await world.append(appends.splice(0, 15));
  await world.publish();
};
const policy = (needed = witnesses.length) => ({ witnesses: { keys: witnesses.map(keyOf), needed } });

beforeEach(async () => {
  world = await AuditWorld.open();
  appends = history();
  await grow();
  witnesses = [
    await WitnessStandIn.start('witness.example/one', ORIGIN, () => world.keys.keys()),
    await WitnessStandIn.start('witness.example/two', ORIGIN, () => world.keys.keys()),
  ];
});
afterEach(async () => {
  for (const witness of witnesses) await witness.stop();
  await world.close();
});

describe('witnesses', () => {
  it('cosign the newest checkpoint, and what grows from it, with the proof from where each of them is', async () => {
    const asking = runner();
    await asking.attempt();
    expect(asking.status()).toMatchObject({
      outlet: 'witness',
      lastError: null,
      isFork: false,
      deliveredSize: world.log.checkpoint()!.size,
    });
    expect(cosigned()).toMatchObject({ size: world.log.checkpoint()!.size });
    expect(linesOn(cosigned()!.note)).toBe(2);
    await grow();
    // One of them saw a checkpoint that this process knows nothing of: it says so, and is asked once more from there.
    await runner().attempt();
    await grow();
    await asking.attempt();
    expect(asking.status()).toMatchObject({ lastError: null, failures: 0 });
    expect([linesOn(cosigned()!.note), cosigned()!.size]).toEqual([2, world.log.checkpoint()!.size]);
    expect(witnesses[0]!.asked.map((body) => /^old \d+/.exec(body)?.[0]).slice(0, 2)).toEqual(['old 0', 'old 0']);
    const check = await fsck({
      eventsFile: join(world.folder, 'events.db'),
      auditFolder: world.auditFolder,
      signer: world.keys,
      pseudonyms: world.pseudonyms,
      vault: null,
      copies: [],
    });
    expect(check.problems).toEqual([]);
  });

  it('that are too few are told, are asked again, and hold nothing up', async () => {
    const asking = runner(2);
    await asking.attempt();
    await witnesses[1]!.stop();
    await grow();
    const before = cosigned()!;
    await asking.attempt();
    expect(asking.status()).toMatchObject({
      failures: 1,
      isFork: false,
      lastError: expect.stringMatching(/^1 of 2 witnesses cosigned and 2 are needed: http\S+ does not answer/),
    });
    // What enough of them had cosigned stays.
    expect(cosigned()!.note).toBe(before.note);
    await grow();
    expect(world.log.checkpoint()!.size).toBeGreaterThan(before.size);
    const one = runner(1);
    await one.attempt();
    expect([one.status().lastError, linesOn(cosigned()!.note)]).toEqual([null, 1]);
    witnesses[1] = await WitnessStandIn.start('witness.example/two', ORIGIN, () => world.keys.keys());
  });

  it('refuse another history under the same name and key, and that is told as what it is', async () => {
    // Every installation begins alike: with a policy and with booths.
    for (const _ of [1, 2]) await grow();
    const asking = runner();
    await asking.attempt();
    const other = await AuditWorld.open();
    try {
      await other.append(history(9).slice(0, 60));
      const forked = Object.assign(Object.create(AuditWorld.prototype) as AuditWorld, other, { keys: world.keys });
      await forked.publish();
      const fork = runner(2, other.log);
      await fork.attempt();
      expect(fork.status()).toMatchObject({
        isFork: true,
        lastError: expect.stringMatching(
          /has seen \d+ entries of this log that are not how it begins now: the log was rewritten/,
        ),
      });
      // It does not pass by itself.
      await fork.attempt();
      expect(fork.status().isFork).toBe(true);
      expect(other.log.cosigned()).toBeNull();
    } finally {
      await other.close();
    }
  });

  it('refuse another checkpoint of one size, and a log that was set back', async () => {
    await grow();
    await runner().attempt();
    const { size } = world.log.checkpoint()!;
    witnesses[0]!.seen = { size, root: new Uint8Array(32) };
    const asking = runner(1);
    await grow();
    witnesses[0]!.seen = { size: world.log.checkpoint()!.size, root: new Uint8Array(32) };
    await asking.attempt();
    expect(asking.status()).toMatchObject({
      isFork: true,
      lastError: expect.stringMatching(/has seen another checkpoint of \d+ entries of this log: two histories/),
    });
    witnesses[0]!.seen = { size: 100_000, root: new Uint8Array(32) };
    const back = runner(1);
    await back.attempt();
    expect(back.status()).toMatchObject({
      isFork: true,
      lastError: expect.stringMatching(/has seen 100000 entries of this log, and it has \d+: the log was set back/),
    });
  });

  it.each<[string, () => { status: number; body: string }, RegExp]>([
    [
      'with a cosignature of something else',
      () => ({ status: 200, body: witnesses[0]!.line('log.example/other\n1\nAAAA\n') }),
      /a cosignature that does not fit its key/,
    ],
    [
      'with the line of somebody else',
      () => ({ status: 200, body: witnesses[1]!.line(parseNote(world.log.checkpoint()!.note).text) }),
      /without a line of witness\.example\/one/,
    ],
    ['with a page', () => ({ status: 200, body: '<html>hello</html>' }), /something else than signature lines/],
    ['with nothing', () => ({ status: 200, body: '' }), /something else than signature lines/],
    [
      'that it does not know the log',
      () => ({ status: 404, body: '' }),
      /does not know this log; give its operator name and key/,
    ],
    ['that it does not know the key', () => ({ status: 403, body: '' }), /does not know the key that signed/],
    ['with a conflict and no size', () => ({ status: 409, body: 'later' }), /409 without the size/],
    ['with an address elsewhere', () => ({ status: 302, body: '' }), /does not answer/],
    ['that it is broken', () => ({ status: 500, body: 'x' }), /answered 500$/],
  ])('that answer %s are not counted', async (_, fault, words) => {
    witnesses[0]!.faults.push(fault());
    const asking = runner(2);
    await asking.attempt();
    expect(asking.status()).toMatchObject({ isFork: false, lastError: expect.stringMatching(words) });
    // The other one's line is kept: none before had more.
    expect(linesOn(cosigned()!.note)).toBe(1);
    await asking.attempt();
    expect([asking.status().lastError, linesOn(cosigned()!.note)]).toEqual([null, 2]);
  });

  it('are named by settings, with their keys', async () => {
    const settings = {
      HONNIN_DATA: world.folder,
      HONNIN_WITNESSES: witnesses.map((w) => w.setting).join(', '),
      HONNIN_WITNESSES_NEEDED: '1',
      HONNIN_WITNESS_SECONDS: '1',
    };
    const config = Config.from(settings);
    const outlets = ConfiguredOutlets.from(config, world.log, timestampAuthority(config)).start();
    await eventually(() => (cosigned() !== null ? true : undefined));
    await outlets.stop();
    expect(linesOn(cosigned()!.note)).toBe(2);
    expect(() => Config.from({ ...settings, HONNIN_WITNESSES_NEEDED: '3' })).toThrow(
      /HONNIN_WITNESSES_NEEDED=3: HONNIN_WITNESSES names 2/,
    );
    expect(() => Config.from({ ...settings, HONNIN_WITNESSES: witnesses[0]!.url })).toThrow(
      /must be address and key of each witness/,
    );
    const logKey = verifierKeyText(world.keys.keys()[0]!);
    const wrong = Config.from({ ...settings, HONNIN_WITNESSES: `${witnesses[0]!.url} ${logKey}` });
    expect(() => ConfiguredOutlets.from(wrong, world.log, timestampAuthority(wrong))).toThrow(ConfigError);
    expect(() => parseWitnessKey(logKey, sha256)).toThrow(NoteFormatError);
  });
});

describe('a bundle of a log with witnesses', () => {
  const whole = (known: readonly string[] = []) => world.bundle({ kind: 'range', from: 0, to: null }, { known });
  const withLines = (...lines: string[]) => {
    const { text, signatures } = parseNote(world.log.checkpoint()!.note);
    writeFileSync(join(world.auditFolder, 'cosigned'), writeNote({ text, signatures }) + lines.join(''));
  };

  it('is right where enough have cosigned a beginning of it, also a case and a later part', async () => {
    await runner().attempt();
    const size = cosigned()!.size;
    await grow();
    for (const lines of [await whole(), await world.bundle({ kind: 'range', from: size, to: null })]) {
      const report = world.verify(lines, policy());
      expect([report.judgement, report.discrepancies, report.undecided]).toEqual(['right', [], []]);
      expect(report.witnessed).toEqual({
        isEnough: true,
        size,
        by: ['witness.example/one', 'witness.example/two'],
        atUtc: new Date(1_795_000_000_000).toISOString(),
        needed: 2,
        of: 2,
      });
      // Who names no witnesses is asked for none.
      expect(world.verify(lines)).toMatchObject({ judgement: 'right', witnessed: null });
    }
  });

  it('cannot be judged where too few have, or none, and says how many', async () => {
    expect(world.verify(await whole(), policy(1))).toMatchObject({
      judgement: 'undecided',
      undecided: [
        {
          code: 'not_witnessed',
          detail: expect.stringContaining(
            '1 of your 2 witnesses must have cosigned a beginning of this log, and 0 have',
          ),
        },
      ],
    });
    withLines(witnesses[0]!.line(parseNote(world.log.checkpoint()!.note).text));
    expect(world.verify(await whole(), policy(2))).toMatchObject({
      judgement: 'undecided',
      undecided: [{ code: 'not_witnessed' }],
      witnessed: { isEnough: false, by: ['witness.example/one'] },
    });
    expect(world.verify(await whole(), policy(1))).toMatchObject({ judgement: 'right' });
  });

  it('is wrong where a line under the key of a witness is not its cosignature', async () => {
    const { text } = parseNote(world.log.checkpoint()!.note);
    const other = witnesses[0]!.line(checkpointText({ origin: ORIGIN, size: 1, root: new Uint8Array(32) }));
    const cut = writeNote({ text, signatures: [{ ...keyOf(witnesses[0]!), bytes: new Uint8Array(64) }] }).slice(
      text.length + 1,
    );
    for (const line of [other, cut]) {
      withLines(line, witnesses[1]!.line(text));
      expect(world.verify(await whole(), policy(1))).toMatchObject({
        judgement: 'wrong',
        discrepancies: [
          { code: 'cosignature_wrong', detail: expect.stringContaining('the line of witness.example/one') },
        ],
      });
    }
  });

  it('is not blamed for what stands in files of the reader, which count where they fit', async () => {
    await runner().attempt();
    const good = cosigned()!.note;
    rmSync(join(world.auditFolder, 'cosigned'));
    const lines = await whole();
    const bad = good.replace(/.(.{6})\n$/, (_, rest: string) => `A${rest}\n`);
    expect(world.verify(lines, { ...policy(2), known: [good] })).toMatchObject({
      judgement: 'right',
      witnessed: { isEnough: true },
    });
    const report = world.verify(lines, {
      ...policy(2),
      known: [bad === good ? good.replace(/.(.{6})\n$/, (_, rest: string) => `B${rest}\n`) : bad],
    });
    expect(report.discrepancies).toEqual([]);
    expect(report.undecided.map(({ code }) => code)).toContain('not_witnessed');
  });

  it('is never right after any change of a byte of the lines of witnesses', async () => {
    await runner().attempt();
    const lines = await whole();
    const header = lines[1]!;
    const at = header.indexOf('witness.example/one');
    for (let place = at; place < at + 130; place += 1) {
      const other = header[place] === 'A' ? 'B' : 'A';
      const changed = [lines[0]!, `${header.slice(0, place)}${other}${header.slice(place + 1)}`, ...lines.slice(2)];
      expect([place, world.verify(changed, policy(1)).judgement]).not.toEqual([place, 'right']);
    }
    // Nor where the header is written anew without them.
    const bare = JSON.parse(header) as { known: unknown[] };
    expect(
      world.verify([lines[0]!, canonicalJson({ ...bare, known: [] } as never), ...lines.slice(2)], policy(1)).judgement,
    ).toBe('wrong');
  });

  itUnless(built('cli/main.js'), 'is judged by the commands', async () => {
    await runner().attempt();
    const at = (name: string) => join(world.folder, name);
    writeFileSync(at('all.honnin'), `${(await whole()).join('\n')}\n`);
    writeFileSync(at('log.vkey'), verifierKeyText(world.keys.keys()[0]!));
    const run = (...args: string[]) =>
      spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', 'dist/cli/main.js', 'audit', ...args], {
        encoding: 'utf8',
        env: { ...process.env, NODE_OPTIONS: '' },
      });
    const verify = (...args: string[]) => run('verify', at('all.honnin'), '--key', at('log.vkey'), ...args);
    const [one, two] = witnesses.map(({ vkey }) => vkey) as [string, string];
    expect(verify('--witness', one, '--witness', two)).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(
        /witnesses {2}the first \d+ entries are cosigned by witness\.example\/one, witness\.example\/two, since/,
      ),
    });
    const stranger = await WitnessStandIn.start('witness.example/three', ORIGIN, () => []);
    await stranger.stop();
    expect(verify('--witness', one, '--witness', stranger.vkey)).toMatchObject({
      status: 2,
      stdout: expect.stringContaining('[not_witnessed]'),
    });
    expect(verify('--witness', one, '--witness', stranger.vkey, '--witnesses-needed', '1').status).toBe(0);
    expect(verify('--witness', readFileSync(at('log.vkey'), 'utf8'))).toMatchObject({
      status: 64,
      stderr: expect.stringContaining('not the key of a witness'),
    });
  });
});

/** A witness that nobody here wrote. `.ci/run` installs it; elsewhere it is there or it is not. */
const LITEWITNESS = 'litewitness';
function litewitness(): string | null {
  const goPath =
    peerProgram('go') === null ? '' : spawnSync('go', ['env', 'GOPATH'], { encoding: 'utf8' }).stdout.trim();
  return (
    [LITEWITNESS, join(goPath, 'bin', LITEWITNESS)].find(
      (command) => spawnSync(command, ['-h'], { stdio: 'ignore' }).error === undefined,
    ) ?? null
  );
}
const program = litewitness();
const agent =
  spawnSync('ssh-keygen', ['-?'], { stdio: 'ignore' }).error === undefined &&
  spawnSync('ssh-add', ['-h'], { stdio: 'ignore' }).error === undefined;
const without =
  program === null
    ? `${LITEWITNESS} is not here: go install filippo.io/torchwood/cmd/litewitness@v0.9.0`
    : agent
      ? null
      : 'ssh-agent is not here';

describeUnless(elsewhere(without), 'litewitness', () => {
  const children: ChildProcess[] = [];
  let folder: string;
  let url: string;
  let vkey: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'honnin-lw-'));
    const at = (name: string) => join(folder, name);
    spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', at('key')]);
    const fingerprint = spawnSync('ssh-keygen', ['-l', '-f', at('key.pub')], { encoding: 'utf8' }).stdout.split(
      ' ',
    )[1] as string;
    children.push(spawn('ssh-agent', ['-D', '-a', at('s')], { stdio: 'ignore' }));
    await eventually(() => (existsSync(at('s')) ? true : undefined));
    spawnSync('ssh-add', ['-q', at('key')], { env: { ...process.env, SSH_AUTH_SOCK: at('s') } });
    const port = await freePort();
    const child = spawn(
      program as string,
      [
        `-name=witness.example/lite`,
        `-db=${at('w.db')}`,
        `-ssh-agent=${at('s')}`,
        `-listen=127.0.0.1:${port}`,
        `-key=${fingerprint}`,
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    children.push(child);
    let said = '';
    child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
    vkey = await eventually(() => /vkey=(\S+)/.exec(said)?.[1]);
    url = `http://127.0.0.1:${port}`;
    await eventually(
      async () =>
        await fetch(url).then(
          () => true,
          () => undefined,
        ),
    );
  }, 60_000);
  afterAll(() => {
    for (const child of children) child.kill();
    rmSync(folder, { recursive: true, force: true });
  });

  const freePort = async (): Promise<number> => {
    const server = createServer();
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const { port } = server.address() as AddressInfo;
    await new Promise((closed) => server.close(closed));
    return port;
  };

  it('cosigns our checkpoints as they grow, and refuses another history under the same name', async () => {
    const asking = (log = world.log) =>
      new OutletRunner(witnessOutlet([{ url, key: parseWitnessKey(vkey, sha256) }], 1, log, 1), log);
    const unknown = asking();
    await unknown.attempt();
    expect(unknown.status().lastError).toMatch(/does not know this log/);
    const database = new DatabaseSync(join(folder, 'w.db'), { timeout: 5000 });
    database
      .prepare('INSERT INTO log (origin, tree_size, tree_hash) VALUES (?, 0, ?)')
      .run(ORIGIN, Buffer.from(sha256(new Uint8Array())).toString('base64'));
    database.prepare('INSERT INTO key (origin, key) VALUES (?, ?)').run(ORIGIN, verifierKeyText(world.keys.keys()[0]!));
    database.close();
    const first = asking();
    await first.attempt();
    expect(first.status()).toMatchObject({ lastError: null, isFork: false });
    await grow();
    await first.attempt();
    await grow();
    // A process that knows nothing is told the size.
    const again = asking();
    await again.attempt();
    expect([first.status().lastError, again.status().lastError]).toEqual([null, null]);
    const note = parseNote(world.log.cosigned()!.note);
    expect(judgeCosignature(note, parseWitnessKey(vkey, sha256), isSignedEd25519)).toMatchObject({
      verdict: 'cosigned',
    });
    const lines = await world.bundle({ kind: 'range', from: 0, to: null });
    expect(world.verify(lines, { witnesses: { keys: [parseWitnessKey(vkey, sha256)], needed: 1 } })).toMatchObject({
      judgement: 'right',
      witnessed: { size: world.log.checkpoint()!.size },
    });
    const other = await AuditWorld.open();
    try {
      await other.append(history(9));
      await Object.assign(Object.create(AuditWorld.prototype) as AuditWorld, other, { keys: world.keys }).publish();
      const fork = asking(other.log);
      await fork.attempt();
      expect(fork.status()).toMatchObject({
        isFork: true,
        lastError: expect.stringMatching(/the log was rewritten|two histories/),
      });
    } finally {
      await other.close();
    }
  }, 60_000);
});
