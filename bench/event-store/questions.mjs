// Asks a server one small question after the other for some time and says how long the answers took. Run as a process
// of its own.
import { Agent, request } from 'node:http';

const [port, milliseconds, path, body] = [
  Number(process.argv[2]),
  Number(process.argv[3]),
  process.argv[4] ?? '/',
  process.argv[5] ?? '{}',
];
const agent = new Agent({ keepAlive: true });
const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
const times = [];
const end = performance.now() + milliseconds;
while (performance.now() < end) {
  const begun = performance.now();
  const status = await new Promise((resolve, reject) => {
    request({ port, host: '127.0.0.1', agent, method: 'POST', path, headers }, (answer) =>
      answer.resume().on('end', () => resolve(answer.statusCode)),
    )
      .on('error', reject)
      .end(body);
  });
  if (status >= 300) throw new Error(`${path} was answered with ${status}`);
  times.push(performance.now() - begun);
  await new Promise((resolve) => setTimeout(resolve, 2));
}
times.sort((a, b) => a - b);
process.send({ p50Ms: times[times.length >> 1], p99Ms: times[Math.floor(times.length * 0.99)], answers: times.length });
process.disconnect();
agent.destroy();
