/** One subcommand of `honnin`. A file in src/cli exports `command: CliCommand`. */
export interface CliCommand {
  /** Help text: purpose, options with defaults, at least one example line starting with `./honnin`. */
  readonly help: string;
  /** Runs the command. @returns the exit code. @throws {UsageError} on bad arguments (exit 64, message and help hint
   * printed). */
  run(args: string[]): Promise<number>;
}

/** Bad arguments: the message says what to do. */
export class UsageError extends Error {}

/** A server said no, or nothing: the message says which and why. */
export class ServerRefusedError extends Error {}

/** 141 is what a shell reports for a program whose reader went away (128 + SIGPIPE). */
export const EXIT = { ok: 0, failed: 1, unknown: 2, usage: 64, internal: 70, outputClosed: 141 } as const;
