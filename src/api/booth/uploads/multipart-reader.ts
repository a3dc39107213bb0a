import type { IncomingMessage } from 'node:http';
import type { MultipartFile } from '@fastify/multipart';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { DoorRefusalCode } from '../../../domain/refusal.js';
import type { ApiLimits } from '../../api-settings.js';
import { textHoldsMyNumber } from '../../contract/json-body.js';
import { ProblemError } from '../../contract/problems.js';
import type { FormError } from '../../contract/validation.js';
import type { UploadPlace } from './upload-places.js';

const NEEDED = ['request', 'certificate', 'cardRecord', 'cardIssuerCertificate', 'photo'] as const;
const FRAMES = ['frame0', 'frame1', 'frame2', 'frame3'] as const;
export type PartName = (typeof NEEDED)[number] | (typeof FRAMES)[number];
/** `frames` holds frame0 and so on, as many as came. */
export type RegistrationParts = Readonly<Record<(typeof NEEDED)[number], Buffer>> & {
  readonly frames: readonly Buffer[];
};

/** The upload is not one of ours. The rest of it is neither kept nor looked at. */
export class UploadRefused extends Error {
  /** @param errors which part it is, and what was expected of it */
  constructor(
    readonly code: DoorRefusalCode,
    readonly errors: readonly FormError[],
  ) {
    super(code);
  }
}

interface PartRule {
  readonly contentType: string;
  readonly limit: keyof ApiLimits;
  /** What to say when it is too large, or of another type. */
  readonly tooLarge: DoorRefusalCode;
  readonly wrongType: DoorRefusalCode;
}

const PART_RULES: Readonly<Record<PartName, PartRule>> = {
  request: {
    contentType: 'application/json',
    limit: 'jsonBytesMax',
    tooLarge: 'request_too_large',
    wrongType: 'malformed_request',
  },
  certificate: {
    contentType: 'application/pkix-cert',
    limit: 'certificateBytesMax',
    tooLarge: 'request_too_large',
    wrongType: 'malformed_request',
  },
  cardRecord: {
    contentType: 'application/octet-stream',
    limit: 'cardRecordBytesMax',
    tooLarge: 'request_too_large',
    wrongType: 'malformed_request',
  },
  cardIssuerCertificate: {
    contentType: 'application/octet-stream',
    limit: 'cardIssuerCertificateBytesMax',
    tooLarge: 'request_too_large',
    wrongType: 'malformed_request',
  },
  photo: {
    contentType: 'image/jpeg',
    limit: 'photoBytesMax',
    tooLarge: 'photo_too_large',
    wrongType: 'photo_unsupported',
  },
  frame0: frameRule(),
  frame1: frameRule(),
  frame2: frameRule(),
  frame3: frameRule(),
};

/** Room for boundaries and part headers; far more than nine parts need. */
const FRAMING_BYTES_MAX = 16 * 1024;
/** Outside the parts, and on its way through the parser: only what is read as a part's content is held back when it
 * comes too fast. */
const UNREAD_BYTES_MAX = 512 * 1024;
const PART_HEADERS_MAX = 8;
const PART_NAME_MAX = 64;
const PLAIN_ENCODINGS = ['7bit', '8bit', 'binary'];

/** Which parts an upload has. */
interface UploadForm {
  readonly needed: readonly PartName[];
  readonly frames: readonly (typeof FRAMES)[number][];
}
const REGISTRATION: UploadForm = { needed: NEEDED, frames: FRAMES };
const PHOTO_CHECK: UploadForm = { needed: ['request', 'photo'], frames: [] };

/** Reads the two parts of a photo check, with the limits of a registration. @throws {UploadRefused} */
export async function readPhotoCheck(
  request: FastifyRequest,
  limits: ApiLimits,
  place: UploadPlace,
): Promise<Pick<RegistrationParts, 'request' | 'photo'>> {
  return read(request, place, { limits, form: PHOTO_CHECK });
}

/** Reads the five parts of a registration, and the frames that came with them, into memory, each and all of them
 * bounded, before anything is decoded. Every part is a stream of bytes here, also the JSON: the library's own decoding
 * would hide the text that must be looked at.
 * @throws {UploadRefused} for anything but exactly one of each part in its size and type; frames are counted from 0
 *   without gaps.
 * @throws {ProblemError} when the place is taken away: the upload is too slow, takes too long, or has to give way. */
export async function readUpload(
  request: FastifyRequest,
  limits: ApiLimits,
  place: UploadPlace,
): Promise<RegistrationParts> {
  return read(request, place, { limits, form: REGISTRATION });
}

