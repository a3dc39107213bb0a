/** One subcommand of `honnin`. A file in src/cli exports `command: CliCommand`. */
export interface CliCommand {
  /** Help text: purpose, options with defaults, at least one example line starting with `./honnin`. */
  readonly help: string;
  /** Runs the command. @returns the exit code. @throws {UsageError} on bad arguments (exit 64, message and help hint printed). */
  run(args: string[]): Promise<number>;
}

/** Bad arguments: the message says what to do. */
export class UsageError extends Error {}

export const EXIT = { ok: 0, failed: 1, unknown: 2, usage: 64, internal: 70 } as const;
