import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Lockouts } from '../../src/application/access/lockouts.js';
import { ApiServer } from './support/api-server.js';
import { TokenIssuer } from './support/token-issuer.js';

interface Told {
  readonly actId: string;
  readonly stage: string;
  readonly code?: string;
}

let issuer: TokenIssuer;
let api: ApiServer;
let lockouts: Lockouts;

beforeAll(async () => {
  issuer = await TokenIssuer.start();
  const oidc = { issuer: issuer.issuer, audience: issuer.audience, jwksUri: null, rolesClaim: 'roles' };
  api = await ApiServer.start({ oidc });
  lockouts = api.app.get(Lockouts, { strict: false });
});
afterAll(async () => {
  await api.close();
  await issuer.close();
});

const ask = async (sub: string, role: string, url: string, payload?: object) => {
  const authorization = `Bearer ${await issuer.token({ sub, roles: [role] })}`;
  const asked = payload === undefined ? { method: 'GET' as const } : { method: 'POST' as const, payload };
  return api.inject({ ...asked, url, headers: { authorization } });
};
const administrate = (sub: string, url: string, payload: object = {}) => ask(sub, 'administrator', url, payload);
const WHY = { reason: 'lost_device', reference: 'INC-1' };
const lockOut = (subject: string, by = 'mori') => administrate(by, '/v1/lockouts', { subject, ...WHY });
const readmit = (subject: string, by = 'mori') =>
  administrate(by, '/v1/lockouts/readmissions', { subject, reason: 'false_alarm', reference: 'INC-1' });
const listed = async () =>
  (await ask('mori', 'administrator', '/v1/lockouts')).json<{ lockouts: { subject: string }[] }>().lockouts;

