import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CommandBus } from '@nestjs/cqrs';
import type { LightMyRequestResponse } from 'fastify';
import { holdReviews } from '../../src/application/decisions/aggregates.js';
import { CASE_BLOBS, caseOwner } from '../../src/application/case/case-material.js';
import { DecideAndAppend } from '../../src/application/decisions/decide-and-append.js';
import { EnrolBooth } from '../../src/application/commands/manage-booth.js';
import { DEFAULT_POLICY } from '../../src/domain/policy/policy.js';
import { AnswerSchemas } from './support/answer-schemas.js';
import { ApiServer, NOW } from './support/api-server.js';
import { CARD_RECORD, envelopeOf, newBooth, partsOf, PHOTO, requestJson } from './support/booth.js';
import { BOUNDARY, multipartBody } from './support/multipart.js';
import { TokenIssuer } from './support/token-issuer.js';

// @req R15 R17
let issuer: TokenIssuer;
let api: ApiServer;
/** A received and held case. */
let requestId: string;

/** Every success is checked against the interface description: what it says and what is sent must not drift apart. */
let schemas: AnswerSchemas;

const as = async (sub: string, ...roles: string[]) => ({
  authorization: `Bearer ${await issuer.token({ sub, roles })}`,
});
const get = async (url: string, headers: Record<string, string>) =>
  described('GET', url, await api.inject({ method: 'GET', url, headers }));
const post = async (url: string, headers: Record<string, string>, payload?: object) =>
  described('POST', url, await api.inject({ method: 'POST', url, headers, ...(payload && { payload }) }));

function described(method: string, url: string, answer: LightMyRequestResponse): LightMyRequestResponse {
  expect(schemas.mistakes(method, url, answer)).toEqual([]);
  return answer;
}

beforeAll(async () => {
  issuer = await TokenIssuer.start();
  api = await ApiServer.start({
    oidc: { issuer: issuer.issuer, audience: issuer.audience, jwksUri: null, rolesClaim: 'roles' },
  });
  schemas = new AnswerSchemas((await api.inject({ method: 'GET', url: '/openapi.json' })).json());
  const booth = newBooth('booth-0001');
  await api.app
    .get(CommandBus, { strict: false })
    .execute(new EnrolBooth('enrol', booth.boothId, booth.publicKey, 'admin'));
  const { nonce } = (await post('/v1/challenges', {}, { boothId: booth.boothId })).json<{ nonce: string }>();
  const body = multipartBody(partsOf(requestJson(booth, envelopeOf(booth, nonce))));
  const received = await api.inject({
    method: 'POST',
    url: '/v1/registrations',
    headers: { 'content-type': `multipart/form-data; boundary=${BOUNDARY}`, 'idempotency-key': 'k' },
    payload: body,
  });
  expect(received.statusCode).toBe(202);
  requestId = (await api.events()).find((e) => e.type === 'RequestReceived')?.data['requestId'] as string;
  await openHold(requestId);
});
afterAll(async () => {
  await api.close();
  await issuer.close();
});

async function openHold(id: string): Promise<void> {
  const context = {
    commandId: `open-${id}`,
    actor: 'system:saga',
    correlationId: id,
    causationId: id,
    policyVersion: 1,
  };
  await api.app
    .get(DecideAndAppend, { strict: false })
    .execute(
      holdReviews,
      id,
      { type: 'OpenHold', requestId: id, reason: 'registered_gap', dueAtUtc: '2026-11-26T08:05:00.000Z' },
      context,
    );
  api.rows.holdRows.push({
    requestId: id,
    boothId: 'booth-0001',
    reason: 'registered_gap',
    cardPoints: 9_500,
    registeredPoints: 7_500,
    differencePoints: 2_000,
    boundPoints: 2_000,
    policyVersion: 1,
    openedAtUtc: '2026-11-23T08:05:00.000Z',
    dueAtUtc: '2026-11-26T08:05:00.000Z',
    opinions: 0,
    outcome: null,
  });
}

const projectTimeline = () => api.projectTimeline();

describe('the list of holds', () => {
  it.each([
    'include=all',
    'include=',
    'include=resolved&include=resolved',
    'limit=0',
    'limit=201',
    'limit=-1',
    'limit=1.5',
    'limit=',
    'limit=1e2',
    'limit=5&limit=6',
    'cursor=',
    'cursor=1',
    'cursor=999999-1',
    'cursor=1-999',
    'at=2026-11-23T08:00:00.000Z',
    'owner=me',
  ])('refuses ?%s', async (query) => {
    expect((await get(`/v1/holds?${query}`, await as('o1', 'officer'))).json()).toMatchObject({
      code: 'invalid_request',
      status: 400,
    });
  });
});

