import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { Socket } from 'node:net';
import type { RequestStatusRow } from '../../src/application/ports/store/read-models.js';
import { ApiServer } from './support/api-server.js';

const RECEIPT = '7K3M-9QXD-2VTB-HW60';
const row = (status: RequestStatusRow['status'], minute: number): RequestStatusRow => ({
  requestId: '6f0c1d2e-3b4a-8b7e-9a64-8a3f4c0e52d1',
  receipt: RECEIPT,
  status,
  updatedAtUtc: `2026-11-23T08:${String(minute).padStart(2, '0')}:00.000Z`,
});

let api: ApiServer;
beforeEach(async () => {
  api = await ApiServer.start({ limits: { heartbeatMs: 20, eventStreamsMax: 2, shutdownMsMax: 200 } });
});
afterEach(() => api.close());

async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 500 && !holds(); tries++) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(holds()).toBe(true);
}

describe('the status of a receipt', () => {
  it('is neutral and has nothing but the three members (@req A11)', async () => {
    api.rows.put(row('processing', 1));
    const answer = await api.inject({ method: 'GET', url: `/v1/registrations/${RECEIPT}` });
    expect([answer.statusCode, answer.json()]).toEqual([
      200,
      { receipt: RECEIPT, status: 'processing', updatedAtUtc: '2026-11-23T08:01:00.000Z' },
    ]);
  });

  it('is found in small letters, as people type', async () => {
    api.rows.put(row('received', 1));
    expect((await api.inject({ method: 'GET', url: `/v1/registrations/${RECEIPT.toLowerCase()}` })).statusCode).toBe(
      200,
    );
  });

  it.each(['7K3M-9QXD-2VTB-HW61', '7K3M9QXD2VTBHW6', 'x', '1234-5678-9012', '%27%3B--', 'U'.repeat(250)])(
    'is not found for %s',
    async (receipt) => {
      api.rows.put(row('received', 1));
      for (const end of ['', '/events'])
        expect((await api.inject({ method: 'GET', url: `/v1/registrations/${receipt}${end}` })).json()).toMatchObject({
          code: 'not_found',
          status: 404,
        });
    },
  );

  it('is not called missing while the rows are behind the log', async () => {
    api.rows.behind = true;
    for (const end of ['', '/events']) {
      const answer = await api.inject({ method: 'GET', url: `/v1/registrations/${RECEIPT}${end}` });
      expect(answer.json()).toMatchObject({ code: 'read_side_behind', status: 503 });
      expect(answer.headers['retry-after']).toBe('1');
    }
    api.rows.put(row('received', 1));
    expect((await api.inject({ method: 'GET', url: `/v1/registrations/${RECEIPT}` })).statusCode).toBe(200);
  });

  it('comes with a receipt that never shows up in a log line', async () => {
    api.rows.put(row('received', 1));
    await api.inject({ method: 'GET', url: `/v1/registrations/${RECEIPT}` });
    await until(() => api.logLines.some((l) => l.includes('"route":"/v1/registrations/:receipt"')));
    expect(api.logLines.join('')).not.toContain('9QXD');
  });
});

/** Reads a stream of server-sent events as a browser would: named events, comments aside. */
class EventReader {
  readonly events: { event: string; data: unknown }[] = [];
  comments = 0;
  ended = false;
  private rest = '';
  readonly finished: Promise<void>;

  constructor(response: Response) {
    this.finished = this.read(response.body as ReadableStream<Uint8Array>).finally(() => (this.ended = true));
    this.finished.catch(() => undefined);
  }

  private async read(body: ReadableStream<Uint8Array>): Promise<void> {
    for await (const chunk of body) {
      const blocks = (this.rest + Buffer.from(chunk).toString()).split('\n\n');
      this.rest = blocks.pop() as string;
      for (const block of blocks) this.take(block.split('\n'));
    }
  }

  private take(lines: readonly string[]): void {
    this.comments += lines.filter((l) => l.startsWith(':')).length;
    const field = (name: string) => lines.find((l) => l.startsWith(`${name}: `))?.slice(name.length + 2);
    const data = field('data');
    if (data !== undefined) this.events.push({ event: field('event') ?? 'message', data: JSON.parse(data) });
  }
}

