/** A booth that sends with the client which openapi-generator (typescript-fetch) makes of the served description,
 *  unedited, compiled with it under strict rules: challenge, photo check, registration, the same again, status to the
 *  end. What is signed is made here, by the words of docs/wire.md and docs/test-card.md.
 *
 *  client.js KEY.pem BOOTH-ID SERVER-URL CARD
 */
import { createHash, createPrivateKey, randomUUID, sign, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BoothApi, Configuration, ProblemFromJSON, ResponseError } from './client/index.js';
import type {
  CaptureEnvelopeBody,
  Problem,
  ReceiveRegistrationRequest,
  RegistrationRequestBody,
} from './client/index.js';

const [keyFile = '', boothId = '', server = '', cardFolder = ''] = process.argv.slice(2);

interface HeldKey {
  readonly privateKeyFile: string;
  readonly algorithm: string;
}

interface CardIndex {
  readonly certificates: Readonly<Record<string, HeldKey & { readonly certificateFile: string }>>;
  readonly face: { readonly recordFile: string; readonly issuerCertificateFile: string; readonly cardKey: HeldKey };
  readonly photoFile: string;
}

const read = (name: string): Buffer<ArrayBuffer> => Buffer.from(readFileSync(join(cardFolder, name)));
const card = JSON.parse(read('card.json').toString()) as CardIndex;
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const boothKey = createPrivateKey(readFileSync(keyFile));

/** The form of RFC 8785, as far as these texts need it. */
function written(value: unknown): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(written).join(',')}]`;
  const members = Object.entries(value).filter(([, each]) => each !== undefined);
  members.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, each]) => `${JSON.stringify(name)}:${written(each)}`).join(',')}}`;
}

const textOf = (label: string, members: object): Buffer => Buffer.from(written({ ...members, label }));
const signed = (text: Buffer, key: KeyObject, digest: string | null): string =>
  sign(digest, text, key).toString('base64');
const byBooth = (label: string, members: object): string => signed(textOf(label, members), boothKey, null);

function byCard(text: Buffer, { privateKeyFile, algorithm }: HeldKey): string {
  return signed(text, createPrivateKey(read(privateKeyFile)), algorithm.startsWith('ECDSA') ? 'sha384' : 'sha256');
}

const file = (bytes: Buffer<ArrayBuffer>, type: string): Blob => new Blob([bytes], { type });

async function problemOf(refused: Promise<unknown>): Promise<[number, Problem]> {
  const error = await refused.then(() => null).catch((thrown: unknown) => thrown);
  if (!(error instanceof ResponseError)) throw new Error(`not refused: ${String(error)}`);
  return [error.response.status, ProblemFromJSON(await error.response.json())];
}

async function main(): Promise<void> {
  const booth = new BoothApi(new Configuration({ basePath: server }));
  const requestedAtUtc = new Date().toISOString();
  const who = {
    honninBoothId: boothId,
    honninRequestedAt: requestedAtUtc,
    honninBoothSignature: byBooth('honnin/challenge-request/v1', { boothId, requestedAtUtc }),
  };
  const settings = await booth.getBoothSettings(who);
  const { nonce } = await booth.issueChallenge({ challengeBody: { boothId }, ...who });
  const place = {
    honninBoothId: boothId,
    honninChallenge: nonce,
    honninBoothSignature: byBooth('honnin/upload-place/v1', { boothId, nonce }),
  };

  const photo = read(card.photoFile);
  const asked = { boothId, nonce, photoSha256: sha256(photo) };
  const boothSignature = byBooth('honnin/photo-check/v1', asked);
  const { usable } = await booth.checkPhoto({
    request: { ...asked, boothSignature },
    photo: file(photo, 'image/jpeg'),
    ...place,
  });

  const [certificateType = 'user_authentication', held] = Object.entries(card.certificates)[0] ?? [];
  if (held === undefined) throw new Error('the card holds no certificate');
  const certificate = read(held.certificateFile);
  const cardRecord = read(card.face.recordFile);
  const cardIssuerCertificate = read(card.face.issuerCertificateFile);
  const envelope: CaptureEnvelopeBody = {
    nonce,
    boothId,
    counter: 1,
    certificateType: certificateType as CaptureEnvelopeBody['certificateType'],
    mode: 'GOVERNMENT_SUBMISSION',
    capturedAtUtc: new Date().toISOString(),
    photoSha256: sha256(photo),
    certificateSha256: sha256(certificate),
    cardRecordSha256: sha256(cardRecord),
    cardIssuerCertificateSha256: sha256(cardIssuerCertificate),
    consent: { textVersion: settings.consentTexts.at(-1)?.version ?? '', keepReferenceImage: true },
  };
  const session = (said: CaptureEnvelopeBody): RegistrationRequestBody => {
    const text = textOf('honnin/capture/v1', said);
    return {
      envelope: said,
      boothSignature: signed(text, boothKey, null),
      cardSignature: byCard(text, held),
      cardChallengeSignature: byCard(text, card.face.cardKey),
    };
  };
  const request: ReceiveRegistrationRequest = {
    idempotencyKey: randomUUID(),
    request: session(envelope),
    certificate: file(certificate, 'application/pkix-cert'),
    cardRecord: file(cardRecord, 'application/octet-stream'),
    cardIssuerCertificate: file(cardIssuerCertificate, 'application/octet-stream'),
    photo: file(photo, 'image/jpeg'),
    ...place,
  };
  const first = await booth.receiveRegistrationRaw(request);
  const again = await booth.receiveRegistrationRaw(request);
  const [{ receipt }, repeated] = [await first.value(), await again.value()];

  // Refusals: each is a Problem, with a code that programs read.
  const other = { ...request, request: session({ ...envelope, counter: 2 }) };
  const [reused, reuse] = await problemOf(booth.receiveRegistration(other));
  const untyped = {
    ...request,
    idempotencyKey: 'wrong',
    cardIssuerCertificate: file(cardIssuerCertificate, 'text/plain'),
  };
  const [wrong, wrongForm] = await problemOf(booth.receiveRegistration(untyped));

  const streamed = await booth.streamRegistrationStatus({ receipt });
  const status = await untilTheEnd(() => booth.getRegistrationStatus({ receipt }));
  const said = {
    standing: settings.booth?.standing,
    usable,
    received: [first.raw.status, again.raw.status, receipt === repeated.receipt],
    location: first.raw.headers.get('location') === `/v1/registrations/${receipt}`,
    refused: [
      [reused, reuse.code],
      [wrong, wrongForm.code],
    ],
    place: wrongForm.errors?.map(({ part }) => part),
    streamed: streamed.includes('event: status'),
    status,
  };
  process.stdout.write(`${JSON.stringify(said)}\n`);
}

async function untilTheEnd(ask: () => Promise<{ status: string }>): Promise<string> {
  const ends = Date.now() + 600_000;
  for (;;) {
    const { status } = await ask();
    if (!['received', 'processing'].includes(status) || Date.now() > ends) return status;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
});
