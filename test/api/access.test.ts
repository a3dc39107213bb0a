import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { LightMyRequestResponse } from 'fastify';
import { parseNote, writeNote } from '../../src/domain/audit/log/signed-note.js';
import { verifyBundle } from '../../src/domain/audit/bundle/verify-bundle.js';
import { isSoundList, verifyList } from '../../src/domain/audit/lists/verify-list.js';
import { verifyWhatIf, type SignedWhatIf } from '../../src/domain/audit/what-if/what-if-report.js';
import { DEFAULT_POLICY } from '../../src/domain/policy/policy.js';
import { primitives } from '../audit/support.js';
import { leafText } from '../../src/domain/audit/log/leaf.js';
import { canonicalJson } from '../../src/domain/values/canonical-json.js';
import type { JsonObject } from '../../src/domain/event-envelope.js';
import { SyntheticHistory } from '../../src/sandbox/synthetic-history.js';
import { AnswerSchemas } from './support/answer-schemas.js';
import { ApiServer, NOW } from './support/api-server.js';
import { PHOTO } from './support/booth.js';
import { receivedRequest } from './support/received.js';
import { TokenIssuer } from './support/token-issuer.js';

/** Looking is an act: it is stored before the answer is given, and where it cannot be stored there is no answer. */
let issuer: TokenIssuer;
let api: ApiServer;
let schemas: AnswerSchemas;
let requestId: string;
/** A case with a photograph in the vault. */
let photographed: string;
const RECEIPT = '7K3M-9QXD-2VTB-HW10';

const as = async (sub: string, ...roles: string[]) => ({
  authorization: `Bearer ${await issuer.token({ sub, roles })}`,
});

beforeAll(async () => {
  issuer = await TokenIssuer.start();
  api = await ApiServer.start({
    oidc: { issuer: issuer.issuer, audience: issuer.audience, jwksUri: null, rolesClaim: 'roles' },
  });
  schemas = new AnswerSchemas((await api.inject({ method: 'GET', url: '/openapi.json' })).json());
  let policies = 0;
  for (const { stream, events, expected } of new SyntheticHistory({ seed: 4 }).appends(30, { registrants: 5 })) {
    // The server has begun its own policy.
    if (stream.startsWith('policy-')) policies += 1;
    else expect(await api.store.append(stream, events, expected)).toMatchObject({ outcome: 'appended' });
  }
  expect(policies).toBe(3);
  const held = (await api.events()).find((e) => e.type === 'Held')!;
  requestId = held.metadata.correlationId;
  photographed = await receivedRequest(api, 'booth-0001');
  api.rows.put({ requestId, receipt: RECEIPT, status: 'processing', updatedAtUtc: NOW });
  api.rows.holdRows.push({
    requestId,
    boothId: 'booth-a',
    reason: 'registered_gap',
    cardPoints: 9_500,
    registeredPoints: 7_500,
    differencePoints: 2_000,
    boundPoints: 2_000,
    policyVersion: 1,
    openedAtUtc: NOW,
    dueAtUtc: NOW,
    opinions: 2,
    outcome: 'released',
  });
  await api.projectTimeline();
}, 180_000);
afterAll(async () => {
  await api.close();
  await issuer.close();
});

interface Look {
  readonly name: string;
  readonly method?: 'GET' | 'POST';
  readonly url: () => string;
  readonly body?: object;
  readonly role: string;
  /** What is on record afterwards. */
  readonly record: () => object;
  /** A route of the interface description. */
  readonly described?: boolean;
}

const viewed =
  (what: string, more: object = {}) =>
  () => ({ type: 'RecordsViewed', data: expect.objectContaining({ by: 'x1', what, ...more }) });
