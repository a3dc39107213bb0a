import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  digestOfRecords,
  holdAgainst,
  parsePublication,
  publicationText,
  type CountedRecord,
  type PublicationClaim,
} from '../../src/domain/publication/publication-certificate.js';
import { parseNote } from '../../src/domain/audit/log/signed-note.js';
import { sha256 } from '../../src/infrastructure/audit/digest.js';
import { SqliteEventStore } from '../../src/infrastructure/event-store/sqlite/sqlite-event-store.js';
import { sandboxSettings, startSandbox, type Sandbox } from '../../src/sandbox/sandbox.js';
import { startServer, type RunningServer } from '../../src/server.js';
import { temporaryFolder } from '../sandbox/support.js';
import { envelopes, HISTORIES, registrationIdOf } from './support/facts.js';
import { until } from './support/relay-world.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const SAMPLES = path.join(root, 'docs/samples/published-events.json');

type Fact = Readonly<Record<string, unknown>> & { readonly leafindex: string; readonly id: string };
interface Told {
  readonly facts: readonly Fact[];
  readonly ids: readonly string[];
  readonly size: number;
}

const counted = (facts: readonly Fact[]): CountedRecord[] =>
  facts.map(({ leafindex, leafhash, id, type, subject }) => ({
    leafIndex: Number(leafindex),
    leafHash: String(leafhash),
    id,
    type: String(type),
    registrationId: String(subject),
  }));

