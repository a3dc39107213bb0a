import { startServer } from './server.js';

/** `node dist/main.js`: the server alone, as `./honnin start` runs it. */
await startServer(process.env);