describe('a review by two officers (@req A10)', () => {
  it('keeps each officer blind to the other until both opinions are in, also in the history and in the past', async () => {
    const id = '0d1e2f30-aaaa-8bbb-9ccc-0123456789ab';
    await openHold(id);
    const opinion = (who: Record<string, string>, value: string) =>
      post(`/v1/holds/${id}/opinions`, who, {
        opinion: value,
        reason: value === 'release' ? 'same_person' : 'different_person',
      });
    const [first, second, third, auditor] = [
      await as('o1', 'officer'),
      await as('o2', 'officer'),
      await as('o3', 'officer'),
      await as('a1', 'auditor'),
    ];
    const one = await opinion(first, 'release');
    expect(one.json()).toEqual({
      requestId: id,
      stage: 'open',
      outcome: null,
      opinions: [{ officer: 'o1', opinion: 'release', reason: 'same_person', seen: [], hasNote: false }],
    });
    await projectTimeline();
    for (const other of [second, auditor]) {
      expect((await get(`/v1/holds/${id}`, other)).json()).toMatchObject({ hold: { requestId: id }, opinions: [] });
      for (const at of ['', '?at=2026-11-23T08:05:00.000Z']) {
        const history = await get(`/v1/cases/${id}/history${at}`, other);
        expect(
          history.json<{ events: { type: string; data: unknown; actor: string }[] }>().events.at(-1),
        ).toMatchObject({ type: 'OpinionGiven', data: { withheld: true }, actor: 'officer:withheld' });
        expect(history.body).not.toMatch(/same_person|"o1"|officer:o1/);
      }
    }
    expect(
      (await get(`/v1/cases/${id}/history`, first)).json<{ events: { data: unknown }[] }>().events.at(-1)?.data,
    ).toMatchObject({ officer: 'o1', opinion: 'release' });
    expect((await opinion(first, 'reject')).json()).toMatchObject({ code: 'opinion_already_given', status: 409 });
    expect(
      (await post(`/v1/holds/${id}/resolution`, second, { outcome: 'released', reason: 'same_person' })).json(),
    ).toMatchObject({ code: 'opinions_missing', status: 409, data: { given: 1, needed: 2 } });
    expect((await opinion(second, 'reject')).json<{ opinions: unknown[] }>().opinions).toHaveLength(2);
    await projectTimeline();
    expect((await get(`/v1/cases/${id}/history`, auditor)).body).toContain('same_person');
    expect(
      (await post(`/v1/holds/${id}/resolution`, second, { outcome: 'rejected', reason: 'different_person' })).json(),
    ).toMatchObject({ code: 'third_officer_needed', status: 409 });
    expect(
      (await post(`/v1/holds/${id}/resolution`, third, { outcome: 'rejected', reason: 'different_person' })).json(),
    ).toMatchObject({ requestId: id, stage: 'resolved', outcome: 'rejected' });
    expect((await opinion(third, 'release')).json()).toMatchObject({ code: 'hold_not_open', status: 409 });
  });

  // @fault Q4
  it.each([
    ['reject', 'same_person'],
    ['release', 'different_person'],
    ['release', 'photograph_unclear'],
    ['recapture', 'different_person'],
  ])('refuses to %s because of %s, and says which reasons fit', async (value, reason) => {
    const id = '0d1e2f30-aaaa-8bbb-9ccc-0123456789a1';
    await openHold(id);
    const answer = await post(`/v1/holds/${id}/opinions`, await as('o1', 'officer'), { opinion: value, reason });
    expect(answer.json()).toMatchObject({ code: 'opinion_contradicts_reason', status: 422 });
    expect(answer.json<{ data: { reasons: string[] } }>().data.reasons).not.toContain(reason);
    expect((await api.events()).filter((e) => e.stream === `hold-${id}`).map((e) => e.type)).toEqual(['HoldOpened']);
  });

  // @fault Q4 Q7
  it('stays blind whatever an officer takes back, opens or asks, by every route that officers have', async () => {
    const id = '0d1e2f30-aaaa-8bbb-9ccc-0123456789a2';
    await openHold(id);
    const [first, second] = [await as('o1', 'officer'), await as('o2', 'officer')];
    const give = (who: Record<string, string>, value: string, note?: string) =>
      post(`/v1/holds/${id}/opinions`, who, {
        opinion: value,
        reason: value === 'release' ? 'checked_in_person' : 'different_person',
        ...(note !== undefined && { note }),
      });
    const withdraw = (who: Record<string, string>) => post(`/v1/holds/${id}/opinions/withdrawal`, who);
    const asked = async (who: Record<string, string>) => {
      await projectTimeline();
      const bodies = [];
      for (const url of [
        `/v1/holds/${id}`,
        '/v1/holds?include=resolved',
        '/v1/cases',
        `/v1/cases/${id}/history`,
        `/v1/cases/${id}/history?position=${(await api.events()).length - 1}`,
        `/v1/audit/cases/${id}/state`,
        `/v1/audit/cases/${id}/explanation?lang=en`,
        `/v1/audit/cases/${id}/difference?from=2020-01-01T00:00:00Z&to=2099-01-01T00:00:00Z`,
      ]) {
        const answer = await get(url, who);
        expect([url, answer.statusCode]).toEqual([url, 200]);
        bodies.push(answer.body);
      }
      return bodies.join('\n');
    };
    expect((await withdraw(first)).json()).toMatchObject({ code: 'opinion_not_given', status: 409 });
    const SECRET = /checked_in_person|different_person|doubtful words|"o1"|officer:o1|Officer o1/;
    for (const value of ['release', 'reject', 'release']) {
      const mine = await give(first, value, 'doubtful words');
      expect(mine.json()).toMatchObject({ opinions: [{ officer: 'o1', opinion: value, hasNote: true }] });
      expect(await asked(second)).not.toMatch(SECRET);
      expect((await get(`/v1/holds/${id}`, first)).json()).toMatchObject({ opinions: [{ note: 'doubtful words' }] });
      expect((await withdraw(second)).json()).toMatchObject({ code: 'opinion_not_given' });
      expect((await withdraw(first)).json()).toMatchObject({ stage: 'open', opinions: [] });
      expect(await asked(second)).not.toMatch(SECRET);
    }
    await give(first, 'release', 'doubtful words');
    // The lists that only auditors have stay closed to officers.
    for (const list of ['decisions', 'accesses', 'exports', 'erasures'])
      expect((await get(`/v1/audit/lists/${list}`, second)).statusCode).toBe(403);
    expect((await post('/v1/audit/exports', second, { from: 0 })).statusCode).toBe(403);
    expect(await asked(second)).not.toMatch(SECRET);

    await give(second, 'reject');
    expect((await withdraw(first)).json()).toMatchObject({ code: 'opinions_complete', status: 409 });
    expect((await get(`/v1/holds/${id}`, second)).json<{ opinions: unknown[] }>().opinions).toEqual([
      {
        officer: 'o1',
        opinion: 'release',
        reason: 'checked_in_person',
        seen: [],
        hasNote: true,
        note: 'doubtful words',
      },
      { officer: 'o2', opinion: 'reject', reason: 'different_person', seen: [], hasNote: false, note: null },
    ]);
    await projectTimeline();
    // @fault Q7: the officers of the case are told why.
    const why = await get(`/v1/audit/cases/${id}/explanation?lang=en`, second);
    expect(why.body).toMatch(/Officer o1 gave an opinion: release \(checked_in_person\)/);
    expect(why.body).toMatch(/No picture had been opened before/);
    expect((await api.events()).map((e) => JSON.stringify(e.data)).join()).not.toContain('doubtful words');
  });

  // @fault Q4
  it('says which pictures an officer had opened, and withholds the looks of the other while it is blind', async () => {
    await projectTimeline();
    const [first, second] = [await as('o7', 'officer'), await as('o8', 'officer')];
    for (const image of ['photo', 'card_face', 'photo'])
      await get(`/v1/cases/${requestId}/images/${image}?purpose=hold_review`, first);
    await projectTimeline();
    const mine = await post(`/v1/holds/${requestId}/opinions`, first, { opinion: 'release', reason: 'same_person' });
    expect(mine.json()).toMatchObject({ opinions: [{ officer: 'o7', seen: ['card_face', 'photo'] }] });
    await projectTimeline();
    const shown = await get(`/v1/cases/${requestId}/history`, second);
    expect(shown.body).not.toMatch(/o7/);
    const looks = shown.json<{ events: { type: string; data: unknown }[] }>().events;
    expect(looks.filter(({ type }) => type === 'BiometricViewed').map(({ data }) => data)).toContainEqual({
      withheld: true,
    });
    expect((await post(`/v1/holds/${requestId}/opinions/withdrawal`, first)).statusCode).toBe(200);
  });

  it('is carried out once for a repeated key', async () => {
    const id = '0d1e2f30-aaaa-8bbb-9ccc-0123456789ac';
    await openHold(id);
    const headers = { ...(await as('o1', 'officer')), 'idempotency-key': 'click' };
    const first = await post(`/v1/holds/${id}/opinions`, headers, { opinion: 'release', reason: 'same_person' });
    const again = await post(`/v1/holds/${id}/opinions`, headers, { opinion: 'release', reason: 'same_person' });
    expect([again.statusCode, again.body]).toEqual([200, first.body]);
    expect(
      (await post(`/v1/holds/${id}/opinions`, headers, { opinion: 'reject', reason: 'different_person' })).json(),
    ).toMatchObject({ code: 'idempotency_key_reused' });
    expect((await api.events()).filter((e) => e.type === 'OpinionGiven' && e.stream === `hold-${id}`)).toHaveLength(1);
  });

  it.each<[string, object, string]>([
    ['an unknown opinion', { opinion: 'maybe', reason: 'same_person' }, '/opinion'],
    ['free text as reason', { opinion: 'release', reason: 'looks like Taro' }, '/reason'],
    ['a member too many', { opinion: 'release', reason: 'same_person', comment: 'x' }, '/comment'],
    ['a note without words', { opinion: 'release', reason: 'same_person', note: '' }, '/note'],
    ['a note that is too long', { opinion: 'release', reason: 'same_person', note: 'x'.repeat(501) }, '/note'],
  ])('refuses %s', async (_name, body, pointer) => {
    const answer = await post(`/v1/holds/${requestId}/opinions`, await as('o1', 'officer'), body);
    expect(answer.json()).toMatchObject({ code: 'invalid_request', errors: [{ pointer }] });
  });

  it('refuses a My Number, a wrong content type and a key in another form', async () => {
    const officer = await as('o1', 'officer');
    const url = `/v1/holds/${requestId}/opinions`;
    expect(
      (await post(url, officer, { opinion: 'release', reason: 'same_person', note: '123456789018' })).json(),
    ).toMatchObject({ code: 'my_number_present' });
    expect(
      (
        await api.inject({ method: 'POST', url, headers: { ...officer, 'content-type': 'text/plain' }, payload: 'x' })
      ).json(),
    ).toMatchObject({ code: 'unsupported_media_type', status: 415 });
    expect(
      (
        await api.inject({
          method: 'POST',
          url,
          headers: { ...officer, 'content-type': 'application/json' },
          payload: 'x'.repeat(20_000),
        })
      ).json(),
    ).toMatchObject({ code: 'request_too_large', status: 413 });
    expect(
      (await post(url, { ...officer, 'idempotency-key': 'a b' }, { opinion: 'release', reason: 'same_person' })).json(),
    ).toMatchObject({ code: 'invalid_request' });
    expect(
      (
        await post(
          url,
          { ...officer, 'idempotency-key': '123456789018' },
          { opinion: 'release', reason: 'same_person' },
        )
      ).json(),
    ).toMatchObject({ code: 'my_number_present' });
    expect(
      (await post('/v1/holds/nothing/opinions', officer, { opinion: 'release', reason: 'same_person' })).json(),
    ).toMatchObject({ code: 'not_found' });
  });
});

