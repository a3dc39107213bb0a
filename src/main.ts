import './telemetry-off.js';
import { startServer } from './server.js';

/** `node dist/main.js`: the server alone, with settings from the environment, as a container would run it. */
const server = await startServer(process.env);
process.stdout.write(`${JSON.stringify({ msg: 'listening', url: server.url })}\n`);
