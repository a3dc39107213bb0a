// A consumer of what Honnin publishes, which proves that nothing is missing and nothing was added (Node 20).
//   node consumer.mjs --server https://honnin.example --token TOKEN --key "$(cat log.vkey)" --from 0
//   … --brokers broker-1:9092 [--topic honnin.registrations.v1]   from Kafka (kafkajs); without it from the feed
// --from: size of the log up to which everything before is proven.
import { createHash, createPublicKey, verify } from 'node:crypto';
import { parseArgs } from 'node:util';

const options = ['server', 'token', 'key', 'from', 'brokers', 'topic'].map((name) => [name, { type: 'string' }]);
const { values: given } = parseArgs({ options: Object.fromEntries(options) });
const headers = { authorization: `Bearer ${given.token}` };
const from = Number(given.from ?? 0);

/** The text of a signed note, or nothing where no key of the log has signed it (C2SP signed-note). */
function signedText(note, keys) {
  const cut = note.lastIndexOf('\n\n');
  const text = note.slice(0, cut + 1);
  const isBy = (key, [, name, base64]) => {
    const [, keyName, id, encoded] = /^([^+]+)\+([0-9a-f]{8})\+(\S+)/.exec(key);
    const signature = Buffer.from(base64, 'base64');
    if (keyName !== name || signature.subarray(0, 4).toString('hex') !== id) return false;
    const raw = Buffer.from(encoded, 'base64').subarray(1);
    const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), raw]);
    const by = createPublicKey({ key: der, format: 'der', type: 'spki' });
    return verify(null, Buffer.from(text), by, signature.subarray(4));
  };
  const by = note.slice(cut + 2, -1).split('\n');
  return by.some((signature) => keys.some((key) => isBy(key, signature.split(' ')))) ? text : '';
}

/** Our key, and those that follow: each note is signed by the one before and names the next in its fourth line. */
function keysFrom(successions) {
  const follow = (note, keys) => signedText(note, keys).match(/^honnin key succession v1\n.*\n.*\n(.*)/)?.[1] ?? [];
  return successions.reduce((keys, note) => keys.concat(follow(note, keys)), [given.key]);
}

async function* fromKafka() {
  const { Kafka, logLevel } = (await import('kafkajs')).default;
  const kafka = new Kafka({ brokers: given.brokers.split(','), logLevel: logLevel.NOTHING });
  const [admin, topic] = [kafka.admin(), given.topic ?? 'honnin.registrations.v1'];
  await admin.connect();
  const ends = (await admin.fetchTopicOffsets(topic)).filter(({ low, high }) => low !== high);
  await admin.disconnect();
  const left = new Map(ends.map(({ partition, high }) => [partition, Number(high)]));
  if (left.size === 0) return;
  const consumer = kafka.consumer({ groupId: `proof-${Date.now()}` });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  const all = [];
  await new Promise((resolve) => {
    const eachMessage = async ({ partition, message }) => {
      const of = Object.entries(message.headers).filter(([name]) => name.startsWith('ce_'));
      all.push(Object.fromEntries(of.map(([name, value]) => [name.slice(3), String(value)])));
      if (Number(message.offset) + 1 >= (left.get(partition) ?? 0)) left.delete(partition);
      if (left.size === 0) resolve();
    };
    void consumer.run({ eachMessage });
  });
  await consumer.disconnect();
  yield* all;
}

async function* fromFeed(to) {
  const answer = await fetch(`${given.server}/v1/published-events?from=${from}`, { headers });
  let rest = '';
  for await (const piece of answer.body.pipeThrough(new TextDecoderStream())) {
    const blocks = (rest + piece).split('\n\n');
    rest = blocks.pop();
    for (const block of blocks) {
      const [, event] = /^event: (.*)$/m.exec(block) ?? [];
      const data = JSON.parse(/^data: (.*)$/m.exec(block)?.[1] ?? 'null');
      if (event === 'fact') yield data;
      if (event === 'reached' && data.size >= to) return;
    }
  }
}

const asked = await fetch(`${given.server}/v1/published-events/certificate?from=${from}`, { headers });
const { certificate, successions, detail } = await asked.json();
if (!asked.ok) throw new Error(detail);
const text = signedText(certificate, keysFrom(successions));
if (!text.startsWith('honnin publication certificate v1\n'))
  throw new Error('the certificate is not signed by the key that you gave');
const stated = (name) => new RegExp(`^${name} (\\S+)`, 'm').exec(text)[1];
const to = Number(stated('to'));
const facts = new Map();
// What names no entry of the log is of an older version, or not Honnin's: it counts as added.
for await (const fact of given.brokers ? fromKafka() : fromFeed(to)) {
  const { leafindex, leafhash, id, type, subject } = fact;
  if (leafindex < from || leafindex >= to) continue;
  facts.set(`${leafindex} ${leafhash} ${id} ${type} ${subject}\n`, fact);
}
const order = ([, a], [, b]) => a.leafindex - b.leafindex || (a.id < b.id ? -1 : 1);
const lines = [...facts].sort(order).map(([line]) => line);
const isWhole = createHash('sha256').update(lines.join('')).digest('hex') === stated('records');
console.log(
  `${isWhole ? 'whole' : 'NOT WHOLE'}: ${lines.length} of ${stated('count')} facts of entries ${from} to ${to}`,
);
process.exit(isWhole ? 0 : 1);