/** @fault O27 */
describe('a consumer without a broker', () => {
  const folder = temporaryFolder();
  let sandbox: Sandbox;
  let server: RunningServer;
  const settings = (): Record<string, string> => ({
    ...sandboxSettings(sandbox),
    HONNIN_DATA: path.join(folder.path, 'data'),
    HONNIN_PORT: '0',
    HONNIN_LOG_LEVEL: 'silent',
    HONNIN_ENVIRONMENT: 'test',
    HONNIN_KAFKA_SOURCE: 'urn:honnin:sample',
  });

  beforeAll(async () => {
    sandbox = await startSandbox({ folder: path.join(folder.path, 'sandbox'), print: () => undefined });
    await (await startServer(settings())).close();
    const store = SqliteEventStore.open({ file: path.join(folder.path, 'data', 'events.db') });
    for (const [n, history] of [HISTORIES['accepted'], HISTORIES['released'], HISTORIES['refused']].entries())
      await store.append(`registration-${registrationIdOf(n)}`, envelopes(n, history ?? []), 'no_stream');
    await store.close();
    server = await startServer(settings());
    // The signed log is half a second behind, and longer on a busy machine.
    await until(async () => (await claimOf('from=0')).count === 13, 120_000);
  }, 180_000);
  afterAll(async () => {
    await server?.close();
    await sandbox?.close();
    folder.remove();
  });

  const call = async (address: string, user: string, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`${server.url}/v1/published-events${address}`, {
      headers: { authorization: `Bearer ${await sandbox.tokens.signIn(user)}`, ...headers },
    });

  /** Reads the feed until it says that the end of the log is reached. */
  async function told(address: string, headers: Record<string, string> = {}): Promise<Told> {
    const answer = await call(address, 'consumer', headers);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8']);
    const [facts, ids]: [Fact[], string[]] = [[], []];
    let rest = '';
    for await (const piece of (answer.body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream())) {
      const blocks = (rest + piece).split('\n\n');
      rest = blocks.pop() as string;
      for (const block of blocks) {
        const [, id] = /^id: (.*)$/m.exec(block) ?? [];
        if (id !== undefined) ids.push(id);
        const data = JSON.parse(/^data: (.*)$/m.exec(block)?.[1] ?? 'null') as Fact & { readonly size: number };
        if (block.includes('event: fact')) facts.push(data);
        if (block.includes('event: reached')) return { facts, ids, size: data.size };
      }
    }
    throw new Error('the feed ended');
  }

  async function claimOf(query: string, user = 'consumer'): Promise<PublicationClaim> {
    const answer = await call(`/certificate?${query}`, user);
    const { certificate } = (await answer.json()) as { certificate: string };
    return parsePublication(parseNote(certificate).text) as PublicationClaim;
  }

  it('is told every published fact, each with its entry of the signed log', async () => {
    const { facts } = await told('?from=0');
    expect(facts.map(({ type }) => String(type).split('.').at(-2))).toEqual([
      ...['received', 'verified', 'confirmed', 'submitted', 'completed'],
      ...['received', 'verified', 'held', 'confirmed', 'submitted', 'rejected'],
      ...['received', 'rejected'],
    ]);
    const indices = facts.map(({ leafindex }) => Number(leafindex));
    expect(indices).toEqual(indices.toSorted((a, b) => a - b));
    const tile = await fetch(`${server.url}/v1/audit/log/tile/0/000.p/${indices.at(-1)}`);
    // Hashes of the log are open to everybody; a narrower tile than the newest one is not kept.
    if (tile.ok) expect((await tile.arrayBuffer()).byteLength).toBe(32 * (indices.at(-1) as number));
    const [first] = facts as [Fact];
    const proof = await fetch(`${server.url}/v1/audit/proofs/inclusion?index=${first.leafindex}`);
    expect(await proof.json()).toMatchObject({ leafHash: first['leafhash'] });
  });

  it('goes on where it was, also in the middle, and is told nothing twice', async () => {
    const all = await told('?from=0');
    const [, , third] = all.facts;
    const rest = await told('', { 'last-event-id': third?.leafindex as string });
    expect(rest.facts).toEqual(all.facts.slice(3));
    expect((await told('', { 'last-event-id': all.ids.at(-1) as string })).facts).toEqual([]);
    expect((await told('')).facts).toEqual([]);
  });

  it('proves with the certificate that nothing is missing and nothing was added', async () => {
    const { facts, size } = await told('?from=0');
    const claim = await claimOf(`from=0&to=${size}`);
    expect(claim).toMatchObject({ from: { size: 0 }, to: { size }, count: 13, source: 'urn:honnin:sample' });
    const records = counted(facts);
    expect(holdAgainst(claim, [...records, ...records.slice(4)], sha256)).toMatchObject({ isWhole: true, repeated: 9 });
    // From one checkpoint to the next, in two parts.
    const middle = Number(facts[5]?.leafindex);
    const parts = [
      await claimOf(`from=0&to=${middle}`),
      await claimOf(`from=${middle}&to=${size}`, 'auditor'),
    ] as const;
    expect(parts.map((part) => holdAgainst(part, records, sha256).isWhole)).toEqual([true, true]);
    expect(parts[0].to).toEqual(parts[1].from);
    expect(parts[0].count + parts[1].count).toBe(13);

    const [first, ...others] = records as [CountedRecord, ...CountedRecord[]];
    const added = { ...first, id: '0198c0de-0000-5000-8000-00000000000f' };
    for (const [wrong, missing] of [
      [others, 1],
      [[...records, added], -1],
      [[...others, added], 0],
      [[...others, { ...first, type: 'jp.honnin.registration.rejected.v1' }], 0],
      [[...others, { ...first, leafIndex: first.leafIndex + 1 }], 0],
    ] as const)
      expect(holdAgainst(claim, wrong, sha256)).toMatchObject({ isWhole: false, missing });
    const other = { ...first, registrationId: 'another' };
    expect(holdAgainst(claim, [...records, other], sha256)).toMatchObject({
      isWhole: false,
      contradictions: [first.id],
    });
  });

  it('reads a certificate in one way only', async () => {
    const claim = await claimOf('from=0');
    const text = publicationText(claim);
    expect(parsePublication(text)).toEqual(claim);
    for (const wrong of [
      `${text}x\n`,
      text.replace('count ', 'count 0'),
      text.replace(/created .*/, 'created now'),
      '',
    ])
      expect(parsePublication(wrong)).toBeNull();
    expect(digestOfRecords([], sha256)).toBe(createHash('sha256').update('').digest('hex'));
  });

  it('is a program with the role of consumers, and asks for what the log has', async () => {
    expect((await fetch(`${server.url}/v1/published-events`)).status).toBe(401);
    for (const user of ['officer-a', 'auditor', 'administrator']) expect((await call('', user)).status).toBe(403);
    expect((await call('/certificate?from=0', 'officer-a')).status).toBe(403);
    for (const wrong of ['?from=x', '/certificate', '/certificate?from=9&to=8', '/certificate?from=0&to=99999999']) {
      const answer = await call(wrong, 'consumer');
      expect([answer.status, await answer.json()]).toEqual([400, expect.objectContaining({ code: 'invalid_request' })]);
    }
    expect((await call('', 'consumer', { 'last-event-id': 'abc' })).status).toBe(400);
  });

  it('of a hundred lines proves it by itself', async () => {
    const sample = path.join(root, 'docs/samples/consumer.mjs');
    expect(readFileSync(sample, 'utf8').trimEnd().split('\n').length).toBeLessThanOrEqual(100);
    const { keys } = (await (await fetch(`${server.url}/v1/audit/keys`)).json()) as { keys: [string] };
    const args = ['--server', server.url, '--token', await sandbox.tokens.signIn('consumer'), '--key'];
    const run = async (key: string): Promise<{ code: number | null; out: string }> => {
      const child = spawn(process.execPath, [sample, ...args, key, '--from', '0'], { cwd: root });
      let out = '';
      for (const stream of [child.stdout, child.stderr])
        stream.on('data', (bytes: Buffer) => (out += bytes.toString()));
      const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
      return { code, out };
    };
    expect(await run(keys[0])).toEqual({
      code: 0,
      out: expect.stringMatching(/^whole: 13 of 13 facts of entries 0 to /),
    });
    const other = 'honnin.localhost/log+2db3cc89+AafzpvqFtVNlFGxfMLYpFmfPEsEXQqCTVhIrBIEBr7vC';
    expect(await run(other)).toEqual({ code: 1, out: expect.stringMatching(/not signed by the key/) });
  });

  it('finds samples in a file, as a server tells them', async () => {
    // Places depend on what else an installation stores.
    const { facts } = await told('?from=0');
    const shown = facts.map((fact, i) => ({ ...fact, leafindex: String(i), sequence: String(i).padStart(20, '0') }));
    if (process.env['HONNIN_WRITE_SAMPLES']) writeFileSync(SAMPLES, `${JSON.stringify(shown, null, 2)}\n`);
    expect(existsSync(SAMPLES)).toBe(true);
    // The leaf of a receipt has a salt, which is the installation's.
    const leafhash = expect.stringMatching(/^[A-Za-z0-9+/]{43}=$/);
    const samples = JSON.parse(readFileSync(SAMPLES, 'utf8')) as Fact[];
    expect(samples).toEqual(shown.map((fact) => ({ ...fact, leafhash })));
  });
});