const ofCase = (what: string) => () => ({
  type: 'RecordsViewed',
  data: { by: 'x1', what, requestId, query: expect.any(String) },
});
const LOOKS: readonly Look[] = [
  {
    name: 'a face',
    url: () => `/v1/cases/${photographed}/images/photo?purpose=audit`,
    role: 'auditor',
    record: () => ({
      type: 'BiometricViewed',
      data: {
        officer: 'x1',
        requestId: photographed,
        image: 'photo',
        purpose: 'audit',
        reference: null,
        grounds: 'none',
      },
    }),
  },
  {
    name: 'an export',
    method: 'POST',
    url: () => '/v1/audit/exports',
    body: { from: 0 },
    role: 'auditor',
    record: () => ({ type: 'AuditExported', data: expect.objectContaining({ by: 'x1', withOpenings: false }) }),
  },
  { name: 'a state', url: () => `/v1/audit/cases/${requestId}/state`, role: 'auditor', record: ofCase('case_state') },
  {
    name: 'a state of the past',
    url: () => `/v1/audit/cases/${requestId}/state?at=2026-11-23T08:05:00.000Z`,
    role: 'auditor',
    record: ofCase('case_state'),
  },
  {
    name: 'a difference',
    url: () => `/v1/audit/cases/${requestId}/difference?from=0&to=2026-11-23T08:05:00.000Z`,
    role: 'auditor',
    record: ofCase('case_difference'),
  },
  {
    name: 'an explanation',
    url: () => `/v1/audit/cases/${requestId}/explanation?lang=en`,
    role: 'auditor',
    record: ofCase('case_explanation'),
  },
  { name: 'a history', url: () => `/v1/cases/${requestId}/history`, role: 'officer', record: ofCase('case_history') },
  {
    name: 'the case of a receipt',
    url: () => `/v1/cases?receipt=${RECEIPT}`,
    role: 'officer',
    record: ofCase('case_of_receipt'),
  },
  { name: 'a hold', url: () => `/v1/holds/${requestId}`, role: 'officer', record: ofCase('hold') },
  {
    name: 'the list of holds',
    url: () => '/v1/holds?include=resolved',
    role: 'officer',
    record: viewed('list', { requestId: null, query: expect.stringContaining('"list":"holds"') }),
  },
  {
    name: 'the list of cases',
    url: () => '/v1/cases?limit=5',
    role: 'officer',
    record: viewed('list', { query: expect.stringContaining('"list":"requests"') }),
  },
  {
    name: 'a list of the past',
    url: () => '/v1/audit/lists/requests?position=200',
    role: 'auditor',
    record: viewed('list', { query: expect.stringContaining('"moment":{"position":200}') }),
  },
  {
    name: 'the list of accesses',
    url: () => '/v1/audit/lists/accesses?withNames=true',
    role: 'auditor',
    record: viewed('list', { query: expect.stringContaining('"withNames":true') }),
  },
  {
    name: 'a difference of lists',
    url: () => '/v1/audit/lists/holds/difference?include=resolved&from=10&to=200',
    role: 'auditor',
    record: viewed('list_difference'),
  },
  {
    name: 'entries of the log',
    url: () => '/v1/audit/log/tile/entries/000.p/200',
    role: 'auditor',
    record: viewed('log_entries', { query: '{"path":"tile/entries/000.p/200"}' }),
    described: false,
  },
];

async function send({ method = 'GET', url, body, role }: Look): Promise<LightMyRequestResponse> {
  const size = api.log.checkpoint()?.size ?? 0;
  return api.inject({
    method,
    url: url().replace('000.p/200', size >= 256 ? '000' : `000.p/${size}`),
    headers: await as('x1', role),
    ...(body && { payload: body }),
  });
}

