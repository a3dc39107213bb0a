import './telemetry-off.js';
import { isOfOperators, startServer } from './server.js';

const tell = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

/** `node dist/main.js`: the server alone, with settings from the environment, as a container would run it. */
try {
  const server = await startServer(process.env, { onWaiting: (waiting) => tell({ msg: 'waiting', ...waiting }) });
  tell({ msg: 'listening', url: server.url });
} catch (error) {
  if (!isOfOperators(error)) throw error;
  tell({ msg: 'not started', reason: error.message });
  process.exitCode = 1;
}