// @fault O16
describe('a person of the office', () => {
  it('is locked out by one administrator at once, whatever the token says, and two let them in again', async () => {
    expect((await ask('officer-1', 'officer', '/v1/holds')).statusCode).toBe(200);
    const done = await lockOut('officer-1');
    expect(done.json()).toEqual({ subject: 'officer-1', by: 'mori', ...WHY });
    const refused = await ask('officer-1', 'officer', '/v1/holds');
    expect([refused.statusCode, refused.json()]).toMatchObject([403, { code: 'locked_out' }]);
    expect((await api.events()).at(-1)).toMatchObject({
      type: 'AccessRefused',
      data: { subject: 'officer-1', what: 'GET /v1/holds', reason: 'locked_out' },
    });
    expect((await ask('officer-2', 'officer', '/v1/holds')).statusCode).toBe(200);

    const proposed = await readmit('officer-1');
    const { actId } = proposed.json<Told>();
    expect([proposed.statusCode, proposed.json<Told>().stage]).toEqual([202, 'proposed']);
    expect((await administrate('mori', `/v1/acts/${actId}/approval`)).json()).toMatchObject({
      code: 'act_own_proposal',
    });
    expect((await ask('officer-1', 'officer', '/v1/holds')).statusCode).toBe(403);
    expect((await administrate('hayashi', `/v1/acts/${actId}/approval`)).json()).toMatchObject({
      stage: 'carried_out',
    });
    expect((await ask('officer-1', 'officer', '/v1/holds')).statusCode).toBe(200);
  });

  it('is looked at where the list of who is locked out is asked for, and that is on record', async () => {
    const before = (await api.events()).length;
    await listed();
    expect((await api.events()).slice(before)).toMatchObject([
      { type: 'RecordsViewed', data: { by: 'mori', what: 'lockouts', requestId: null } },
    ]);
  });

  it.each(['auditor', 'administrator'] as const)('is locked out as %s too, from every route', async (role) => {
    await lockOut(`${role}-9`);
    for (const url of ['/v1/acts', '/v1/policies', '/v1/lockouts'])
      expect((await ask(`${role}-9`, role, url)).json()).toMatchObject({ code: 'locked_out' });
    expect((await administrate(`${role}-9`, '/v1/lockouts', { subject: 'mori', ...WHY })).statusCode).toBe(403);
    expect((await ask('mori', 'administrator', '/v1/lockouts')).statusCode).toBe(200);
  });

  // @fault O29
  it('is one person however the name is written', async () => {
    await lockOut('Officer-3');
    expect((await ask('officer-3', 'officer', '/v1/holds')).statusCode).toBe(403);
    expect((await lockOut('OFFICER-3')).json()).toMatchObject({ subject: 'Officer-3' });
    expect((await listed()).filter(({ subject }) => /officer-3/i.test(subject))).toHaveLength(1);
    const { actId } = (await readmit('officer-3')).json<Told>();
    await administrate('hayashi', `/v1/acts/${actId}/approval`);
    expect((await ask('OFFICER-3', 'officer', '/v1/holds')).statusCode).toBe(200);
    expect((await api.events()).findLast(({ type }) => type === 'StaffReadmitted')?.data).toMatchObject({
      subject: 'Officer-3',
    });
  });

  it('who is locked out loses what is open', async () => {
    const ended: string[] = [];
    const mine = lockouts.whileOpen('officer-4', () => ended.push('officer-4'));
    lockouts.whileOpen('officer-5', () => ended.push('officer-5'));
    const closed = lockouts.whileOpen('officer-4', () => ended.push('closed by itself'));
    closed();
    await lockOut('OFFICER-4');
    expect(ended).toEqual(['officer-4']);
    mine();
    await lockOut('officer-4');
    expect(ended).toEqual(['officer-4']);
  });

  it('is no longer locked out for a second proposal', async () => {
    await lockOut('officer-6');
    const [one, other] = [(await readmit('officer-6')).json<Told>(), (await readmit('officer-6')).json<Told>()];
    expect((await administrate('hayashi', `/v1/acts/${one.actId}/approval`)).json()).toMatchObject({ refusal: null });
    expect((await administrate('hayashi', `/v1/acts/${other.actId}/approval`)).json()).toMatchObject({
      refusal: 'person_not_locked_out',
    });
    expect((await readmit('officer-6')).json()).toMatchObject({ code: 'person_not_locked_out' });
  });

  it('who proposed to come back in does not let themselves in', async () => {
    await lockOut('hayashi');
    expect((await readmit('hayashi', 'hayashi')).json()).toMatchObject({ code: 'locked_out' });
    const { actId } = (await readmit('hayashi')).json<Told>();
    expect((await administrate('hayashi', `/v1/acts/${actId}/approval`)).json()).toMatchObject({ code: 'locked_out' });
    expect((await administrate('sato', `/v1/acts/${actId}/approval`)).json()).toMatchObject({ stage: 'carried_out' });
  });

  it.each([
    [{ subject: 'a b', ...WHY }, /subject/],
    [{ subject: '', ...WHY }, /subject/],
    [{ subject: 'officer-7', reason: 'because', reference: 'INC-1' }, /reason/],
    [{ subject: 'officer-7', reason: 'lost_device', reference: 'Mr Mori lost it' }, /reference/],
  ])('is not locked out by half a request: %j', async (payload, pointer) => {
    const answer = await administrate('mori', '/v1/lockouts', payload);
    expect([answer.statusCode, answer.body]).toEqual([400, expect.stringMatching(pointer)]);
    expect(await lockouts.isLockedOut('officer-7')).toBe(false);
  });

  it('is named in no leaf of the signed log', async () => {
    await lockOut('officer-secret');
    const { actId } = (await readmit('officer-secret')).json<Told>();
    await api.caughtUp();
    const { acts } = (await ask('auditor-1', 'auditor', '/v1/acts?limit=200')).json<{
      acts: { actId: string; of: { subject: string } }[];
    }>();
    const row = acts.find((act) => act.actId === actId);
    expect(row?.of.subject).toMatch(/^[0-9a-f]/);
    expect(JSON.stringify(acts)).not.toContain('officer-secret');
  });
});
