/** A configuration that cannot be used. The message has one line for each thing that is wrong. */
export class ConfigError extends Error {
  readonly code = "invalidConfig";
  /** 64: wrong values; 66: a configuration file that cannot be read. */
  readonly exitCode: 64 | 66;

  constructor(problems: readonly string[], exitCode: 64 | 66 = 64, cause?: unknown) {
    super(problems.join("\n"), cause === undefined ? undefined : { cause });
    this.exitCode = exitCode;
  }
}
