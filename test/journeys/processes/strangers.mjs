// Strangers at the door, in a process of their own: node strangers.mjs '{"attack", "port", "addresses", …}'. They go on
// until standard input ends, and then print how many connections they opened and what they were answered.
import { connect } from 'node:net';

const {
  attack,
  port,
  addresses,
  connections,
  boothId,
  receipts = [],
  photoBytes = 9_000_000,
} = JSON.parse(process.argv[2]);
const BOUNDARY = 'strangersboundary';
const AGAIN_MS = 100;
const told = { opened: 0, statuses: {} };
let isOver = false;
/** Of the form of a token, signed by nobody. */
const FORGED =
  [
    { alg: 'RS256', typ: 'JWT', kid: 'k' },
    { iss: 'x', aud: 'honnin', exp: 4e9, roles: ['auditor'] },
  ]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.') +
  '.' +
  'A'.repeat(342);

const multipart = `Content-Type: multipart/form-data; boundary=${BOUNDARY}\r\n`;
const photoPart = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="photo"; filename="p"\r\nContent-Type: image/jpeg\r\n\r\n`;
const post = (path, headers, length) =>
  `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\n${headers}\r\n`;
const key = () => `Idempotency-Key: k${Math.random()}\r\n`;

/** What each attack does on one connection, and once it is open; a step ends when its answer has come or its connection
 * is closed. */
const ATTACKS = {
  'half-open uploads': {
    begin: () => post('/v1/registrations', multipart + key(), photoBytes) + photoPart,
    trickle: 2_000,
  },
  'slow uploads just fast enough': {
    begin: () => post('/v1/registrations', multipart + key(), photoBytes) + photoPart,
    trickle: 1_000,
    bytes: 17 * 1024,
  },
  'replayed challenges': {
    prepare: challenge,
    begin: ({ nonce }) => post('/v1/registrations', multipart + key() + claim(nonce), photoBytes) + photoPart,
    trickle: 1_000,
    bytes: 17 * 1024,
  },
  'silent connections': { begin: () => '' },
  'half a header': {
    begin: () => 'POST /v1/registrations HTTP/1.1\r\nHost: x\r\n',
    trickle: 500,
    bytes: 0,
    text: 'X-A: b\r\n',
  },
  'half a question': { begin: () => post('/v1/challenges', 'Content-Type: application/json\r\n', 40), trickle: 2_000 },
  'streams of one receipt': { begin: () => `GET /v1/registrations/${receipts[0]}/events HTTP/1.1\r\nHost: x\r\n\r\n` },
  'streams of many receipts': {
    begin: (_, number) =>
      `GET /v1/registrations/${receipts[number % receipts.length]}/events HTTP/1.1\r\nHost: x\r\n\r\n`,
  },
  'refused garbage': { begin: () => post('/v1/registrations', multipart + key(), 20) + 'x'.repeat(20), repeats: true },
  'refused requests of form': { prepare: challenge, begin: (given) => wellFormed(given), repeats: true },
  challenges: { begin: () => question(), repeats: true },
  'wrong signatures': { prepare: challenge, begin: (given) => wellFormed(given, claim(given.nonce)), repeats: true },
  'wrong signatures on new connections': {
    prepare: challenge,
    begin: (given) => wellFormed(given, claim(given.nonce)),
    repeats: true,
    closes: true,
  },
  'questions with wrong signatures': { begin: () => question(asked()), repeats: true },
  'forged tokens': {
    begin: () => get('/v1/cases?receipt=7K3M-9QXD-2VTB-HW60', `Authorization: Bearer ${FORGED}\r\n`),
    repeats: true,
  },
  'questions about receipts': { begin: () => get('/v1/registrations/7K3M-9QXD-2VTB-HW60'), repeats: true },
  'questions about its health': { begin: () => get('/health/ready'), repeats: true },
  'questions for its measurements': { begin: () => get('/metrics'), repeats: true },
  'questions for its description': { begin: () => get('/openapi.json'), repeats: true },
  'large bodies': {
    begin: () => post('/v1/registrations', multipart + key(), photoBytes) + photoPart,
    trickle: 1,
    bytes: 256 * 1024,
  },
};

function get(path, headers = '') {
  return `GET ${path} HTTP/1.1\r\nHost: x\r\n${headers}\r\n`;
}

function question(headers = '') {
  const body = JSON.stringify({ boothId });
  return post('/v1/challenges', `Content-Type: application/json\r\n${headers}`, body.length) + body;
}

function asked() {
  const signature = Buffer.alloc(64, 7).toString('base64');
  return `Honnin-Booth-Id: ${boothId}\r\nHonnin-Requested-At: ${new Date().toISOString()}\r\nHonnin-Booth-Signature: ${signature}\r\n`;
}

function claim(nonce) {
  return `Honnin-Booth-Id: ${boothId}\r\nHonnin-Challenge: ${nonce}\r\nHonnin-Booth-Signature: ${Buffer.alloc(64, 7).toString('base64')}\r\n`;
}

/** Everything that the form asks for, by nobody whom the server knows. */
function wellFormed({ nonce }, headers = '') {
  const sha = 'a'.repeat(64);
  const envelope = {
    nonce,
    boothId,
    counter: 1,
    certificateType: 'user_authentication',
    mode: 'GOVERNMENT_SUBMISSION',
    capturedAtUtc: new Date().toISOString(),
    photoSha256: sha,
    certificateSha256: sha,
    cardRecordSha256: sha,
    cardIssuerCertificateSha256: sha,
    consent: { textVersion: '2026-11', keepReferenceImage: true },
  };
  const signature = Buffer.alloc(64, 7).toString('base64');
  const part = (name, type, content) =>
    `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"; filename="f"\r\nContent-Type: ${type}\r\n\r\n${content}\r\n`;
  const body =
    part(
      'request',
      'application/json',
      JSON.stringify({
        envelope,
        boothSignature: signature,
        cardSignature: signature,
        cardChallengeSignature: signature,
      }),
    ) +
    part('certificate', 'application/pkix-cert', 'c'.repeat(900)) +
    part('cardRecord', 'application/octet-stream', 'r'.repeat(900)) +
    part('cardIssuerCertificate', 'application/octet-stream', 'i'.repeat(500)) +
    part('photo', 'image/jpeg', 'p'.repeat(50_000)) +
    `--${BOUNDARY}--\r\n`;
  return post('/v1/registrations', multipart + key() + headers, body.length) + body;
}

