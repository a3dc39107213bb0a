import type { LoggerService } from '@nestjs/common';
import { pino, type DestinationStream, type Logger } from 'pino';
import type { ApiSettings } from './api-settings.js';

const STANDARD_OUTPUT = 1;

/** The server's log: JSON lines with times in UTC. Nothing passes whole requests to it, so there is nothing to
 * redact. A line is written when the call returns: a process that ends by a signal takes none with it that was said. */
export function createLog({ logLevel }: Pick<ApiSettings, 'logLevel'>, destination?: DestinationStream): Logger {
  const options = { level: logLevel, base: { service: 'honnin' }, timestamp: pino.stdTimeFunctions.isoTime };
  return pino(options, destination ?? pino.destination({ dest: STANDARD_OUTPUT, sync: true }));
}

/** Sends Nest's log lines to the same place. */
export class NestLog implements LoggerService {
  constructor(private readonly target: Logger) {}

  log(message: unknown, ...rest: unknown[]): void {
    this.write('debug', message, rest);
  }

  error(message: unknown, ...rest: unknown[]): void {
    this.write('error', message, rest);
  }

  warn(message: unknown, ...rest: unknown[]): void {
    this.write('warn', message, rest);
  }

  debug(message: unknown, ...rest: unknown[]): void {
    this.write('debug', message, rest);
  }

  verbose(message: unknown, ...rest: unknown[]): void {
    this.write('trace', message, rest);
  }

  fatal(message: unknown, ...rest: unknown[]): void {
    this.write('fatal', message, rest);
  }

  /** Nest calls with `(message, context)`, and for errors with `(message, stack, context)`. */
  private write(
    level: 'fatal' | 'error' | 'warn' | 'debug' | 'trace',
    message: unknown,
    rest: readonly unknown[],
  ): void {
    const texts = rest.filter((r): r is string => typeof r === 'string');
    const context = texts.at(-1);
    const stack = message instanceof Error ? message.stack : texts.length > 1 ? texts[0] : undefined;
    this.target[level](
      { ...(context && { context }), ...(stack && { stack }) },
      message instanceof Error ? message.message : String(message),
    );
  }
}
