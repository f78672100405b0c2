import type { UpgradeRequest } from "./transport.ts";

export interface AdmissionOptions {
  readonly maxConnections: number;
  readonly maxConnectionsPerAddress: number;
  /** Pages from elsewhere that may connect, such as "https://desk.example"; "*": any. */
  readonly origins: readonly string[];
}

/** Who may connect at all: all endpoints of a server count together. */
export class Admission {
  readonly #options: AdmissionOptions;
  readonly #byAddress = new Map<string, number>();
  #count = 0;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  get connections(): number {
    return this.#count;
  }

  /** 0, or the HTTP status to refuse with. */
  check({ origin, host, remoteAddress }: UpgradeRequest): number {
    if (origin !== "" && !this.#isAllowedOrigin(origin, host)) return 403;
    if (this.#count >= this.#options.maxConnections) return 503;
    const fromAddress = this.#byAddress.get(remoteAddress) ?? 0;
    return fromAddress >= this.#options.maxConnectionsPerAddress ? 429 : 0;
  }

  enter(remoteAddress: string): void {
    this.#count++;
    this.#byAddress.set(remoteAddress, (this.#byAddress.get(remoteAddress) ?? 0) + 1);
  }

  leave(remoteAddress: string): void {
    this.#count--;
    const left = (this.#byAddress.get(remoteAddress) ?? 0) - 1;
    if (left > 0) this.#byAddress.set(remoteAddress, left);
    else this.#byAddress.delete(remoteAddress);
  }

  /** Programs send no Origin. A browser does, and pages of our own host may always connect. */
  #isAllowedOrigin(origin: string, host: string): boolean {
    const { origins } = this.#options;
    if (origins.includes("*") || origins.includes(origin)) return true;
    try {
      return new URL(origin).host === host;
    } catch {
      return false;
    }
  }
}