describe.each(LOOKS.map((look) => [look.name, look] as const))('%s', (_name, look) => {
  it('is on record once it is shown', async () => {
    const before = (await api.events()).length;
    const answer = await send(look);
    expect([answer.statusCode, answer.statusCode === 200 ? '' : answer.body]).toEqual([200, '']);
    if (look.described !== false && look.method !== 'POST')
      expect(schemas.mistakes('GET', look.url(), answer)).toEqual([]);
    const added = (await api.events()).slice(before);
    expect(added).toHaveLength(1);
    expect(added[0]).toMatchObject({
      ...(look.described === false
        ? { type: 'RecordsViewed', data: { by: 'x1', what: 'log_entries' } }
        : look.record()),
      metadata: { actor: 'officer:x1' },
    });
  });

  it('waits for its record', async () => {
    let open: () => void = () => undefined;
    api.store.gate = { streamPrefix: 'access-', opened: new Promise<void>((resolve) => (open = resolve)) };
    const before = (await api.events()).length;
    let answered = false;
    const answer = send(look).finally(() => (answered = true));
    // Long enough for everything that an answer needs besides the record.
    await new Promise((resolve) => setTimeout(resolve, 150));
    const early = { answered, events: (await api.events()).length };
    api.store.gate = null;
    open();
    expect((await answer).statusCode).toBe(200);
    expect(early).toEqual({ answered: false, events: before });
    expect((await api.events()).length).toBe(before + 1);
  });

  it.each(['throws', 'unknown'] as const)(
    'is refused, without a word of it, when its record cannot be stored (%s)',
    async (kind) => {
      const before = (await api.events()).length;
      api.store.trouble = { streamPrefix: 'access-', kind };
      const answer = await send(look);
      api.store.trouble = null;
      expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
      expect(answer.headers['retry-after']).toBe('5');
      expect(answer.json()).toMatchObject({ code: 'access_log_unavailable', status: 503 });
      expect(Object.keys(answer.json<object>()).sort()).toEqual([
        'code',
        'detail',
        'instance',
        'status',
        'title',
        'type',
      ]);
      for (const secret of [requestId, 'booth-a', 'cardPoints', 'committed:', PHOTO.toString('latin1').slice(0, 20)])
        expect(answer.rawPayload.toString('latin1')).not.toContain(secret);
      expect((await api.events()).length).toBe(before);
    },
  );

  it('is refused to other roles, on record, or not answered at all', async () => {
    const before = (await api.events()).length;
    const refused = await send({ ...look, role: 'administrator' });
    expect(refused.json()).toMatchObject({ code: 'forbidden', status: 403 });
    expect((await api.events()).slice(before).map((e) => e.type)).toEqual(['AccessRefused']);
    api.store.trouble = { streamPrefix: 'access-', kind: 'throws' };
    const unrecorded = await send({ ...look, role: 'administrator' });
    api.store.trouble = null;
    expect(unrecorded.json()).toMatchObject({ code: 'access_log_unavailable', status: 503 });
  });
});

describe('no record', () => {
  it.each([
    '/v1/booths',
    '/v1/policies',
    '/v1/audit/lists/dashboard',
    '/v1/audit/lists/booths',
    '/v1/audit/lists/policies?at=2026-11-23T08:05:00.000Z',
  ])('is left by what is about nobody: %s', async (url) => {
    const before = (await api.events()).length;
    const answer = await api.inject({ method: 'GET', url, headers: await as('x1', 'auditor') });
    expect(answer.statusCode).toBe(200);
    expect(schemas.mistakes('GET', url, answer)).toEqual([]);
    expect((await api.events()).length).toBe(before);
  });

  it('is left by a question that found nothing', async () => {
    const before = (await api.events()).length;
    for (const url of [
      '/v1/audit/cases/00000000-0000-8000-8000-000000000000/state',
      `/v1/audit/cases/${requestId}/state?position=0`,
      '/v1/cases?receipt=7K3M-9QXD-2VTB-HW60',
      '/v1/holds/00000000-0000-8000-8000-000000000000',
    ]) {
      expect((await api.inject({ method: 'GET', url, headers: await as('x1', 'auditor') })).statusCode).toBe(404);
    }
    expect((await api.events()).length).toBe(before);
  });
});

