import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { OutletRunner } from '../../src/infrastructure/audit/outlets/checkpoint-outlet.js';
import { keptCrls } from '../../src/infrastructure/audit/fsck/check-timestamps.js';
import { examineOutlets } from '../../src/infrastructure/audit/fsck/checkpoint-doctor.js';
import { ConfiguredOutlets, timestampAuthority } from '../../src/infrastructure/audit/outlets/configured-outlets.js';
import { folderOutlet, timestampOutlet, urlOutlet } from '../../src/infrastructure/audit/outlets/outlets.js';
import { Config, ConfigError } from '../../src/infrastructure/settings/config.js';
import { SyntheticHistory } from '../../src/sandbox/synthetic-history.js';
import {
  startTimestampAuthority,
  type TimestampAuthorityStandIn,
} from '../../src/sandbox/timestamp/timestamp-authority.js';
import { eventually } from '../sandbox/support.js';
import { OpensslTimestampAuthority, opensslJudges } from '../support/openssl-timestamp-authority.js';
import { commandOutput } from './command-output.js';
import { AuditWorld, ORIGIN } from './support.js';
import { peer } from '../support/peers.js';
import { describeUnless } from '../support/unless.js';

Logger.overrideLogger(false);
const quiet = { print: () => {} };
const appends = [...new SyntheticHistory({ seed: 2 }).appends(5)];

let world: AuditWorld;
beforeEach(async () => {
  world = await AuditWorld.open();
  await world.append(appends.slice(0, 40));
  await world.publish();
});
afterEach(() => world.close());

const grow = async (): Promise<void> => {
  await world.append(appends.slice(40));
  await world.publish();
};

describe('copies of checkpoints', () => {
  const got: string[] = [];
  let status = 204;
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      if (status === 204) got.push(body);
      response.writeHead(status).end();
    });
  });
  beforeAll(() => new Promise<void>((done) => server.listen(0, '127.0.0.1', done)));
  afterAll(() => void server.close());
  const address = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;

  it('go to a folder and to an address, each once, also after a failure and after a restart', async () => {
    const folder = join(world.folder, 'copies');
    const runners = () => [
      new OutletRunner(folderOutlet(folder, 1_000_000), world.log),
      new OutletRunner(urlOutlet(address(), 1_000_000), world.log),
    ];
    let now = runners();
    const attempt = async (): Promise<void> => void (await Promise.all(now.map((runner) => runner.attempt())));
    const first = world.log.checkpoint()!;
    await attempt();
    await attempt();
    now = runners();
    await attempt();
    expect(got).toEqual([first.note]);
    expect(readdirSync(folder)).toEqual([`checkpoint-${first.size}`]);
    expect(readFileSync(join(folder, `checkpoint-${first.size}`), 'utf8')).toBe(first.note);
    status = 503;
    await grow();
    await attempt();
    await attempt();
    expect(got).toHaveLength(1);
    expect(now.map((runner) => runner.status())).toMatchObject([
      { outlet: 'folder', failures: 0, behindMs: 0, lastError: null },
      {
        outlet: 'url',
        failures: 2,
        deliveredSize: first.size,
        lastError: expect.stringContaining('answered 503'),
        isLate: false,
      },
    ]);
    status = 204;
    await attempt();
    expect(got).toEqual([first.note, world.log.checkpoint()!.note]);
    expect(now[1]!.status()).toMatchObject({
      behindMs: 0,
      lastError: null,
      deliveredSize: world.log.checkpoint()!.size,
    });
  });

  it('of a log that was set back or written anew are given out too, and never over the ones before', async () => {
    const folder = join(world.folder, 'copies');
    const early = readFileSync(join(world.auditFolder, 'checkpoint'));
    await grow();
    const runner = new OutletRunner(folderOutlet(folder, 1), world.log);
    await runner.attempt();
    writeFileSync(join(world.auditFolder, 'checkpoint'), early);
    await runner.attempt();
    expect(readdirSync(folder)).toHaveLength(2);
    const forked = readFileSync(join(world.auditFolder, 'checkpoint'), 'utf8').replace(
      /\n\d+\n/,
      `\n${[...readdirSync(folder)].map((name) => Number(name.split('-')[1])).toSorted((a, b) => a - b)[1]}\n`,
    );
    writeFileSync(join(world.auditFolder, 'checkpoint'), forked);
    await runner.attempt();
    expect(readdirSync(folder)).toHaveLength(3);
    expect(runner.status()).toMatchObject({ failures: 1, lastError: expect.stringContaining('the log was rewritten') });
  });

  it('run by themselves, catch up when the address is back, and go once more at the stop', async () => {
    got.length = 0;
    status = 503;
    const config = Config.from({
      HONNIN_DATA: world.folder,
      HONNIN_AUDIT_COPY_URL: address(),
      HONNIN_AUDIT_COPY_SECONDS: '1',
    });
    const outlets = ConfiguredOutlets.from(config, world.log, timestampAuthority(config)).start();
    await eventually(() => (outlets.status()[0]!.failures > 0 ? true : undefined));
    status = 204;
    await eventually(() => (got.length === 1 ? true : undefined), 120_000);
    await grow();
    await outlets.stop();
    expect(got.at(-1)).toBe(world.log.checkpoint()!.note);
  });
});