async function read(
  request: FastifyRequest,
  place: UploadPlace,
  { limits, form }: { readonly limits: ApiLimits; readonly form: UploadForm },
): Promise<RegistrationParts> {
  if (!request.isMultipart())
    throw new UploadRefused('malformed_request', [
      { pointer: '', header: 'Content-Type', expected: 'multipart/form-data with its boundary' },
    ]);
  const bytesMax = namesOf(form).reduce((sum, name) => sum + limits[PART_RULES[name].limit], FRAMING_BYTES_MAX);
  if (Number(request.headers['content-length'] ?? 0) > bytesMax)
    throw new UploadRefused('request_too_large', [tooLong(bytesMax)]);
  const watched = watch(request.raw, bytesMax, place);
  try {
    const parts = await Promise.race([collect(request, { limits, form, watched, place }), watched.stopped]);
    place.arrived();
    return parts;
  } catch (error) {
    request.raw.unpipe();
    // The library's errors (limits, broken framing, a connection that ended) all say that this is no request of ours.
    throw error instanceof UploadRefused || error instanceof ProblemError
      ? error
      : new UploadRefused('malformed_request', [framing(form)]);
  } finally {
    watched.end();
  }
}

/** What is still read of a refused upload: most have sent the rest already, and their connection can be used again. */
const DISCARD = { bytesMax: 256 * 1024, msMax: 100 } as const;

/** Does the work of one upload; when it fails before the upload has ended, reads on a little before the failure is
 * answered. Of an upload that is longer nothing more is read: see `sendProblem`. */
export async function readOnWhenRefused<T>(
  request: FastifyRequest,
  reply: FastifyReply,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!request.raw.readableEnded) {
      await discardRest(request.raw, DISCARD);
      // Whatever is still on its way must not be taken for the next request.
      if (!request.raw.readableEnded) {
        request.raw.pause();
        reply.header('connection', 'close');
      }
    }
    throw error;
  }
}

/** Reads on for a while and throws it away: a client that is still sending would not see an answer on a connection that
 * we cut. */
async function discardRest(
  raw: IncomingMessage,
  { bytesMax, msMax }: { readonly bytesMax: number; readonly msMax: number },
): Promise<void> {
  if (raw.readableEnded || raw.destroyed) return;
  await new Promise<void>((resolve) => {
    let seen = 0;
    const count = (chunk: Buffer) => {
      seen += chunk.length;
      if (seen > bytesMax) done();
    };
    const timer = setTimeout(done, msMax);
    function done() {
      clearTimeout(timer);
      raw.off('data', count).off('end', done).off('close', done).off('error', done);
      resolve();
    }
    raw.on('data', count).once('end', done).once('close', done).once('error', done).resume();
  });
}

async function collect(
  request: FastifyRequest,
  {
    limits,
    form,
    watched,
    place,
  }: {
    readonly limits: ApiLimits;
    readonly form: UploadForm;
    readonly watched: WatchedUpload;
    readonly place: UploadPlace;
  },
): Promise<RegistrationParts> {
  const names = namesOf(form);
  const parts = new Map<PartName, Buffer>();
  // The library may wait on for a part that nobody wants any more; what came so far must not wait with it.
  watched.signal.addEventListener('abort', () => parts.clear(), { once: true });
  const streams = request.parts({
    isPartAFile: () => true,
    limits: {
      parts: names.length,
      files: names.length,
      fields: 0,
      fileSize: limits.photoBytesMax + 1,
      headerPairs: PART_HEADERS_MAX,
      fieldNameSize: PART_NAME_MAX,
    },
  });
  for await (const part of streams) {
    if (part.type !== 'file') throw new UploadRefused('malformed_request', [framing(form)]);
    const name = nameOf(part, names);
    if (parts.has(name)) throw refusedPart(name, 'malformed_request', 'this part once');
    parts.set(name, await bytesOf(part, { name, bytesMax: limits[PART_RULES[name].limit], watched, place }));
  }
  const frames = form.frames.map((name) => parts.get(name)).filter((bytes) => bytes !== undefined);
  const missing = [...form.needed, ...form.frames.slice(0, frames.length)].filter((name) => !parts.has(name));
  if (missing.length > 0)
    throw new UploadRefused(
      'malformed_request',
      missing.map((part) => ({ pointer: '', part, expected: 'this part, which is missing' })),
    );
  return {
    ...(Object.fromEntries(form.needed.map((name) => [name, parts.get(name)])) as Omit<RegistrationParts, 'frames'>),
    frames,
  };
}