describe('a case', () => {
  it('is found by the receipt, as it is printed or as people type it', async () => {
    const row = {
      requestId,
      receipt: '7K3M-9QXD-2VTB-HW10',
      status: 'processing',
      updatedAtUtc: '2026-11-23T08:06:00.000Z',
    } as const;
    api.rows.put(row);
    const officer = await as('o1', 'officer');
    for (const typed of [row.receipt, '7k3m-9qxd-2vtb-hwio', '%207K3M-9QXD-2VTB-HWLO'])
      expect((await get(`/v1/cases?receipt=${typed}`, officer)).json()).toEqual(row);
    for (const query of [
      '?receipt=',
      '?receipt=7K3M',
      '?receipt=7K3M-9QXD-2VTB-HW11',
      `?receipt=${row.receipt}&receipt=${row.receipt}`,
    ]) {
      expect((await get(`/v1/cases${query}`, officer)).json()).toMatchObject({ code: 'not_found', status: 404 });
    }
  });
});

describe("a case's history", () => {
  it('is not shown in half while the rows are behind the log', async () => {
    api.rows.behind = true;
    const answer = await get(`/v1/cases/${requestId}/history`, await as('a1', 'auditor'));
    api.rows.behind = false;
    expect(answer.json()).toMatchObject({ code: 'read_side_behind', status: 503 });
  });

  it('is shown as it was known at an instant or a position', async () => {
    const id = '0d1e2f30-aaaa-8bbb-9ccc-0123456789ad';
    await openHold(id);
    api.clock.now = '2026-11-23T09:00:00.000Z';
    const opinion = (
      await post(`/v1/holds/${id}/opinions`, await as('o1', 'officer'), { opinion: 'release', reason: 'same_person' })
    ).statusCode;
    expect(opinion).toBe(200);
    await projectTimeline();
    const officer = await as('o1', 'officer');
    const types = async (query: string) =>
      (await get(`/v1/cases/${id}/history${query}`, officer))
        .json<{ events: { type: string }[] }>()
        .events.map((e) => e.type);
    const place = (await api.events()).findIndex((e) => e.stream === `hold-${id}`);
    expect(await types('')).toEqual(['HoldOpened', 'OpinionGiven']);
    expect(await types('?at=2026-11-23T08:59:59.999Z')).toEqual(['HoldOpened']);
    expect(await types('?at=2026-11-23T09:00:00.000Z')).toEqual(['HoldOpened', 'OpinionGiven']);
    expect(await types(`?position=${place}`)).toEqual(['HoldOpened']);
    expect(await types(`?position=${place + 1}`)).toEqual(['HoldOpened', 'OpinionGiven']);
    const wrong = async (query: string) =>
      (await get(`/v1/cases/${id}/history${query}`, officer)).json<{ code: string; errors?: { expected: string }[] }>();
    expect(await wrong(`?position=${place - 1}`)).toMatchObject({ code: 'nothing_known_then', status: 404 });
    expect(await wrong('?at=2026-11-23T07:00:00.000Z')).toMatchObject({
      code: 'moment_out_of_range',
      status: 400,
      errors: [
        {
          expected:
            '2026-11-23T07:00:00.000Z is before the first event of the log, which is of 2026-11-23T08:05:00.000Z',
        },
      ],
      log: { first: { position: 0, atUtc: '2026-11-23T08:05:00.000Z' } },
    });
    expect(await wrong('?at=2026-11-23T09:00:00.001Z')).toMatchObject({
      code: 'moment_out_of_range',
      errors: [{ expected: '2026-11-23T09:00:00.001Z is in the future; it is 2026-11-23T09:00:00.000Z now' }],
    });
    expect(await wrong('?position=100000')).toMatchObject({
      code: 'moment_out_of_range',
      errors: [{ expected: expect.stringMatching(/^the log has \d+ entries: positions go from 0 to \d+$/) }],
    });
    for (const query of [
      '?at=yesterday',
      '?at=2026-11-23',
      '?position=-1',
      '?position=x',
      '?position=1.5',
      '?position=',
      '?position=1&at=2026-11-23T09:00:00.000Z',
      '?when=now',
    ])
      expect(await wrong(query)).toMatchObject({ code: 'invalid_request', status: 400 });
    expect((await get(`/v1/cases/0d1e2f30-aaaa-8bbb-9ccc-000000000000/history`, officer)).json()).toMatchObject({
      code: 'not_found',
    });
    api.clock.now = NOW;
  });
});

