import { settingsHelp } from '../infrastructure/settings/config.js';
import { EXIT, type CliCommand } from './command.js';

export const command: CliCommand = {
  help: `
Runs the server until it is told to stop (Ctrl-C or SIGTERM); requests and effects under way are finished first.
It listens on the embedded default: events, read models and images below ./data, no other service needed.

  ./honnin start

All settings are environment variables:
${settingsHelp()}

Example
  HONNIN_PORT=8443 HONNIN_TLS_CERT=cert.pem HONNIN_TLS_KEY=key.pem ./honnin start
`,
  async run(args) {
    if (args.length > 0)
      process.stderr.write(
        `honnin start takes no arguments; settings are environment variables ('./honnin start --help')\n`,
      );
    if (args.length > 0) return EXIT.usage;
    const { isOfOperators, startServer } = await import('../server.js');
    const { ConfigError } = await import('../infrastructure/settings/config.js');
    try {
      const server = await startServer(process.env, {
        onWaiting: ({ url, reason }) => process.stderr.write(`honnin waits on ${url} (live, not ready): ${reason}\n`),
      });
      for (const remark of server.remarks) process.stderr.write(`honnin start: ${remark}\n`);
      process.stderr.write(
        `honnin listens on ${server.url}  (API: ${server.url}/docs, health: ${server.url}/health/ready)\n`,
      );
    } catch (error) {
      // What an operator can put right is said in a line; a bug keeps its stack.
      if (!isOfOperators(error)) throw error;
      process.stderr.write(`honnin start: ${error.message}\n`);
      return error instanceof ConfigError ? EXIT.usage : EXIT.failed;
    }
    // The process ends by the shutdown hooks of the application.
    return new Promise<number>(() => {});
  },
};