describe('a look', () => {
  it('does not become part of the history that was looked at, and names nobody in the log', async () => {
    const timeline = async () => {
      await api.projectTimeline();
      return (
        await api.inject({ method: 'GET', url: `/v1/cases/${requestId}/history`, headers: await as('x1', 'officer') })
      ).json<{ events: unknown[] }>().events.length;
    };
    expect(await timeline()).toBe(await timeline());
    const look = (await api.events()).findLast((e) => e.type === 'RecordsViewed')!;
    const leaf = leafText(
      { ...look, data: canonicalJson(look.data), metadata: canonicalJson(look.metadata as unknown as JsonObject) },
      (person) => api.pseudonyms.tokenOf(person),
    );
    expect(leaf).not.toContain('x1');
    expect(leaf).toContain('"by":"committed:');
  });

  it('never ends the blindness of a review, whatever route it takes', async () => {
    const id = '0d1e2f30-aaaa-8bbb-9ccc-0123456789ae';
    const meta = (actor: string) => ({
      actor,
      correlationId: id,
      causationId: id,
      recordedAtUtc: NOW,
      policyVersion: 1,
    });
    await api.store.append(
      `hold-${id}`,
      [
        {
          id: '00000000-0000-4000-8000-0000000000a1',
          type: 'HoldOpened',
          schemaVersion: 1,
          data: { requestId: id, reason: 'registered_gap', dueAtUtc: NOW },
          metadata: meta('system:saga'),
        },
        {
          id: '00000000-0000-4000-8000-0000000000a2',
          type: 'OpinionGiven',
          schemaVersion: 1,
          data: { officer: 'o1', opinion: 'release', reason: 'same_person' },
          metadata: meta('officer:o1'),
        },
      ],
      'no_stream',
    );
    await api.projectTimeline();
    const size = (await api.events()).length;
    for (const path of [
      'state',
      `state?position=${size - 1}`,
      `state?at=${NOW}`,
      `difference?from=0&to=${size - 1}`,
      'explanation?lang=en',
      'explanation?lang=ja',
    ]) {
      // Somebody who is auditor and officer at once gets in nowhere.
      const url = `/v1/audit/cases/${id}/${path}`;
      const both = await api.inject({ method: 'GET', url, headers: await as('o2', 'auditor', 'officer') });
      expect(both.json()).toMatchObject({ code: 'roles_incompatible' });
      const answer = await api.inject({ method: 'GET', url, headers: await as('o2', 'auditor') });
      expect([path, answer.statusCode]).toEqual([path, 200]);
      expect(answer.body).not.toMatch(/same_person|release|"o1"|officer:o1|undefined/);
    }
  });
});

describe('what a bundle, a list and a state say at a moment', () => {
  it('differs between moments given as instants, as positions, and mixed', async () => {
    const events = await api.events();
    const at = events.findIndex((e) => e.type === 'Held' && e.metadata.correlationId === requestId);
    const difference = async (from: string, to: string) =>
      (
        await api.inject({
          method: 'GET',
          url: `/v1/audit/cases/${requestId}/difference?from=${from}&to=${to}`,
          headers: await as('x1', 'auditor'),
        })
      ).json<{ from: object; to: object; differences: { path: string; before: unknown; after: unknown }[] }>();
    const byPosition = await difference(String(at - 1), String(at));
    expect(byPosition).toMatchObject({ from: { position: at - 1 }, to: { position: at } });
    expect(byPosition.differences).toContainEqual({
      path: 'registration.stage',
      before: expect.any(String),
      after: 'held',
    });
    const mixed = await difference(String(at - 1), NOW);
    expect(mixed.differences.map((d) => d.path)).toEqual(expect.arrayContaining(['registration.stage']));
    const fromNothing = await difference('0', String(at));
    expect(fromNothing.differences).toContainEqual({ path: 'registration.stage', before: 'none', after: 'held' });
  });

  it.each(['from=1', 'to=1', '', 'from=x&to=1', 'from=1&to=-1', 'from=1&to=2&at=3', 'from=1&from=2&to=3'])(
    'is not told for difference?%s',
    async (query) => {
      for (const route of [`/v1/audit/cases/${requestId}/difference`, '/v1/audit/lists/holds/difference']) {
        expect(
          (await api.inject({ method: 'GET', url: `${route}?${query}`, headers: await as('x1', 'auditor') })).json(),
        ).toMatchObject({ code: 'invalid_request', status: 400 });
      }
    },
  );

  it('waits for the signed log and never goes beyond it', async () => {
    const size = api.log.checkpoint()?.size ?? 0;
    api.logWaits = true;
    await api.store.append(
      'door-late',
      [
        {
          id: '00000000-0000-4000-8000-0000000000b1',
          type: 'RequestRefusedAtDoor',
          schemaVersion: 1,
          data: { code: 'nonce_expired', boothId: null },
          metadata: {
            actor: 'system:door',
            correlationId: 'late',
            causationId: 'late',
            recordedAtUtc: NOW,
            policyVersion: null,
          },
        },
      ],
      'no_stream',
    );
    const behind = (
      await api.inject({ method: 'GET', url: '/v1/audit/lists/dashboard', headers: await as('x1', 'auditor') })
    ).json<{ asOf: { isNewest: boolean; treeSize: number }; certificate: string }>();
    expect(behind.asOf.isNewest).toBe(false);
    expect(behind.asOf.treeSize).toBeGreaterThanOrEqual(size);
    expect(behind.certificate).toContain(`\nlast ${behind.asOf.treeSize - 1}\n`);
    api.logWaits = false;
    const after = (
      await api.inject({ method: 'GET', url: '/v1/audit/lists/dashboard', headers: await as('x1', 'auditor') })
    ).json<{ asOf: { isNewest: boolean; treeSize: number } }>();
    expect(after.asOf).toMatchObject({ isNewest: true });
    expect(after.asOf.treeSize).toBeGreaterThan(behind.asOf.treeSize);
  });
});