describe('a picture', () => {
  const image = (name: string, query: string, headers: Record<string, string>) =>
    get(`/v1/cases/${requestId}/images/${name}${query}`, headers);
  const newEvents = async (before: number) => (await api.events()).slice(before).map((e) => [e.type, e.data]);

  it('is given out only after the look is on record, and is not kept by caches', async () => {
    const before = (await api.events()).length;
    const answer = await image('photo', '?purpose=hold_review', await as('o1', 'officer'));
    expect(answer.statusCode).toBe(200);
    expect(answer.rawPayload.equals(PHOTO)).toBe(true);
    expect(answer.headers).toMatchObject({
      'content-type': 'image/jpeg',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
    expect(await newEvents(before)).toEqual([
      [
        'BiometricViewed',
        { officer: 'o1', requestId, image: 'photo', purpose: 'hold_review', reference: null, grounds: 'open_hold' },
      ],
    ]);
  });

  it('of the card is served as a PNG, because no browser shows JPEG 2000, and on request as it came from the card', async () => {
    const auditor = await as('a1', 'auditor');
    const jp2 = Buffer.concat([Buffer.from('jp2:'), CARD_RECORD.subarray(0, 16)]);
    const shown = await image('card_face', '?purpose=audit', auditor);
    expect(shown.headers['content-type']).toBe('image/png');
    expect(shown.rawPayload.equals(Buffer.concat([Buffer.from('png:'), jp2]))).toBe(true);
    const original = await image('card_face', '?purpose=audit&format=original', auditor);
    expect(original.headers['content-type']).toBe('image/jp2');
    expect(original.rawPayload.equals(jp2)).toBe(true);
    expect((await image('card_face', '?purpose=audit&format=gif', auditor)).json()).toMatchObject({
      code: 'invalid_request',
    });
  });

  it('that no worker can decode now is promised for later, and the original is still there', async () => {
    const auditor = await as('a1', 'auditor');
    api.renderer.busy = true;
    const busy = await image('card_face', '?purpose=audit', auditor);
    const original = await image('card_face', '?purpose=audit&format=original', auditor);
    api.renderer.busy = false;
    expect(busy.json()).toMatchObject({ code: 'picture_busy', status: 503 });
    expect(busy.headers['retry-after']).toBe('1');
    expect(original.statusCode).toBe(200);
  });

  it('that does not exist is said to be missing, and no look is on record', async () => {
    const before = (await api.events()).length;
    expect((await image('registered_face', '?purpose=hold_review', await as('o1', 'officer'))).json()).toMatchObject({
      code: 'not_found',
    });
    expect((await image('passport', '?purpose=hold_review', await as('o1', 'officer'))).json()).toMatchObject({
      code: 'not_found',
    });
    expect(await newEvents(before)).toEqual([]);
  });

  it.each(['', '?purpose=', '?purpose=curiosity', '?purpose=audit&purpose=audit'])(
    'needs a purpose: %j',
    async (query) => {
      expect((await image('photo', query, await as('o1', 'officer'))).json()).toMatchObject({
        code: 'invalid_request',
      });
    },
  );

  it.each([
    ['officer', 'audit'],
    ['auditor', 'hold_review'],
  ])('is not for an %s with purpose %s, which goes on record', async (role, purpose) => {
    const before = (await api.events()).length;
    const answer = await image('photo', `?purpose=${purpose}`, await as('x1', role));
    expect(answer.json()).toMatchObject({ code: 'forbidden', status: 403 });
    expect(await newEvents(before)).toEqual([
      [
        'AccessRefused',
        { subject: 'x1', what: 'GET /v1/cases/:requestId/images/photo', reason: `purpose_not_for_role:${purpose}` },
      ],
    ]);
  });

  it('is not given out when the look cannot be put on record', async () => {
    api.store.trouble = { streamPrefix: 'access-', kind: 'unknown' };
    const answer = await image('photo', '?purpose=hold_review', await as('o1', 'officer'));
    api.store.trouble = null;
    expect(answer.json()).toMatchObject({ code: 'access_log_unavailable', status: 503 });
    expect(answer.rawPayload.includes(PHOTO.subarray(0, 8))).toBe(false);
  });
});

describe('booths', () => {
  const key = () => newBooth('x').publicKey;
  const why = { reason: 'new_site', reference: 'WO-7' };
  const agreed = async (url: string, body: object): Promise<LightMyRequestResponse> => {
    const proposed = await post(url, await as('adm', 'administrator'), body);
    if (proposed.statusCode !== 202) return proposed;
    const { actId } = proposed.json<{ actId: string }>();
    return post(`/v1/acts/${actId}/approval`, await as('adm-b', 'administrator'));
  };
  const listed = async () => {
    await api.caughtUp();
    return (await get('/v1/booths', await as('adm', 'administrator'))).json<{ booths: object[] }>().booths;
  };

  // @fault O13
  it('are enrolled, get new keys, are suspended by one person and brought back by two', async () => {
    const [first, second] = [key(), key()];
    const admin = await as('adm', 'administrator');
    expect((await agreed('/v1/booths', { boothId: 'booth-0100', publicKey: first, ...why })).json()).toMatchObject({
      stage: 'carried_out',
      approvedBy: 'adm-b',
    });
    expect((await agreed('/v1/booths', { boothId: 'booth-0100', publicKey: second, ...why })).json()).toMatchObject({
      code: 'booth_exists',
      status: 409,
    });
    expect((await post('/v1/booths/booth-0100/suspension', admin, { reason: 'tampered' })).json()).toMatchObject({
      stage: 'suspended',
      publicKey: first,
    });
    const rotation = { publicKey: second, reason: 'suspected_disclosure', reference: 'INC-9' };
    expect((await agreed('/v1/booths/booth-0100/keys', rotation)).json()).toMatchObject({ stage: 'carried_out' });
    expect(await listed()).toContainEqual(
      expect.objectContaining({ boothId: 'booth-0100', state: 'suspended', keyVersion: 2 }),
    );
    expect(
      (await agreed('/v1/booths/booth-0100/resumption', { reason: 'false_alarm', reference: 'INC-9' })).json(),
    ).toMatchObject({ stage: 'carried_out' });
    expect(await listed()).toContainEqual(
      expect.objectContaining({ boothId: 'booth-0100', state: 'enrolled', keyVersion: 2 }),
    );
    expect((await post('/v1/booths/booth-0404/suspension', admin, { reason: 'lost' })).json()).toMatchObject({
      code: 'booth_unknown',
      status: 404,
    });
    expect((await post('/v1/booths/Booth!/suspension', admin, { reason: 'lost' })).json()).toMatchObject({
      code: 'booth_unknown',
      status: 404,
    });
  });

  it('that were retired do not come back', async () => {
    await agreed('/v1/booths', { boothId: 'booth-0110', publicKey: key(), ...why });
    await post('/v1/booths/booth-0110/suspension', await as('adm', 'administrator'), { reason: 'retired' });
    expect(
      (await agreed('/v1/booths/booth-0110/resumption', { reason: 'found_again', reference: 'x' })).json(),
    ).toMatchObject({ code: 'booth_retired', status: 409 });
    expect(
      (await agreed('/v1/booths/booth-0110/keys', { publicKey: key(), reason: 'repair', reference: 'x' })).json(),
    ).toMatchObject({ code: 'booth_retired' });
  });

  it.each<[string, object, string]>([
    ['an id of another form', { boothId: 'B', publicKey: '', ...why }, '/boothId'],
    [
      'a key that is no key',
      { boothId: 'booth-0101', publicKey: Buffer.alloc(44).toString('base64'), ...why },
      '/publicKey',
    ],
    ['no key', { boothId: 'booth-0101', ...why }, '/publicKey'],
    ['no reason', { boothId: 'booth-0101', publicKey: newBooth('x').publicKey, reference: 'WO-1' }, '/reason'],
    [
      'a reference with a sentence in it',
      { boothId: 'booth-0101', publicKey: newBooth('x').publicKey, reason: 'trial', reference: 'as Ms Mori said' },
      '/reference',
    ],
  ])('are not enrolled with %s', async (_name, body, pointer) => {
    expect((await post('/v1/booths', await as('adm', 'administrator'), body)).json()).toMatchObject({
      code: 'invalid_request',
      errors: expect.arrayContaining([expect.objectContaining({ pointer })]),
    });
  });
});

describe('policies', () => {
  it('are proposed, approved by another, and put in force', async () => {
    const [one, two] = [await as('adm-1', 'administrator'), await as('adm-2', 'administrator')];
    const proposed = await post('/v1/policies', one, { ...DEFAULT_POLICY, holdMarginPoints: 1_500 });
    expect(proposed.statusCode).toBe(201);
    const { versions } = proposed.json<{
      versions: { version: number; values: object; approvedBy: string | null }[];
    }>();
    const { version, values, approvedBy } = versions.at(-1) as (typeof versions)[number];
    expect([values, approvedBy]).toEqual([{ ...DEFAULT_POLICY, holdMarginPoints: 1_500 }, null]);
    expect((await post(`/v1/policies/${version}/activation`, one)).json()).toMatchObject({
      code: 'policy_not_approved',
      status: 409,
    });
    expect((await post(`/v1/policies/${version}/approval`, one)).json()).toMatchObject({
      code: 'policy_own_proposal',
      status: 403,
    });
    expect((await post(`/v1/policies/${version}/approval`, two)).statusCode).toBe(200);
    expect((await post(`/v1/policies/${version}/activation`, one)).json()).toMatchObject({ active: version });
    expect((await get('/v1/policies', await as('a1', 'auditor'))).json()).toMatchObject({ active: version });
    for (const wrong of ['99', '0', 'x', '1.5', '-1', '99999999999'])
      expect((await post(`/v1/policies/${wrong}/approval`, two)).json()).toMatchObject({
        code: 'policy_version_unknown',
        status: 404,
      });
  });

  it.each<[string, object, string, unknown]>([
    [
      'points above the scale',
      { holdMarginPoints: 10_001 },
      'policy_invalid',
      { data: { field: 'holdMarginPoints', problem: 'must be an integer 0..10000' } },
    ],
    [
      'evidence that is kept for ever',
      { refusedEvidenceRetentionDays: 1_000_000 },
      'policy_invalid',
      { data: { field: 'refusedEvidenceRetentionDays', problem: 'must be an integer 1..3650' } },
    ],
    [
      'no type of certificate',
      { certificateTypesWithoutSameCard: [] },
      'invalid_request',
      { errors: [{ pointer: '/certificateTypesWithoutSameCard' }] },
    ],
    [
      'a type of certificate that is none',
      { certificateTypesWithoutSameCard: ['driving_licence'] },
      'invalid_request',
      { errors: [{ pointer: '/certificateTypesWithoutSameCard' }] },
    ],
    [
      'a type of certificate twice',
      { certificateTypesWithoutSameCard: ['digital_signature', 'digital_signature'] },
      'policy_invalid',
      { data: { field: 'certificateTypesWithoutSameCard', problem: 'must name one type of certificate or both' } },
    ],
    [
      'half a day of evidence',
      { refusedEvidenceRetentionDays: 0.5 },
      'invalid_request',
      { errors: [{ pointer: '/refusedEvidenceRetentionDays' }] },
    ],
    [
      'a referral mark above the pass mark',
      { referralPointsMin: 9_300 },
      'policy_invalid',
      { data: { field: 'referralPointsMin' } },
    ],
    [
      'points with a fraction',
      { holdMarginPoints: 0.5 },
      'invalid_request',
      { errors: [{ pointer: '/holdMarginPoints' }] },
    ],
    [
      'points as text',
      { cardMatchPointsMin: '9200' },
      'invalid_request',
      { errors: [{ pointer: '/cardMatchPointsMin' }] },
    ],
    [
      'no consent text',
      { consentTextVersions: [] },
      'invalid_request',
      { errors: [{ pointer: '/consentTextVersions' }] },
    ],
    [
      'a retry without its limit',
      { retry: { firstDelaySeconds: 1, delaySecondsMax: 2 } },
      'invalid_request',
      { errors: [{ pointer: '/retry/attemptsMax' }] },
    ],
    [
      'a value that does not belong there',
      { holdMargin: 1 },
      'invalid_request',
      { errors: [{ pointer: '/holdMargin' }] },
    ],
  ])('are refused with %s', async (_name, change, code, more) => {
    expect(
      (await post('/v1/policies', await as('adm-1', 'administrator'), { ...DEFAULT_POLICY, ...change })).json(),
    ).toMatchObject({ code, ...(more as object) });
  });
});

describe('a stuck step', () => {
  it('that nobody knows cannot be resumed', async () => {
    const admin = await as('adm', 'administrator');
    const answer = await post(`/v1/cases/${requestId}/effects/submit-1/resumption`, admin);
    expect([404, 409]).toContain(answer.statusCode);
    expect(answer.json()).toMatchObject({ code: expect.stringMatching(/^(not_found|wrong_stage)$/) });
    expect(
      (await post(`/v1/cases/${requestId}/effects/${encodeURIComponent('a b')}/resumption`, admin)).json(),
    ).toMatchObject({ code: 'not_found' });
  });
});

describe('a case that cannot go on', () => {
  const end = async (body: object, headers: Record<string, string> = {}, id = requestId) =>
    post(`/v1/cases/${id}/end`, { ...(await as('adm', 'administrator')), ...headers }, body);
  const WHY = { reason: 'tampering_suspected', reference: 'INC-2026-0117' };
  const look = async () => get(`/v1/cases/${requestId}/images/photo?purpose=hold_review`, await as('o1', 'officer'));
  const ofCase = async () =>
    (await api.events())
      .filter((e) => e.stream === `registration-${requestId}`)
      .map(({ type, data }) => ({ type, data }));

  it('is ended by nobody while it can go on', async () => {
    expect((await end(WHY)).json()).toMatchObject({ code: 'case_can_go_on', status: 409, data: { stage: 'received' } });
    expect((await end(WHY, {}, '0d1e2f30-aaaa-8bbb-9ccc-000000000000')).json()).toMatchObject({
      code: 'not_found',
      status: 404,
    });
    expect((await ofCase()).map(({ type }) => type)).toEqual(['RequestReceived']);
  });

  it.each<[string, object]>([
    ['another reason', { ...WHY, reason: 'bored' }],
    ['no reference', { reason: WHY.reason }],
    ['a sentence', { ...WHY, reference: 'Mr Sato said so' }],
    ['more', { ...WHY, note: 'x' }],
  ])('is not ended with %s', async (_, body) => {
    expect((await end(body)).json()).toMatchObject({ code: 'invalid_request' });
  });

  it('shows nothing that is not what was received, stops, and is ended once by an administrator', async () => {
    await api.vault.remove(caseOwner(requestId), CASE_BLOBS.photo);
    await api.vault.seal(
      caseOwner(requestId),
      CASE_BLOBS.photo,
      Buffer.concat([PHOTO, Buffer.from('of somebody else')]),
    );
    const shown = await look();
    expect(shown.json()).toMatchObject({ code: 'material_differs', status: 409 });
    expect(shown.rawPayload.includes(PHOTO.subarray(0, 16))).toBe(false);
    expect((await ofCase()).at(-1)).toEqual({
      type: 'MaterialDiffered',
      data: { material: 'photo', difference: 'other_bytes', foundAt: 'view', submission: 'not_attempted' },
    });
    // Looking again finds the same and says nothing new.
    expect((await look()).json()).toMatchObject({ code: 'material_differs' });
    expect(await ofCase()).toHaveLength(2);
    expect((await end(WHY, { 'idempotency-key': 'e1' })).statusCode).toBe(204);
    expect((await end(WHY, { 'idempotency-key': 'e1' })).statusCode).toBe(204);
    expect((await end(WHY)).statusCode).toBe(204);
    expect((await end({ ...WHY, reference: 'INC-2' })).json()).toMatchObject({ code: 'wrong_stage' });
    expect((await ofCase()).slice(2)).toEqual([
      {
        type: 'RequestEndedByOperator',
        data: { cause: 'material_differed', stuckEffectId: null, ...WHY, by: 'adm', earlierOutcome: null },
      },
    ]);
  });
});
