import cliProgress from "cli-progress";

const HUNDRED_PERCENT = 100;

/**
 * A bar on standard error while something long runs; nothing where that is no terminal, or where the
 * output goes to the same one. Nothing has to be put right where the process is interrupted.
 */
export class Progress {
  readonly #label: string;
  readonly #isShown: boolean;
  #bar: cliProgress.SingleBar | undefined;

  /** label: what is counted, as "commands". printsLines: standard output gets more than a summary. */
  constructor(label: string, printsLines = false) {
    this.#label = label;
    const sharesTerminal = printsLines && process.stdout.isTTY === true;
    this.#isShown = process.stderr.isTTY === true && !sharesTerminal;
  }

  update(done: number, total: number): void {
    if (!this.#isShown) return;
    this.#bar ??= this.#start(total);
    this.#bar.setTotal(total);
    this.#bar.update(done);
  }

  stop(): void {
    this.#bar?.stop();
  }

  #start(total: number): cliProgress.SingleBar {
    const bar = new cliProgress.SingleBar({
      format: `[{bar}] {percentage} % of {total} ${this.#label}, {eta_formatted} to go`,
      stream: process.stderr,
      clearOnComplete: true,
      hideCursor: false, // an interrupt would leave it hidden
      formatValue: (value, _options, type) =>
        type === "percentage"
          ? String(Math.min(HUNDRED_PERCENT, value))
          : value.toLocaleString("en"),
    });
    bar.start(total, 0);
    return bar;
  }
}
