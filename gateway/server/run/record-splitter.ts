import { ImportError } from "../../../replay/import/errors.ts";
import type { WorkloadFormat } from "../../../replay/import/workload.ts";

/** Cuts a stream of bytes into whole messages of a workload and checks that none is missing. */
export class RecordSplitter {
  readonly #format: WorkloadFormat;
  readonly #onRecords: (records: DataView) => void;
  #rest: Buffer = Buffer.alloc(0);
  #isHeaderRead = false;
  #promised: number | undefined;
  #count = 0;

  constructor(format: WorkloadFormat, onRecords: (records: DataView) => void) {
    this.#format = format;
    this.#onRecords = onRecords;
  }

  push(chunk: Buffer): void {
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    if (!this.#isHeaderRead) {
      const { headerBytes } = this.#format;
      if (bytes.length < headerBytes) {
        this.#rest = bytes;
        return;
      }
      this.#promised = this.#format.messageCount(viewOf(bytes.subarray(0, headerBytes)));
      this.#isHeaderRead = true;
      bytes = bytes.subarray(headerBytes);
    }
    const count = Math.floor(bytes.length / this.#format.recordBytes);
    const whole = count * this.#format.recordBytes;
    this.#rest = bytes.subarray(whole);
    this.#count += count;
    if (count > 0) this.#onRecords(viewOf(bytes.subarray(0, whole)));
  }

  /** Throws an ImportError (damaged) where the file breaks off or is longer than it says. */
  end(): void {
    if (!this.#isHeaderRead || this.#rest.length > 0) {
      throw new ImportError("damaged", `the input breaks off after ${this.#count} messages`);
    }
    const promised = this.#promised ?? this.#count;
    if (promised !== this.#count) {
      throw new ImportError("damaged", `the input holds ${this.#count} of ${promised} messages`);
    }
  }
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
