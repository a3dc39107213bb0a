// Loaded before a server: notes what the server itself did with each request, from its first header to its answer, and
// writes it down when the file TEST_DOOR_PROBE + '.ask' appears. On a machine that the attack shares with the server, a
// clock outside says what both took.
import { subscribe } from 'node:diagnostics_channel';
import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

const LOOK_MS = 20;
const file = process.env.TEST_DOOR_PROBE;
const begunAt = new WeakMap();
let taken, answers, cpu;

function begin() {
  taken = [];
  answers = 0;
  cpu = process.cpuUsage();
}

if (isMainThread) {
  begin();
  subscribe('http.server.request.start', ({ request }) => begunAt.set(request, performance.now()));
  subscribe('http.server.response.finish', ({ request, response }) => {
    answers += 1;
    if (response.statusCode === 202) taken.push(performance.now() - begunAt.get(request));
  });
  setInterval(() => {
    if (!existsSync(`${file}.ask`)) return;
    rmSync(`${file}.ask`);
    const { user, system } = process.cpuUsage(cpu);
    writeFileSync(`${file}.new`, JSON.stringify({ taken, answers, cpuMs: (user + system) / 1000 }));
    renameSync(`${file}.new`, file);
    begin();
  }, LOOK_MS).unref();
}