describe('the event stream of a receipt', () => {
  const open = async (signal?: AbortSignal) =>
    fetch(`${await address}/v1/registrations/${RECEIPT}/events`, signal ? { signal } : {});
  let address: Promise<string>;
  beforeEach(() => {
    address = api.listen();
    api.rows.put(row('received', 1));
  });

  it('tells each change once, and ends with the final status', async () => {
    const response = await open();
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(response.headers.get('cache-control')).toContain('no-store');
    const reader = new EventReader(response);
    await until(() => reader.events.length === 1);
    api.rows.put(row('processing', 2));
    await until(() => reader.events.length === 2);
    api.rows.put(row('processing', 2));
    api.rows.put(row('registered', 3));
    await reader.finished;
    expect(reader.events).toEqual(
      ['received', 'processing', 'registered'].map((status, i) => ({
        event: 'status',
        data: { receipt: RECEIPT, status, updatedAtUtc: `2026-11-23T08:0${i + 1}:00.000Z` },
      })),
    );
    expect(api.rows.watcherCount(RECEIPT)).toBe(0);
  });

  it.each(['registered', 'not_registered', 'visit_again'] as const)(
    'ends at once when the status is already %s',
    async (status) => {
      api.rows.put(row(status, 4));
      const reader = new EventReader(await open());
      await reader.finished;
      expect(reader.events.map((e) => e.data)).toEqual([expect.objectContaining({ status })]);
    },
  );

  it('sends a comment now and then, so that nobody drops the silent connection', async () => {
    const leave = new AbortController();
    const reader = new EventReader(await open(leave.signal));
    await until(() => reader.comments >= 3);
    leave.abort();
  });

  it('stops watching when the client goes away', async () => {
    const leave = new AbortController();
    const reader = new EventReader(await open(leave.signal));
    await until(() => reader.events.length === 1);
    expect(api.rows.watcherCount(RECEIPT)).toBe(1);
    leave.abort();
    await until(() => api.rows.watcherCount(RECEIPT) === 0);
    await until(() => api.logLines.some((l) => l.includes('"status":499')));
  });

  it('is given only to so many at the same time, and again when one has left', async () => {
    const leave = new AbortController();
    const readers = [new EventReader(await open(leave.signal)), new EventReader(await open(leave.signal))];
    await until(() => readers.every((r) => r.events.length === 1));
    const third = await open();
    expect(third.status).toBe(503);
    expect(third.headers.get('content-type')).toContain('application/problem+json');
    expect(await third.json()).toMatchObject({ code: 'too_many_streams' });
    leave.abort();
    await until(() => api.rows.watcherCount(RECEIPT) === 0);
    api.rows.put(row('registered', 5));
    expect((await open()).status).toBe(200);
  });

  it('is given five times for one receipt and no more, and to one address only so often', async () => {
    const busy = await ApiServer.start({ limits: { eventStreamsPerAddressMax: 7 }, trustProxy: 'nearest' });
    const base = await busy.listen();
    const receipts = [RECEIPT, '7K3M-9QXD-2VTB-HW61'];
    receipts.forEach((receipt) => busy.rows.put({ ...row('received', 1), receipt, requestId: receipt }));
    const leave = new AbortController();
    const ask = async (receipt: string, from: string) =>
      (
        await fetch(`${base}/v1/registrations/${receipt}/events`, {
          headers: { 'x-forwarded-for': from },
          signal: leave.signal,
        })
      ).status;
    const statuses: number[] = [];
    for (let i = 0; i < 6; i += 1) statuses.push(await ask(receipts[0] as string, '192.0.2.1'));
    expect(statuses).toEqual([200, 200, 200, 200, 200, 429]);
    expect([
      await ask(receipts[0] as string, '192.0.2.2'),
      await ask(receipts[1] as string, '192.0.2.1'),
      await ask(receipts[1] as string, '192.0.2.1'),
    ]).toEqual([429, 200, 200]);
    expect([await ask(receipts[1] as string, '192.0.2.1'), await ask(receipts[1] as string, '192.0.2.2')]).toEqual([
      429, 200,
    ]);
    leave.abort();
    await busy.close();
  });

  it('ends for the address that has most, when somebody else comes and all are taken', async () => {
    const busy = await ApiServer.start({ limits: { eventStreamsMax: 3 }, trustProxy: 'nearest' });
    const base = await busy.listen();
    busy.rows.put(row('received', 1));
    const leave = new AbortController();
    const ask = (from: string) =>
      fetch(`${base}/v1/registrations/${RECEIPT}/events`, {
        headers: { 'x-forwarded-for': from },
        signal: leave.signal,
      });
    const greedy = [await ask('192.0.2.1'), await ask('192.0.2.1'), await ask('192.0.2.1')];
    expect((await ask('192.0.2.2')).status).toBe(200);
    // The oldest has ended by itself: its text is whole.
    expect(await greedy[0]?.text()).toContain('event: status');
    // Now each of three has one, and nobody has most.
    expect([(await ask('192.0.2.3')).status, (await ask('192.0.2.4')).status]).toEqual([200, 503]);
    leave.abort();
    await busy.close();
  });

  it('ends when the server shuts down, which does not wait for clients', async () => {
    const reader = new EventReader(await open());
    await until(() => reader.events.length === 1);
    const closed = api.app.close();
    await reader.finished;
    await closed;
    expect(reader.ended).toBe(true);
  });

  it('does not keep the server from ending, and neither does a connection that asks nothing', async () => {
    const { hostname, port } = new URL(await address);
    const socket = new Socket().connect(Number(port), hostname);
    await once(socket, 'connect');
    await Promise.all([once(socket, 'close'), api.app.close()]);
    expect(socket.destroyed).toBe(true);
  });

  it('ends when it is old, and the client opens a new one', async () => {
    const aged = await ApiServer.start({ limits: { eventStreamSecondsMax: 0.05 } });
    aged.rows.put(row('processing', 1));
    const reader = new EventReader(await fetch(`${await aged.listen()}/v1/registrations/${RECEIPT}/events`));
    await reader.finished;
    expect(reader.events).toHaveLength(1);
    await aged.close();
  });
});
