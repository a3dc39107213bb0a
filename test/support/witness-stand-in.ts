import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fromBase64 } from '../../src/domain/audit/log/bytes.js';
import { parseCheckpoint } from '../../src/domain/audit/log/checkpoint.js';
import { isConsistent } from '../../src/domain/audit/log/merkle-tree.js';
import { judgeNote, type VerifierKey } from '../../src/domain/audit/log/signed-note.js';
import { hasher, isSignedEd25519 } from '../../src/infrastructure/audit/digest.js';

type Answer = { readonly status: number; readonly body: string };

/** A small witness of C2SP tlog-witness: it knows one log, remembers its newest checkpoint and cosigns what grows from
 * it. */
export class WitnessStandIn {
  /** What is answered instead, once each. */
  readonly faults: Answer[] = [];
  /** Bodies of the questions. */
  readonly asked: string[] = [];
  seen: { size: number; root: Uint8Array } | null = null;
  nowSeconds = 1_795_000_000;
  /** Stays after a stop, when nobody answers there. */
  url = '';
  private readonly server = createServer((request, response) => void this.serve(request, response));
  private readonly secret: KeyObject;
  private readonly publicKey: Buffer;

  private constructor(
    readonly name: string,
    private readonly origin: string,
    private readonly logKeys: () => readonly VerifierKey[],
  ) {
    const pair = generateKeyPairSync('ed25519');
    this.secret = pair.privateKey;
    this.publicKey = pair.publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
  }

  static async start(name: string, origin: string, logKeys: () => readonly VerifierKey[]): Promise<WitnessStandIn> {
    const witness = new WitnessStandIn(name, origin, logKeys);
    await new Promise<void>((listening) => witness.server.listen(0, '127.0.0.1', listening));
    witness.url = `http://127.0.0.1:${(witness.server.address() as AddressInfo).port}`;
    return witness;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((closed) => this.server.close(closed));
  }

  /** `name+id+base64(0x04 ‖ key)`. */
  get vkey(): string {
    return `${this.name}+${this.keyId().toString('hex')}+${this.encodedKey().toString('base64')}`;
  }

  get setting(): string {
    return `${this.url} ${this.vkey}`;
  }

  /** A line under this witness's key, whatever it says. */
  line(text: string, atSeconds = this.nowSeconds): string {
    const time = Buffer.alloc(8);
    time.writeBigUInt64BE(BigInt(atSeconds));
    const signature = sign(null, Buffer.from(`cosignature/v1\ntime ${atSeconds}\n${text}`), this.secret);
    return `\u2014 ${this.name} ${Buffer.concat([this.keyId(), time, signature]).toString('base64')}\n`;
  }

  private encodedKey(): Buffer {
    return Buffer.concat([Buffer.of(4), this.publicKey]);
  }

  private keyId(): Buffer {
    return createHash('sha256').update(`${this.name}\n`).update(this.encodedKey()).digest().subarray(0, 4);
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request) body += (chunk as Buffer).toString();
    this.asked.push(body);
    const { status, body: text } =
      request.url === '/add-checkpoint' && request.method === 'POST'
        ? (this.faults.shift() ?? this.judge(body))
        : { status: 405, body: '' };
    response
      .writeHead(status, {
        'content-type': status === 409 ? 'text/x.tlog.size' : 'text/plain',
        ...(status === 302 ? { location: '/elsewhere' } : {}),
      })
      .end(text);
  }

  private judge(body: string): Answer {
    const cut = body.indexOf('\n\n');
    const [first = '', ...proof] = body.slice(0, cut).split('\n');
    const old = /^old (0|[1-9]\d*)$/.exec(first)?.[1];
    if (cut < 0 || old === undefined || proof.length > 63) return { status: 400, body: '' };
    const { checkpoint, note } = parseCheckpoint(body.slice(cut + 2));
    if (checkpoint.origin !== this.origin) return { status: 404, body: '' };
    if (judgeNote(note, this.logKeys(), isSignedEd25519).verdict !== 'signed') return { status: 403, body: '' };
    if (Number(old) > checkpoint.size) return { status: 400, body: '' };
    if (Number(old) !== (this.seen?.size ?? 0)) return { status: 409, body: `${this.seen?.size ?? 0}\n` };
    const isOther = this.seen?.size === checkpoint.size && !Buffer.from(this.seen.root).equals(checkpoint.root);
    if (isOther) return { status: 409, body: `${checkpoint.size}\n` };
    const trees = this.seen && {
      first: this.seen.size,
      firstRoot: this.seen.root,
      second: checkpoint.size,
      secondRoot: checkpoint.root,
    };
    if (trees && !isConsistent(hasher, proof.map(fromBase64), trees)) return { status: 422, body: '' };
    this.seen = { size: checkpoint.size, root: checkpoint.root };
    return { status: 200, body: this.line(note.text) };
  }
}
