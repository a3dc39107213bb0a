import './telemetry-off.js';
import { startServer } from './server.js';

/** `node dist/main.js`: the server alone, with settings from the environment, as a container would run it. */
const tell = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
const server = await startServer(process.env, { onWaiting: (waiting) => tell({ msg: 'waiting', ...waiting }) });
tell({ msg: 'listening', url: server.url });