async function challenge() {
  const answer = await fetch(`http://127.0.0.1:${port}/v1/challenges`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ boothId }),
  });
  return answer.ok ? answer.json() : { nonce: 'A'.repeat(51) };
}

/** One stranger: opens a connection, does what the attack says, and comes again as soon as it is thrown out. */
function stranger(number, given) {
  if (isOver) return;
  const plan = ATTACKS[attack];
  const socket = connect({ host: '127.0.0.1', port, localAddress: `127.0.0.${1 + (number % addresses)}` });
  let timer;
  socket.on('connect', () => {
    told.opened += 1;
    socket.write(plan.begin(given, number), 'latin1');
    if (plan.trickle)
      timer = setInterval(() => {
        if (socket.writableLength < 1024 * 1024) socket.write(plan.text ?? Buffer.alloc(plan.bytes || 1, 120));
      }, plan.trickle);
  });
  socket.on('data', (chunk) => {
    const status = /^HTTP\/1\.1 (\d{3})/.exec(chunk.toString('latin1', 0, 16))?.[1];
    if (!status) return;
    told.statuses[status] = (told.statuses[status] ?? 0) + 1;
    if (plan.closes) return socket.destroy();
    if (plan.repeats && !isOver && !socket.destroyed) socket.write(plan.begin(given, number), 'latin1');
  });
  socket.on('error', () => socket.destroy());
  socket.on('close', () => {
    clearInterval(timer);
    setTimeout(() => stranger(number, given), plan.closes ? 1 : AGAIN_MS);
  });
}

const given = (await ATTACKS[attack].prepare?.()) ?? {};
for (let i = 0; i < connections; i += 1) stranger(i, given);
process.stdin.resume().on('end', () => {
  isOver = true;
  process.stdout.write(`${JSON.stringify(told)}\n`, () => process.exit(0));
});