describe('the answer of an ordinary list', () => {
  it.each([
    '/v1/holds?include=resolved',
    '/v1/holds',
    '/v1/cases?stage=accepted',
    '/v1/cases?boothId=booth-b',
    '/v1/booths',
    '/v1/acts',
    '/v1/audit/lists/policies',
  ])('can be held against a bundle as it is, all pages of it: %s', async (url) => {
    const pages: { next: string | null }[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const answer = await api.inject({
        method: 'GET',
        url: `${url}${url.includes('?') ? '&' : '?'}limit=3${cursor === '' ? '' : `&cursor=${cursor}`}`,
        headers: await as('x1', 'auditor'),
      });
      expect([answer.statusCode, answer.statusCode === 200 ? '' : answer.body]).toEqual([200, '']);
      pages.push(answer.json());
      cursor = pages.at(-1)!.next;
    }
    await api.caughtUp();
    const lines = (
      await api.inject({
        method: 'POST',
        url: '/v1/audit/exports',
        headers: await as('x1', 'auditor'),
        payload: { from: 0 },
      })
    ).body
      .trimEnd()
      .split('\n');
    const report = verifyList(pages, primitives, { trusted: api.signer.keys(), bundle: lines });
    expect(report.discrepancies).toEqual([]);
    expect(isSoundList(report)).toBe(true);
    expect(report.agreeing).toBe(report.rows);
    expect(
      verifyList(pages.slice(1), primitives, { trusted: api.signer.keys(), bundle: null }).discrepancies.length,
    ).toBeGreaterThan(0);
  });

  it('is refused where it tells more than its certificate covers: /v1/policies names people beside its rows', async () => {
    const answer = (await api.inject({ method: 'GET', url: '/v1/policies', headers: await as('x1', 'auditor') })).json<
      Record<string, unknown>
    >();
    const judged = (page: object) => verifyList([page], primitives, { trusted: api.signer.keys(), bundle: null });
    expect(judged(answer).discrepancies).toEqual([
      expect.objectContaining({
        code: 'list_malformed',
        detail: expect.stringContaining('no certificate covers active, versions'),
      }),
    ]);
    const { active: _a, versions: _v, ...covered } = answer;
    expect(judged(covered).discrepancies).toEqual([]);
  });
});

