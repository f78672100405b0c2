import cliProgress from "cli-progress";

const HUNDRED_PERCENT = 100;

/** A bar on standard error while something long runs; nothing where that is no terminal. */
export class Progress {
  readonly #bar: cliProgress.SingleBar | undefined;

  /** label: what is counted, as "commands". */
  constructor(label: string) {
    if (process.stderr.isTTY !== true) return;
    this.#bar = new cliProgress.SingleBar({
      format: `[{bar}] {percentage} % of {total} ${label}, {eta_formatted} to go`,
      stream: process.stderr,
      clearOnComplete: true,
      hideCursor: true,
      formatValue: (value, _options, type) =>
        type === "percentage"
          ? String(Math.min(HUNDRED_PERCENT, value))
          : value.toLocaleString("en"),
    });
    this.#bar.start(0, 0);
  }

  update(done: number, total: number): void {
    this.#bar?.setTotal(total);
    this.#bar?.update(done);
  }

  stop(): void {
    this.#bar?.stop();
  }
}
