/** Settings that are wrong, all of them. */
export class ConfigError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(`the configuration is wrong:\n${problems.map((p) => `  ${p}`).join('\n')}`);
  }
}
