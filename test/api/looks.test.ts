import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { LightMyRequestResponse } from 'fastify';
import { holdReviews } from '../../src/application/decisions/aggregates.js';
import { DecideAndAppend } from '../../src/application/decisions/decide-and-append.js';
import type { OfficerOpinion } from '../../src/domain/hold-review/hold-review.events.js';
import { AS_OPERATOR } from '../support/operator.js';
import { AnswerSchemas } from './support/answer-schemas.js';
import { ApiServer, NOW } from './support/api-server.js';
import { receivedRequest } from './support/received.js';
import { TokenIssuer } from './support/token-issuer.js';

// @fault O28
describe('a look at a face is held against what it says it is for', () => {
  let issuer: TokenIssuer;
  let api: ApiServer;
  let schemas: AnswerSchemas;
  let booths = 0;

  beforeAll(async () => {
    issuer = await TokenIssuer.start();
    api = await ApiServer.start({
      oidc: { issuer: issuer.issuer, audience: issuer.audience, jwksUri: null, rolesClaim: 'roles' },
    });
    schemas = new AnswerSchemas((await api.inject({ method: 'GET', url: '/openapi.json' })).json());
  });
  afterAll(async () => {
    await api.close();
    await issuer.close();
  });

  const received = () => receivedRequest(api, `booth-look-${(booths += 1)}`);
  const look = async (requestId: string, query: string, person: string, role = 'officer') => {
    const url = `/v1/cases/${requestId}/images/photo?${query}`;
    const authorization = `Bearer ${await issuer.token({ sub: person, roles: [role] })}`;
    const answer = await api.inject({ method: 'GET', url, headers: { authorization } });
    expect(schemas.mistakes('GET', url, answer)).toEqual([]);
    return answer;
  };
  const said = (answer: LightMyRequestResponse) =>
    answer.statusCode === 200 ? 'shown' : answer.json<{ code: string; data?: { why: string } }>();
  const unfit = (why: string) => ({ code: 'purpose_does_not_fit', status: 403, data: { purpose: 'hold_review', why } });
  const events = async (type: string) => (await api.events()).filter((event) => event.type === type);

  type Deed =
    | { readonly type: 'open' | 'close' }
    | { readonly type: 'opinion'; readonly officer: string; readonly opinion: OfficerOpinion };
  async function review(id: string, ...deeds: readonly Deed[]): Promise<void> {
    for (const [index, deed] of deeds.entries()) {
      const command =
        deed.type === 'opinion'
          ? ({ ...deed, type: 'GiveOpinion', reason: 'checked_in_person' } as const)
          : deed.type === 'open'
            ? ({ type: 'OpenHold', requestId: id, reason: 'registered_gap', dueAtUtc: NOW } as const)
            : ({ type: 'ExpireHold' } as const);
      const commandId = `${id}-${deed.type}-${index}-${(await api.events()).length}`;
      const context = { commandId, actor: 'system:saga', correlationId: id, causationId: id, policyVersion: 1 };
      await api.app.get(DecideAndAppend, { strict: false }).execute(holdReviews, id, command, context);
    }
  }

  it('shows nothing for a review that the case never asked for, and the attempt is on record', async () => {
    const id = await received();
    expect(said(await look(id, 'purpose=hold_review', 'o1'))).toMatchObject(unfit('no_open_hold'));
    expect(await events('BiometricViewed')).toEqual([]);
    expect((await events('AccessRefused')).map(({ data }) => data)).toEqual([
      {
        subject: 'o1',
        what: 'GET /v1/cases/:requestId/images/photo',
        reason: 'purpose_does_not_fit:hold_review:no_open_hold',
      },
    ]);
  });

  it('shows it to officers who still have a say in an open hold, and to no officer when it is over', async () => {
    const id = await received();
    const asked = async (...people: readonly string[]) => {
      const answers = [];
      for (const person of people) answers.push(said(await look(id, 'purpose=hold_review', person)));
      return answers;
    };
    await review(id, { type: 'open' }, { type: 'opinion', officer: 'o1', opinion: 'release' });
    expect(await asked('o1', 'o2')).toEqual(['shown', 'shown']);
    await review(id, { type: 'opinion', officer: 'o2', opinion: 'reject' });
    const notTheirs = expect.objectContaining(unfit('not_yours_to_decide'));
    // However the name is written, and the third officer decides.
    expect(await asked('o1', 'O2', 'o3')).toEqual([notTheirs, notTheirs, 'shown']);
    await review(id, { type: 'close' });
    const over = expect.objectContaining(unfit('no_open_hold'));
    expect(await asked('o1', 'o3')).toEqual([over, over]);
    const looks = (await events('BiometricViewed')).filter(({ data }) => data['requestId'] === id);
    expect(looks.map(({ data, schemaVersion }) => [schemaVersion, data['officer'], data['grounds']])).toEqual([
      [2, 'o1', 'open_hold'],
      [2, 'o2', 'open_hold'],
      [2, 'o3', 'open_hold'],
    ]);
  });

  it('says to the one who does not fit what to do, in both languages', async () => {
    const id = await received();
    const answer = await look(id, 'purpose=hold_review', 'o1');
    expect(answer.json<{ detail: string }>().detail).toMatch(/purpose=disclosure with the reference/);
  });

  it.each<[string, string, string]>([
    ['none', '', 'reference'],
    ['an empty one', '&reference=', 'reference'],
    ['a sentence', '&reference=Mr%20Sato%20asked', 'reference'],
    ['two', '&reference=F-1&reference=F-2', 'reference'],
    ['another parameter', '&reference=F-1&because=yes', 'because'],
  ])('gives out no picture for a disclosure with %s as its reference', async (_what, query, parameter) => {
    const id = await received();
    const answer = await look(id, `purpose=disclosure${query}`, 'o1');
    expect(answer.json()).toMatchObject({ code: 'invalid_request', errors: [{ parameter }] });
  });

  it('takes no My Number for a reference', async () => {
    const id = await received();
    expect((await look(id, 'purpose=disclosure&reference=123456789012', 'o1')).json()).toMatchObject({
      code: 'my_number_present',
    });
  });

  it('marks on what a look rests: a file, or only the word of the auditor', async () => {
    const id = await received();
    expect(said(await look(id, 'purpose=disclosure&reference=DISC-2026-7', 'o1'))).toBe('shown');
    expect(said(await look(id, 'purpose=audit', 'a1', 'auditor'))).toBe('shown');
    expect(said(await look(id, 'purpose=audit&reference=AUD%2F3', 'a1', 'auditor'))).toBe('shown');
    const looks = (await events('BiometricViewed')).filter(({ data }) => data['requestId'] === id);
    expect(looks.map(({ data }) => [data['purpose'], data['reference'], data['grounds']])).toEqual([
      ['disclosure', 'DISC-2026-7', 'reference'],
      ['audit', null, 'none'],
      ['audit', 'AUD/3', 'reference'],
    ]);
  });

  it('counts looks by purpose and outcome, and those of the person who looked most, within an hour', async () => {
    const id = await received();
    const figures = async () => {
      const { body } = await api.inject({ method: 'GET', url: '/metrics', ...AS_OPERATOR });
      return (series: string) =>
        Number(
          body
            .split('\n')
            .find((line) => line.startsWith(`${series} `))
            ?.split(' ')[1],
        );
    };
    const series = (purpose: string, grounds: string, outcome: string) =>
      `honnin_looks_total{purpose="${purpose}",grounds="${grounds}",outcome="${outcome}"}`;
    const counted = [
      series('audit', 'none', 'shown'),
      series('hold_review', 'none', 'purpose_does_not_fit'),
      series('audit', 'none', 'forbidden'),
    ];
    const before = await figures();
    for (let n = 0; n < 9; n += 1) await look(id, 'purpose=audit', n % 2 === 0 ? 'a9' : 'A9', 'auditor');
    await look(id, 'purpose=hold_review', 'o9');
    await look(id, 'purpose=audit', 'o9');
    const after = await figures();
    expect(counted.map((one) => after(one) - before(one))).toEqual([9, 1, 1]);
    // However the name is written it is one person; those who were shown nothing have looked at nothing.
    expect(after('honnin_looks_of_one_person')).toBe(9);
    expect(after(series('disclosure', 'none', 'purpose_does_not_fit'))).toBe(0);
    api.clock.now = '2026-11-23T09:05:00.000Z';
    expect((await figures())('honnin_looks_of_one_person')).toBe(0);
    api.clock.now = NOW;
  });

  // @fault Q6
  describe('and a bundle that leaves the house says what for', () => {
    const exported = async (why: object, key?: string) => {
      const url = '/v1/audit/exports';
      const authorization = `Bearer ${await issuer.token({ sub: 'a1', roles: ['auditor'] })}`;
      const headers = { authorization, ...(key !== undefined && { 'idempotency-key': key }) };
      const answer = await api.inject({ method: 'POST', url, headers, payload: { from: 0, to: 1, ...why } });
      expect(schemas.mistakes('POST', url, answer)).toEqual([]);
      return answer;
    };
    const recorded = async () =>
      (await events('AuditExported')).map(({ data }) => [data['purpose'], data['reference']]);
    beforeAll(async () => {
      await received();
      await api.caughtUp();
    });

    it('is put on record with its purpose and file; who states none asks for the own audit', async () => {
      const before = (await recorded()).length;
      const asked = [{}, { purpose: 'audit', reference: 'AUD/3' }, { purpose: 'disclosure', reference: 'JKN-2026-7' }];
      for (const why of asked) expect((await exported(why)).statusCode).toBe(200);
      expect((await recorded()).slice(before)).toEqual([
        ['audit', null],
        ['audit', 'AUD/3'],
        ['disclosure', 'JKN-2026-7'],
      ]);
    });

    it.each<[string, object, object]>([
      ['a disclosure without a file', { purpose: 'disclosure' }, { code: 'reference_missing', status: 422 }],
      [
        'a sentence for a file',
        { purpose: 'disclosure', reference: 'Mr Sato asked' },
        { code: 'invalid_request', errors: [{ pointer: '/reference' }] },
      ],
      ['a My Number', { purpose: 'disclosure', reference: '123456789012' }, { code: 'my_number_present' }],
      [
        'the review of a hold',
        { purpose: 'hold_review' },
        { code: 'invalid_request', errors: [{ pointer: '/purpose' }] },
      ],
    ])('gives nothing out and records no export for %s', async (_what, why, refusal) => {
      const before = await recorded();
      expect((await exported(why)).json()).toMatchObject(refusal);
      expect(await recorded()).toEqual(before);
    });

    it('is another command under the same key when it is for something else', async () => {
      const reference = 'JKN-2026-8';
      expect((await exported({ purpose: 'disclosure', reference }, 'export-1')).statusCode).toBe(200);
      expect((await exported({ purpose: 'disclosure', reference }, 'export-1')).statusCode).toBe(200);
      expect((await exported({ purpose: 'audit', reference }, 'export-1')).json()).toMatchObject({
        code: 'idempotency_key_reused',
      });
    });
  });
});
