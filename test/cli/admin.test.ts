import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { command } from '../../src/cli/admin.js';
import { changedValues, differenceLines } from '../../src/cli/admin/policy-change.js';
import { UsageError } from '../../src/cli/command.js';
import type { JsonObject } from '../../src/domain/event-envelope.js';
import { DEFAULT_POLICY } from '../../src/domain/policy/policy.js';
import { ApiServer } from '../api/support/api-server.js';
import { TokenIssuer } from '../api/support/token-issuer.js';

const VALUES = DEFAULT_POLICY as unknown as JsonObject;

// @fault O15
describe('some values of a policy', () => {
  it('are changed where they are named, and nothing else', () => {
    const changed = changedValues(VALUES, [
      'holdDueHours=48',
      'holdInReferralBand=true',
      'photoQualityMin.EyesVisible=50',
      'retry.attemptsMax=7',
      'consentTextVersions=["2027-01"]',
    ]);
    expect(differenceLines(VALUES, changed)).toEqual([
      'holdInReferralBand  false → true',
      'photoQualityMin.EyesVisible  nothing → 50',
      'holdDueHours  72 → 48',
      'consentTextVersions  ["2026-11"] → ["2027-01"]',
      'retry.attemptsMax  200 → 7',
    ]);
    expect(differenceLines(VALUES, changedValues(VALUES, ['holdDueHours=72']))).toEqual([]);
    expect(VALUES).toEqual(DEFAULT_POLICY);
  });

  it.each([
    ['holdDueHours', /is written as NAME=VALUE/],
    ['holdDueHours=', /is written as NAME=VALUE/],
    ['holdDue=48', /there is no holdDue; there are .*holdDueHours/],
    ['__proto__=1', /is written as NAME=VALUE/],
    ['constructor=1', /there is no constructor/],
    ['holdDueHours.x=1', /has no members/],
  ])('are refused in words: --set %s', (setting, words) => {
    expect(() => changedValues(VALUES, [setting])).toThrow(UsageError);
    expect(() => changedValues(VALUES, [setting])).toThrow(words);
  });
});

