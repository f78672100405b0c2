/** Lets one waiter sleep until somebody signals. A signal given while nobody waits is kept. */
export class Wakeup {
  #signalled = false;
  #resolve: (() => void) | null = null;

  signal(): void {
    this.#signalled = true;
    this.#resolve?.();
  }

  /** Resolves at the next signal or after `timeoutMs`; at once where there was one since the last wait. */
  async wait(timeoutMs: number): Promise<void> {
    if (!this.#signalled) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, timeoutMs);
        this.#resolve = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#resolve = null;
    }
    this.#signalled = false;
  }
}