describe('timestamps on checkpoints', () => {
  let authority: TimestampAuthorityStandIn;
  let settings: Record<string, string>;
  beforeAll(async () => {
    authority = await startTimestampAuthority(quiet);
  });
  afterAll(() => authority.close());
  beforeEach(() => {
    writeFileSync(join(world.folder, 'anchor.pem'), authority.anchorPem);
    settings = {
      HONNIN_DATA: world.folder,
      HONNIN_TSA_URL: authority.tsaUrl,
      HONNIN_TSA_ANCHORS: join(world.folder, 'anchor.pem'),
      HONNIN_TSA_CRL_URLS: authority.crlUrl,
      HONNIN_TSA_SECONDS: '1',
      HONNIN_TSA_TIMEOUT_MS: '500',
      HONNIN_AUDIT_ORIGIN: ORIGIN,
    };
    authority.faults.clear();
  });
  const stamper = (change: Record<string, string> = {}, limitMs = 60_000) =>
    new OutletRunner(
      timestampOutlet(timestampAuthority(Config.from({ ...settings, ...change })), world.log, limitMs),
      world.log,
    );
  const answer = (size = world.log.checkpoint()!.size): string => join(world.auditFolder, 'timestamps', `${size}.tsr`);

  it('lie beside the checkpoint as plain files that openssl verifies', async () => {
    const runner = stamper();
    await runner.attempt();
    const { size } = world.log.checkpoint()!;
    expect(runner.status()).toMatchObject({ deliveredSize: size, failures: 0, behindMs: 0 });
    expect(world.log.timestamped()).toEqual([size]);
    expect(keptCrls(world.log, size)).toHaveLength(1);
    expect(readFileSync(join(world.auditFolder, 'timestamps', `${size}.checkpoint`), 'utf8')).toBe(
      world.log.checkpointOf(size)!.note,
    );
    if (peer('openssl') === null)
      expect(
        opensslJudges({
          data: join(world.auditFolder, 'timestamps', `${size}.checkpoint`),
          answer: answer(),
          anchor: settings['HONNIN_TSA_ANCHORS']!,
        }).output,
      ).toContain('Verification: OK');
  });

  it('are not taken without the CRL that was asked for', async () => {
    const runner = stamper({ HONNIN_TSA_CRL_URLS: `${authority.url}/none.crl` });
    await runner.attempt();
    expect(runner.status().lastError).toContain('the CRL of the timestamp authority cannot be had');
    expect(world.log.timestamped()).toEqual([]);
  });

  it('that were got are never replaced by later ones', async () => {
    await stamper().attempt();
    const first = readFileSync(answer());
    rmSync(join(world.auditFolder, 'outlets'), { recursive: true });
    await stamper().attempt();
    expect(readFileSync(answer())).toEqual(first);
  });

  const faults = [
    'rejection',
    'garbage',
    'truncated',
    'trailing_bytes',
    'oversize',
    'http_500',
    'wrong_media_type',
    'drop',
    'hang',
    'wrong_imprint',
    'wrong_nonce',
    'without_nonce',
    'from_the_future',
    'from_the_past',
    'without_eku',
    'foreign_authority',
    'expired_signer',
    'without_certificates',
  ];
  it.each(faults)(
    'are not stored when the authority has the fault %s: it is told, counted, and tried again',
    async (fault) => {
      // What never answers is waited for; what answers may be slow beside other work.
      const runner = stamper({}, fault === 'hang' ? 3_000 : 60_000);
      authority.faults.play([fault]);
      await runner.attempt();
      expect(world.log.timestamped()).toEqual([]);
      expect(runner.status()).toMatchObject({
        failures: 1,
        deliveredSize: null,
        lastError: expect.stringMatching(/timestamp authority/),
      });
      await runner.attempt();
      expect(world.log.timestamped()).toHaveLength(1);
      expect(runner.status()).toMatchObject({ failures: 1, lastError: null });
    },
  );

  it('under another policy than the configured one do not count', async () => {
    const runner = stamper({ HONNIN_TSA_POLICY: '1.3.6.1.4.1.32473.1.9' });
    await runner.attempt();
    expect(runner.status().lastError).toMatch(/status_refused.*unaccepted policy/);
    const other = stamper({ HONNIN_TSA_POLICY: '1.3.6.1.4.1.32473.1.1' });
    authority.faults.play(['other_policy']);
    await other.attempt();
    expect(other.status().lastError).toContain('policy_mismatch');
  });

  it('never keep anybody waiting: a silent authority costs the log nothing', async () => {
    authority.faults.always('hang');
    const config = Config.from({ ...settings, HONNIN_TSA_TIMEOUT_MS: '20000' });
    const outlets = ConfiguredOutlets.from(config, world.log, timestampAuthority(config)).start();
    await eventually(() => (authority.faults.played.includes('hang') ? true : undefined));
    const before = world.log.checkpoint()!.size;
    await grow();
    expect(world.log.checkpoint()!.size).toBeGreaterThan(before);
    authority.faults.clear();
    await authority.close();
    await outlets.stop();
    authority = await startTimestampAuthority(quiet);
  });

  it('come by themselves, again for what was published since', async () => {
    const config = Config.from(settings);
    const outlets = ConfiguredOutlets.from(config, world.log, timestampAuthority(config)).start();
    await eventually(() => (world.log.timestamped().length === 1 ? true : undefined));
    await grow();
    await eventually(() => (world.log.timestamped().length === 2 ? true : undefined), 120_000);
    await outlets.stop();
    expect(world.log.timestamped().at(-1)).toBe(world.log.checkpoint()!.size);
  });

  it('go with a bundle, and tell an auditor before when the log existed; later bundles too, and after a change of key', async () => {
    const unstamped = await world.bundle({ kind: 'range', from: 0, to: null });
    await stamper().attempt();
    const stamped = world.log.checkpoint()!.size;
    await world.keys.rotate(world.log.checkpoint(), { destroyOld: true });
    await grow();
    const file = join(world.folder, 'bundle.honnin');
    const [vkey, anchor] = [join(world.folder, 'log.vkey'), settings['HONNIN_TSA_ANCHORS']!];
    writeFileSync(vkey, readFileSync(join(world.auditFolder, 'keys', '1.vkey')));
    const verify = async (lines: readonly string[], ...more: string[]) => {
      writeFileSync(file, `${lines.join('\n')}\n`);
      return commandOutput(['verify', file, '--key', vkey, ...more]);
    };
    expect(await verify(unstamped, '--tsa-anchor', anchor)).toMatchObject({
      code: 2,
      text: expect.stringMatching(/UNDECIDED .*there is none: .*\[timestamp_absent\]/),
    });
    expect((await verify(unstamped, '--tsa-anchor', anchor, '--require-timestamp')).code).toBe(1);
    expect((await verify(unstamped)).code).toBe(0);
    const bundle = await world.bundle({ kind: 'range', from: 0, to: null });
    const judged = await verify(bundle, '--tsa-anchor', anchor);
    expect(judged.text).toMatch(
      new RegExp(
        `timestamp  the checkpoint of the first ${stamped} of \\d+ entries existed before 20\\d\\d-\\S+Z by CN=Timestamp authority \\(TEST\\)`,
      ),
    );
    expect(judged.text).toContain('everything is as it says');
    expect(judged.code).toBe(0);
    const crl = join(world.folder, 'tsa.crl');
    writeFileSync(crl, keptCrls(world.log, stamped)[0]!);
    expect((await verify(bundle, '--tsa-anchor', anchor, '--tsa-crl', crl)).text).toContain(
      'whose certificates were not revoked up to',
    );
    expect((await verify(bundle, '--tsa-anchor', anchor, '--tsa-crl', vkey)).text).toContain(
      '[timestamp_revocation_malformed]',
    );
    expect((await verify(bundle)).text).toContain('give the roots of its authority with --tsa-anchor');
    // A token of the newer checkpoint, which the new key has signed.
    await stamper().attempt();
    const newer = await verify(
      await world.bundle({ kind: 'range', from: 0, to: null }),
      '--tsa-anchor',
      anchor,
      '--tsa-policy',
      '1.3.6.1.4.1.32473.1.1',
    );
    expect(newer).toMatchObject({
      code: 0,
      text: expect.stringMatching(/the checkpoint of all \d+ entries existed before/),
    });

    const header = JSON.parse(bundle[1]!) as { timestamp: { checkpoint: string; token: string } };
    const lying = (timestamp: unknown): string[] => [
      bundle[0]!,
      JSON.stringify({ ...header, timestamp }),
      ...bundle.slice(2),
    ];
    const foreign = await startTimestampAuthority(quiet);
    writeFileSync(join(world.folder, 'foreign.pem'), foreign.anchorPem);
    await foreign.close();
    const lies: [string, () => Promise<{ code: number; text: string }>][] = [
      [
        '[timestamp_certificate_',
        () => verify(bundle, '--tsa-anchor', join(world.folder, 'foreign.pem'), '--require-timestamp'),
      ],
      ['[timestamp_policy_mismatch]', () => verify(bundle, '--tsa-anchor', anchor, '--tsa-policy', '1.2.3')],
      ['[timestamp_absent]', () => verify(lying(null), '--tsa-anchor', anchor, '--require-timestamp')],
      ['[timestamp_malformed]', () => verify(lying({ ...header.timestamp, token: '*' }), '--tsa-anchor', anchor)],
      [
        '[timestamp_imprint_mismatch]',
        () =>
          verify(
            lying({ ...header.timestamp, checkpoint: header.timestamp.checkpoint.replace(/\n\d+\n/, '\n7\n') }),
            '--tsa-anchor',
            anchor,
          ),
      ],
    ];
    for (const [code, result] of lies)
      expect(await result()).toMatchObject({ code: 1, text: expect.stringContaining(code) });
  });

  it('are checked by fsck, and looked at by the doctor', async () => {
    const { checkTimestamps } = await import('../../src/infrastructure/audit/fsck/check-timestamps.js');
    const { timestampAnchors } = await import('../../src/infrastructure/audit/outlets/configured-outlets.js');
    await stamper().attempt();
    const anchors = timestampAnchors([settings['HONNIN_TSA_ANCHORS']!]);
    expect([...checkTimestamps(world.log, anchors)]).toEqual([]);
    const config = Config.from(settings);
    const lines = async () =>
      (await examineOutlets(config))
        .filter(({ what }) => what === 'timestamps')
        .map(({ level, detail }) => `${level} ${detail}`);
    expect(await lines()).toEqual([
      expect.stringMatching(/^ok .* 1 trusted root$/),
      expect.stringMatching(/^ok \d+ entries are covered/),
    ]);
    // What is not covered was recorded long ago.
    await grow();
    const { size } = world.log.checkpoint()!;
    expect((await lines())[1]).toMatch(/^WRONG .*a later checkpoint has been waiting since/);
    expect(stamper().status()).toMatchObject({ isLate: true });
    await stamper().attempt();
    expect((await lines())[1]).toMatch(/^ok/);
    const beside = join(world.auditFolder, 'timestamps', `${size}.checkpoint`);
    const stampedNote = readFileSync(beside);
    writeFileSync(beside, 'another note');
    expect([...checkTimestamps(world.log, anchors)]).toEqual([
      { index: size - 1, detail: expect.stringContaining('is not the checkpoint that was published') },
    ]);
    writeFileSync(beside, stampedNote);
    const bytes = readFileSync(answer(size));
    bytes[bytes.length - 10]! ^= 1;
    writeFileSync(answer(size), bytes);
    expect([...checkTimestamps(world.log, anchors)]).toEqual([
      { index: size - 1, detail: expect.stringContaining('[signature]') },
    ]);
    expect([...checkTimestamps(world.log, null)]).toHaveLength(1);
    expect((await lines())[1]).toMatch(/^WRONG the newest stored timestamp does not hold/);
    await authority.close();
    expect((await lines())[0]).toMatch(/^WRONG .*does not answer: ./);
    authority = await startTimestampAuthority(quiet);
  });

  it('need settings that fit together', () => {
    const problem = (environment: Record<string, string>): string => {
      try {
        timestampAuthority(Config.from(environment));
        return 'none';
      } catch (error) {
        if (error instanceof ConfigError) return error.message;
        throw error;
      }
    };
    expect(problem({ HONNIN_TSA_URL: 'http://tsa.example' })).toContain('needs HONNIN_TSA_ANCHORS');
    expect(problem({ HONNIN_TSA_POLICY: 'tsa' })).toContain('no object identifier');
    expect(problem({ ...settings, HONNIN_TSA_USERNAME: 'u' })).toContain('go together');
    expect(problem({ ...settings, HONNIN_TSA_USERNAME: 'u', HONNIN_TSA_PASSWORD_FILE: 'p' })).toContain(
      'needs an https address',
    );
    expect(problem({ ...settings, HONNIN_TSA_ANCHORS: join(world.folder, 'none.pem') })).toContain('cannot be read');
    expect(problem({ ...settings, HONNIN_TSA_ANCHORS: join(world.auditFolder, 'checkpoint') })).toContain(
      'is not a certificate',
    );
    expect(problem(settings)).toBe('none');
  });
});

describeUnless(peer('openssl'), 'timestamps by openssl as the authority', () => {
  it('are got over HTTP, stored, and hold for openssl and for the bundle', async () => {
    const authority = await OpensslTimestampAuthority.start();
    try {
      const config = Config.from({
        HONNIN_DATA: world.folder,
        HONNIN_TSA_URL: authority.url,
        HONNIN_TSA_ANCHORS: authority.anchorFile,
        HONNIN_TSA_SECONDS: '1',
      });
      const runner = new OutletRunner(timestampOutlet(timestampAuthority(config), world.log, 1000), world.log);
      await runner.attempt();
      expect(runner.status()).toMatchObject({ failures: 0, lastError: null });
      const { size } = world.log.checkpoint()!;
      expect(
        authority.judge(
          join(world.auditFolder, 'timestamps', `${size}.checkpoint`),
          join(world.auditFolder, 'timestamps', `${size}.tsr`),
        ).output,
      ).toContain('Verification: OK');
      await grow();
      expect(
        authority.judge(join(world.auditFolder, 'checkpoint'), join(world.auditFolder, 'timestamps', `${size}.tsr`)).ok,
      ).toBe(false);
    } finally {
      authority.close();
    }
  }, 180_000);
});