describe('honnin admin', () => {
  let folder: string;
  let issuer: TokenIssuer;
  let api: ApiServer;
  let server: string;
  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'honnin-admin-'));
    issuer = await TokenIssuer.start();
    const { audience } = issuer;
    api = await ApiServer.start({ oidc: { issuer: issuer.issuer, audience, jwksUri: null, rolesClaim: 'roles' } });
    server = await api.listen();
  });
  afterAll(async () => {
    await api.close();
    await issuer.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** As a person, with the token in a file. */
  const run = async (sub: string, ...args: readonly string[]): Promise<{ code: number; said: string }> => {
    const file = path.join(folder, `${sub}.token`);
    writeFileSync(file, `${await issuer.token({ sub, roles: ['administrator'] })}\n`);
    let said = '';
    const streams = [process.stdout, process.stderr].map((stream) =>
      jest.spyOn(stream, 'write').mockImplementation((text) => {
        said += String(text);
        return true;
      }),
    );
    try {
      return { code: await command.run([...args, '--server', server, '--token-file', file]), said };
    } finally {
      for (const stream of streams) stream.mockRestore();
    }
  };
  const idIn = (text: string): string => /[0-9a-f]{8}-[0-9a-f-]{27}/.exec(text)?.[0] ?? '';
  const WHY = ['--reason', 'new_site', '--reference', 'WO-1'];

  it('proposes a booth from a file of its key, and another administrator agrees', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const text = publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
    const file = path.join(folder, 'booth.key');
    writeFileSync(file, privateKey.export({ type: 'pkcs8', format: 'pem' }));
    const { code, said } = await run('mori', 'booths', 'enrol', 'booth-a', '--key', file, ...WHY);
    const words = expect.stringMatching(/^proposed as .*another administrator agrees/);
    expect({ code, said }).toEqual({ code: 0, said: words });
    const own = await run('mori', 'acts', 'approve', idIn(said));
    expect(own).toMatchObject({ code: 1, said: expect.stringMatching(/Nobody/) });
    expect(await run('hayashi', 'acts', 'approve', idIn(said))).toMatchObject({
      code: 0,
      said: expect.stringMatching(/carried_out/),
    });
    const suspended = await run('mori', 'booths', 'suspend', 'booth-a', '--reason', 'lost', '--json');
    expect(suspended.code).toBe(0);
    expect(JSON.parse(suspended.said)).toMatchObject({ boothId: 'booth-a', stage: 'suspended', publicKey: text });
  });

  it('takes a proposal back', async () => {
    const key = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
    const { said } = await run('mori', 'booths', 'enrol', 'booth-b', '--key', key, ...WHY);
    const declined = await run('mori', 'acts', 'decline', idIn(said));
    expect(declined).toMatchObject({ code: 0, said: expect.stringMatching(/declined/) });
  });

  it('changes one value of the policy in force, and shows the difference before it comes into force', async () => {
    const change = ['policies', 'propose', '--set', 'holdDueHours=48'];
    const dry = await run('mori', ...change, '--dry-run');
    expect(dry).toEqual({ code: 0, said: 'policy 1, changed:\nholdDueHours  72 → 48\n' });
    expect((await run('mori', ...change)).said).toMatch(/proposed as policy 2; another administrator approves it/);
    expect(await run('mori', 'policies', 'approve', '2')).toMatchObject({ code: 1 });
    const approved = await run('hayashi', 'policies', 'approve', '2');
    expect(approved).toMatchObject({ code: 0, said: expect.stringMatching(/^holdDueHours {2}72 → 48$/m) });
    const activated = await run('hayashi', 'policies', 'activate', '2');
    expect(activated.said).toMatch(/^policy 2 against policy 1, which is in force:\nholdDueHours {2}72 → 48\n/);
    expect(activated.said).toMatch(/policy 2 is in force/);
    const shown = await run('mori', 'policies', 'show', '--json');
    const values = { ...DEFAULT_POLICY, holdDueHours: 48 };
    expect(JSON.parse(shown.said)).toMatchObject({ version: 2, basedOn: 1, values });
    expect((await run('mori', 'policies', 'list')).said).toMatch(/^2 +true +mori +hayashi +1$/m);
  });

  // @fault O16
  it('locks a person out at once, and two let them in again', async () => {
    const why = ['--reason', 'lost_device', '--reference', 'INC-1'];
    const locked = await run('mori', 'people', 'lock-out', 'officer/1', ...why);
    expect(locked).toMatchObject({ code: 0, said: expect.stringMatching(/officer\/1 is locked out/) });
    expect((await run('mori', 'people', 'list')).said).toMatch(/^officer\/1 +lost_device +INC-1 +mori$/m);
    const { said } = await run('mori', 'people', 'readmit', 'officer/1', '--reason', 'cleared', '--reference', 'INC-1');
    expect(await run('hayashi', 'acts', 'approve', idIn(said))).toMatchObject({ code: 0 });
    expect(await run('mori', 'people', 'list')).toEqual({ code: 0, said: 'none\n' });
    expect((await run('mori', 'acts', 'show', idIn(said))).said).toMatch(/readmit_person/);
  });

  // @fault O16
  it('lists the cases that wait for an administrator, and which steps were given up on', async () => {
    const requestId = '0d1e2f30-aaaa-8bbb-9ccc-0123456789ad';
    const stopped = { requestId, cause: 'material_missing', receivedAtUtc: '2026-11-23T08:05:00.000Z' } as const;
    const stuck = { requestId, effectId: 'e-1', effect: 'SubmitToGovernment', error: null };
    api.waiting = { stopped: [stopped], stuck: [stuck] };
    expect((await run('mori', 'cases', 'list')).said).toMatch(/0d1e2f30\S+ +material_missing +2026-11-23/);
    expect(JSON.parse((await run('mori', 'effects', 'list', '--json')).said)).toEqual([stuck]);
    expect((await api.events()).at(-1)).toMatchObject({ type: 'RecordsViewed', data: { what: 'waiting_cases' } });
    api.waiting = null;
    expect(await run('mori', 'cases', 'list')).toMatchObject({ code: 1, said: expect.stringMatching(/503/) });
    api.waiting = { stopped: [], stuck: [] };
    expect(await run('mori', 'cases', 'list')).toEqual({ code: 0, said: 'none\n' });
  });

  it('says what the server refuses, with exit code 1', async () => {
    const nobody = '0d1e2f30-aaaa-8bbb-9ccc-0123456789ad';
    for (const line of [
      ['erasures', 'propose', nobody, '--rule', 'retention_limit', '--reference', 'R-1'],
      ['effects', 'resume', nobody, 'check-certificate'],
      ['cases', 'end', nobody, '--reason', 'storage_failed', '--reference', 'R-1'],
      ['booths', 'resume', 'booth-none', '--reason', 'found_again', '--reference', 'R-1'],
    ]) {
      const { code, said } = await run('mori', ...line);
      const words = expect.stringMatching(/^honnin admin \w+ \w+: 40[49] /);
      expect({ line, code, said }).toEqual({ line, code: 1, said: words });
    }
  });

  it.each([
    [['booths'], /admin booths needs what to do: list, show, enrol, key, suspend, resume/],
    [['nothing'], /admin needs what it is about: login, .*booths, .*parked/],
    [['booths', 'suspend', 'booth-a'], /needs --reason/],
    [['people', 'lock-out', 'x', '--reason', 'lost_device'], /needs --reference/],
    [['people', 'lock-out', ...WHY], /needs SUBJECT/],
    [['booths', 'suspend'], /needs BOOTH-ID/],
    [['booths', 'enrol', 'b', '--key', 'abc', ...WHY], /--key: must be an Ed25519 public key.*openssl genpkey/s],
    [['policies', 'show', '9'], /there is no policy 9/],
    [['policies', 'propose'], /at least one --set NAME=VALUE/],
  ])('says how a command is complete: %j', async (args, words) => {
    await expect(run('mori', ...args)).rejects.toThrow(words);
  });
});