describe('a what-if report', () => {
  const whatIf = async (change: object, headers: Record<string, string>) =>
    api.inject({ method: 'POST', url: '/v1/audit/what-ifs', headers, payload: change });
  const propose = async (values: object, reportNote?: string) =>
    api.inject({
      method: 'POST',
      url: '/v1/policies',
      headers: await as('adm', 'administrator'),
      payload: { ...values, ...(reportNote === undefined ? {} : { reportNote }) },
    });

  it('is made over the whole history, touches nothing but the record of the look, and goes with the proposal', async () => {
    const before = (await api.events()).length;
    const answer = await whatIf({ holdMarginPoints: 500 }, await as('x1', 'auditor'));
    expect(schemas.mistakes('POST', '/v1/audit/what-ifs', answer)).toEqual([]);
    const { note, report } = answer.json<{
      note: string;
      report: {
        comparisons: number;
        flips: object[];
        officers: Record<string, number>;
        byBooth: object;
        byMonth: object;
      };
    }>();
    expect(report.comparisons).toBeGreaterThan(10);
    expect(report.flips.length).toBeGreaterThan(0);
    expect(Object.values(report.officers).reduce((sum, n) => sum + n, 0)).toBe(report.flips.length);
    expect(Object.keys(report.byBooth).sort()).toEqual(['booth-a', 'booth-b', 'booth-c']);
    expect((await api.events()).slice(before).map((e) => [e.type, e.data['what']])).toEqual([
      ['RecordsViewed', 'what_if'],
    ]);
    const proposed = await propose({ ...DEFAULT_POLICY, holdMarginPoints: 500 }, note);
    expect(proposed.statusCode).toBe(201);
    expect(schemas.mistakes('POST', '/v1/policies', proposed)).toEqual([]);
    const event = (await api.events()).at(-1)!;
    expect(event).toMatchObject({
      type: 'PolicyProposed',
      data: { report: { note, sha256: /\nreport ([0-9a-f]{64})\n/.exec(note)![1] } },
    });
    await api.caughtUp();
    const lines = (
      await api.inject({
        method: 'POST',
        url: '/v1/audit/exports',
        headers: await as('x1', 'auditor'),
        payload: { from: 0 },
      })
    ).body
      .trimEnd()
      .split('\n');
    const check = verifyWhatIf(answer.json(), primitives, { trusted: api.signer.keys(), bundle: lines });
    expect(check).toMatchObject({ trusted: true, recomputed: true, proposedWith: event.data['version'], problems: [] });
    expect(
      verifyBundle(lines, primitives, { trusted: api.signer.keys() }).discrepancies.filter((d) =>
        d.detail.includes('Policy'),
      ),
    ).toEqual([]);
  });

  it('does not go with a proposal that it was not made for, that this log did not sign, or that it is not', async () => {
    const { note } = (
      await whatIf({ holdMarginPoints: 700, holdInReferralBand: true }, await as('x1', 'administrator'))
    ).json<{ note: string }>();
    const good = { ...DEFAULT_POLICY, holdMarginPoints: 700, holdInReferralBand: true };
    const refused = async (values: object, text: string) => (await propose(values, text)).json<object>();
    expect(await refused({ ...good, holdMarginPoints: 800 }, note)).toMatchObject({
      code: 'policy_report_invalid',
      status: 422,
      data: { problem: 'was made for another holdMarginPoints than is proposed' },
    });
    expect(await refused(good, note.replace('flips ', 'flips 1'))).toMatchObject({
      code: 'policy_report_invalid',
      data: { problem: 'is not signed by a key of this log' },
    });
    expect(await refused(good, api.log.checkpoint()!.note)).toMatchObject({
      code: 'policy_report_invalid',
      data: { problem: 'is not the statement of a what-if report' },
    });
    expect(await refused(good, 'x')).toMatchObject({ code: 'policy_report_invalid' });
    const foreign = note
      .split('\n\n')[0]!
      .replace(/\n[A-Za-z0-9+/]{43}=\n/, `\n${Buffer.alloc(32, 1).toString('base64')}\n`);
    expect(
      await refused(good, writeNote({ text: `${foreign}\n`, signatures: api.signer.sign(`${foreign}\n`) })),
    ).toMatchObject({ code: 'policy_report_invalid', data: { problem: 'speaks of another history' } });
    expect((await propose(good, note)).statusCode).toBe(201);
  });

  it('that was changed afterwards, or made of another history, is found out', async () => {
    const signed = (await whatIf({ cardMatchPointsMin: 9_600 }, await as('x1', 'auditor'))).json<SignedWhatIf>();
    await api.caughtUp();
    const lines = (
      await api.inject({
        method: 'POST',
        url: '/v1/audit/exports',
        headers: await as('x1', 'auditor'),
        payload: { from: 0 },
      })
    ).body
      .trimEnd()
      .split('\n');
    const problems = (file: unknown, bundle: string[] | null = lines) =>
      verifyWhatIf(file, primitives, { trusted: api.signer.keys(), bundle }).problems;
    expect(problems(signed)).toEqual([]);
    expect(problems({ ...signed, report: { ...signed.report, flips: signed.report.flips.slice(1) } })).toEqual([
      'the report is not the one that was signed',
      expect.stringMatching(/the history gives another report/),
    ]);
    expect(problems({ ...signed, note: signed.note.replace(/flips \d+/, 'flips 0') })[0]).toMatch(/signature is wrong/);
    expect(problems({ ...signed, note: 'x' })).toEqual(['the file is not a signed what-if report']);
    expect(problems(null)).toEqual(['the file is not a signed what-if report']);
    expect(problems(signed, lines.slice(0, 50))[0]).toMatch(/the bundle/);
  });

  it('that was signed before reports told what officers decided later still counts', async () => {
    const signed = (await whatIf({ holdMarginPoints: 600 }, await as('x1', 'auditor'))).json<SignedWhatIf>();
    const { changed, events, comparisons, byChange, byBooth, byMonth } = signed.report;
    const flips = signed.report.flips.map(
      ({ requestId: id, boothId, month, index, was, wouldBe, cardPoints, registeredPoints }) => {
        return { requestId: id, boothId, month, index, was, wouldBe, cardPoints, registeredPoints };
      },
    );
    const report = { changed, events, comparisons, flips, byChange, byBooth, byMonth };
    const sha256 = createHash('sha256')
      .update(canonicalJson(report as unknown as JsonObject))
      .digest('hex');
    const text = parseNote(signed.note)
      .text.replace('report v2', 'report v1')
      .replace(/\nreport [0-9a-f]{64}/, `\nreport ${sha256}`);
    const old = { note: writeNote({ text, signatures: api.signer.sign(text) }), report, successions: [] };
    await api.caughtUp();
    const lines = (
      await api.inject({
        method: 'POST',
        url: '/v1/audit/exports',
        headers: await as('x1', 'auditor'),
        payload: { from: 0 },
      })
    ).body
      .trimEnd()
      .split('\n');
    const check = (file: unknown) => verifyWhatIf(file, primitives, { trusted: api.signer.keys(), bundle: lines });
    expect(check(old)).toMatchObject({ trusted: true, recomputed: true, problems: [] });
    // What an old statement does not cover is not taken beside it.
    expect(check({ ...old, report: { ...report, officers: signed.report.officers } }).problems).toHaveLength(2);
    const proposed = await propose({ ...DEFAULT_POLICY, holdMarginPoints: 600 }, old.note);
    expect(proposed.statusCode).toBe(201);
  });

  it.each([
    {},
    { holdMarginPoints: 10_001 },
    { holdMarginPoints: '5' },
    { holdDueHours: 5 },
    { holdInReferralBand: 'yes' },
  ])('is not made for %j', async (change) => {
    expect((await whatIf(change, await as('x1', 'auditor'))).json()).toMatchObject({
      code: 'invalid_request',
      status: 400,
    });
  });

  it('is refused when its record cannot be stored', async () => {
    api.store.trouble = { streamPrefix: 'access-', kind: 'throws' };
    const answer = await whatIf({ holdMarginPoints: 500 }, await as('x1', 'auditor'));
    api.store.trouble = null;
    expect(answer.json()).toMatchObject({ code: 'access_log_unavailable', status: 503 });
    expect(answer.body).not.toContain('booth-a');
  });
});
