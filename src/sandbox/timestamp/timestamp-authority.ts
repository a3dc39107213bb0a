import { createPrivateKey, randomBytes } from 'node:crypto';
import { generateKey } from '../pki/certificate-authority.js';
import { FaultTape } from '../stand-in/fault-tape.js';
import {
  commonControl,
  json,
  problem,
  StandInListener,
  type StandIn,
  type StandInAnswer,
  type StandInOptions,
  type StandInRequest,
} from '../stand-in/stand-in-listener.js';
import { readState, writeState } from '../stand-in/state-file.js';
import {
  readTimestampRequest,
  timestampAnchor,
  timestampCrl,
  TIMESTAMP_FAULTS,
  writeTimestamp,
  writeTimestampRejection,
  type TimestampFault,
  type TimestampKeys,
} from './timestamp-writer.js';
import { pem } from '../pki/x509-writer.js';

export interface TimestampAuthorityOptions extends StandInOptions {
  /** Keys and serial numbers are kept here. */
  readonly stateFile?: string;
}

/** An RFC 3161 timestamp authority that anybody can run: its clock is this machine's, so it proves nothing to anybody
 * else. */
export interface TimestampAuthorityStandIn extends StandIn {
  /** Address for `application/timestamp-query`. */
  readonly tsaUrl: string;
  /** Its CRL; nobody is revoked in it. */
  readonly crlUrl: string;
  readonly anchorPem: string;
  readonly faults: FaultTape<TimestampFault>;
  /** Tokens that were asked for. */
  readonly asked: number;
}

interface SavedKey {
  readonly privateKey: string;
  readonly certificate: string;
}

interface AuthorityState {
  readonly format: 'honnin-sandbox-timestamp-authority/v1';
  readonly anchor: SavedKey;
  readonly foreign: SavedKey;
  readonly signerKey: string;
}

const UNACCEPTED_POLICY = 15;
const BAD_REQUEST = 2;
const SYSTEM_FAILURE = 25;

export async function startTimestampAuthority(
  options: TimestampAuthorityOptions = {},
): Promise<TimestampAuthorityStandIn> {
  const saved = readState<AuthorityState>(options.stateFile);
  const now = options.now ?? (() => new Date());
  const keys = saved === null ? await newKeys(now()) : loadKeys(saved);
  if (saved === null) writeState(options.stateFile, stateOf(keys));
  const faults = new FaultTape<TimestampFault>(TIMESTAMP_FAULTS, 'none');
  const exchanges: { readonly fault: TimestampFault; readonly atUtc: string }[] = [];
  // A serial number is never given twice, also not after a restart.
  let serial = randomBytes(5).readUIntBE(0, 5) * 256;

  const answer = async (request: StandInRequest): Promise<StandInAnswer> => {
    if (request.method === 'GET' && request.path === '/tsa.crl')
      return {
        status: 200,
        headers: { 'content-type': 'application/pkix-crl' },
        body: timestampCrl(keys.anchor, now()),
      };
    if (request.method !== 'POST' || request.path !== '/tsa')
      return problem(404, 'not_found', 'POST /tsa answers timestamp queries');
    if (request.headers['content-type'] !== 'application/timestamp-query')
      return problem(415, 'unsupported_media_type', 'application/timestamp-query');
    const fault = faults.next();
    exchanges.push({ fault, atUtc: now().toISOString() });
    if (fault === 'drop') return { status: 0, drop: true };
    if (fault === 'hang') await listener.closing;
    if (fault === 'http_500') return problem(500, 'stand_in_fault', 'asked for');
    const body = shaped(answered(request.body, fault), fault);
    return {
      status: 200,
      headers: { 'content-type': fault === 'wrong_media_type' ? 'text/html' : 'application/timestamp-reply' },
      body,
    };
  };

  const answered = (body: Buffer, fault: TimestampFault): Buffer => {
    if (fault === 'rejection') return writeTimestampRejection('The stand-in plays a failure.', SYSTEM_FAILURE);
    try {
      serial += 1;
      return writeTimestamp(readTimestampRequest(body), keys, { fault, now: now(), serial });
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return writeTimestampRejection(
        error.message,
        error.message === 'unaccepted policy' ? UNACCEPTED_POLICY : BAD_REQUEST,
      );
    }
  };

  const control = async (request: StandInRequest): Promise<StandInAnswer> => {
    if (request.path === '/control/history') return json(200, { exchanges });
    if (request.path === '/control/anchor')
      return json(200, { anchorPem: pem('CERTIFICATE', keys.anchor.certificate) });
    return (await commonControl(request, listener, faults)) ?? problem(404, 'not_found', 'no such control call');
  };

  const listener: StandInListener = await StandInListener.start(
    'timestamp authority',
    { service: answer, control },
    options,
  );
  return {
    get url() {
      return listener.url;
    },
    get controlUrl() {
      return listener.controlUrl;
    },
    get tsaUrl() {
      return `${listener.url}/tsa`;
    },
    get crlUrl() {
      return `${listener.url}/tsa.crl`;
    },
    get asked() {
      return exchanges.length;
    },
    anchorPem: pem('CERTIFICATE', keys.anchor.certificate),
    faults,
    close: () => listener.close(),
  };
}

function shaped(answer: Buffer, fault: TimestampFault): Buffer {
  if (fault === 'garbage') return Buffer.from('this is no timestamp');
  if (fault === 'truncated') return answer.subarray(0, answer.length - 40);
  if (fault === 'trailing_bytes') return Buffer.concat([answer, Buffer.of(0x05, 0)]);
  return fault === 'oversize' ? Buffer.concat([answer, Buffer.alloc(100_000)]) : answer;
}

/** Fresh keys for tests that write tokens themselves. */
export async function newKeys(now: Date): Promise<TimestampKeys> {
  const [anchor, foreign, signerKey] = await Promise.all([
    generateKey('P-384'),
    generateKey('P-384'),
    generateKey('P-384'),
  ]);
  return { anchor: timestampAnchor(anchor, now), foreign: timestampAnchor(foreign, now), signerKey };
}

function stateOf({ anchor, foreign, signerKey }: TimestampKeys): AuthorityState {
  const saved = (key: TimestampKeys['anchor']): SavedKey => ({
    privateKey: key.privateKey.export({ format: 'pem', type: 'pkcs8' }) as string,
    certificate: Buffer.from(key.certificate).toString('base64'),
  });
  return {
    format: 'honnin-sandbox-timestamp-authority/v1',
    anchor: saved(anchor),
    foreign: saved(foreign),
    signerKey: signerKey.export({ format: 'pem', type: 'pkcs8' }) as string,
  };
}

function loadKeys(state: AuthorityState): TimestampKeys {
  const load = ({ privateKey, certificate }: SavedKey) => ({
    privateKey: createPrivateKey(privateKey),
    certificate: Buffer.from(certificate, 'base64'),
  });
  return { anchor: load(state.anchor), foreign: load(state.foreign), signerKey: createPrivateKey(state.signerKey) };
}