/** The part's name, when its headers are as agreed. Its file name is ignored, but a My Number is not welcome there
 * either. */
function nameOf(part: MultipartFile, names: readonly PartName[]): PartName {
  const { fieldname, filename, mimetype, encoding } = part;
  if ([fieldname, filename, mimetype, encoding].some((text) => typeof text === 'string' && textHoldsMyNumber(text)))
    throw new UploadRefused('my_number_present', []);
  const name = names.find((known) => known === fieldname);
  if (!name) throw refusedPart(fieldname ?? '', 'malformed_request', `no such part: they are ${names.join(', ')}`);
  if (!PLAIN_ENCODINGS.includes(encoding.toLowerCase()))
    throw refusedPart(name, 'malformed_request', 'its bytes as they are, without a transfer encoding');
  const { contentType, wrongType } = PART_RULES[name];
  if (mimetype.toLowerCase() !== contentType) throw refusedPart(name, wrongType, `the content type ${contentType}`);
  return name;
}

async function bytesOf(
  part: MultipartFile,
  {
    name,
    bytesMax,
    watched,
    place,
  }: {
    readonly name: PartName;
    readonly bytesMax: number;
    readonly watched: WatchedUpload;
    readonly place: UploadPlace;
  },
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const rule = PART_RULES[name];
  let length = 0;
  watched.signal.addEventListener('abort', () => chunks.splice(0), { once: true });
  for await (const chunk of part.file as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > bytesMax) throw refusedPart(name, rule.tooLarge, `${bytesMax} bytes at most`);
    chunks.push(chunk);
    watched.belongsToPart(chunk.length);
    await place.turn(chunk.length);
  }
  if (length === 0) throw refusedPart(name, rule.wrongType, 'a part that is not empty');
  return Buffer.concat(chunks, length);
}

function refusedPart(part: string, code: DoorRefusalCode, expected: string): UploadRefused {
  return new UploadRefused(code, [{ pointer: '', part: part.slice(0, PART_NAME_MAX), expected }]);
}

function framing(form: UploadForm): FormError {
  const frames = form.frames.length > 0 ? `, and at most ${form.frames.length} frames` : '';
  return {
    pointer: '',
    expected: `multipart/form-data (RFC 7578) with the parts ${form.needed.join(', ')}${frames}, and its end`,
  };
}

function tooLong(bytesMax: number): FormError {
  return { pointer: '', expected: `${bytesMax} bytes at most in the parts together, and little outside of them` };
}

function namesOf({ needed, frames }: UploadForm): readonly PartName[] {
  return [...needed, ...frames];
}

function frameRule(): PartRule {
  return {
    contentType: 'image/jpeg',
    limit: 'frameBytesMax',
    tooLarge: 'photo_too_large',
    wrongType: 'photo_unsupported',
  };
}

interface WatchedUpload {
  /** Never resolves; rejects when the upload must end before it is read. */
  readonly stopped: Promise<never>;
  readonly signal: AbortSignal;
  /** So many bytes were content of a part. */
  belongsToPart(bytes: number): void;
  end(): void;
}

/** Counts what comes over the wire, preamble and all: the parser itself has no limit for what lies outside the
 * parts. */
function watch(raw: IncomingMessage, bytesMax: number, place: UploadPlace): WatchedUpload {
  // Not `AbortSignal.any`: Node keeps such a signal, and with it the listeners and all the bytes that they know, until
  // it is aborted.
  const stop = new AbortController();
  const { signal } = stop;
  const lost = () => stop.abort(place.signal.reason);
  const stopped = new Promise<never>((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
  if (place.signal.aborted) lost();
  else place.signal.addEventListener('abort', lost, { once: true });
  // Rejected after the race was decided, it would otherwise count as unhandled.
  stopped.catch(() => undefined);
  let seen = 0;
  let inParts = 0;
  const count = (chunk: Buffer) => {
    seen += chunk.length;
    place.count(chunk.length);
    if (seen > bytesMax || seen - inParts > UNREAD_BYTES_MAX)
      stop.abort(new UploadRefused('request_too_large', [tooLong(bytesMax)]));
  };
  raw.on('data', count);
  return {
    stopped,
    signal,
    belongsToPart: (bytes) => void (inParts += bytes),
    end: () => {
      raw.off('data', count);
      place.signal.removeEventListener('abort', lost);
    },
  };
}
