import {
  SESSION_END_TEMPLATE_ID,
  SESSION_START_LENGTH,
  SESSION_START_TEMPLATE_ID,
  SessionStart,
} from "../../../protocol/generated/commands.ts";

/** A session that a crash cut off: its end has still to be sequenced. */
export interface OpenSession {
  readonly account: number;
  readonly keyNumber: number;
  readonly keyId: string;
  readonly cancelOnDisconnect: boolean;
}

/** Sessions that started and did not end, by key number and account, as the commands tell them. */
export class OpenSessions {
  readonly #byName = new Map<string, Uint8Array>();
  readonly #session = new SessionStart();

  /** Every command, in order; those that are not about sessions are ignored. */
  onCommand(view: DataView, offset: number): void {
    const template = view.getUint16(offset + 2, true);
    if (!OpenSessions.isAbout(template)) return;
    // Start and end share their layout as far as it is read here.
    this.#session.wrap(view, offset);
    const name = `${this.#session.keyNumber}/${this.#session.account}`;
    if (template === SESSION_END_TEMPLATE_ID) {
      this.#byName.delete(name);
      return;
    }
    const start = view.byteOffset + offset;
    this.#byName.set(name, new Uint8Array(view.buffer, start, SESSION_START_LENGTH).slice());
  }

  static isAbout(template: number): boolean {
    return template === SESSION_START_TEMPLATE_ID || template === SESSION_END_TEMPLATE_ID;
  }

  /** Their sessionStart commands. */
  records(): Iterable<Uint8Array> {
    return this.#byName.values();
  }

  *all(): Generator<OpenSession> {
    for (const record of this.#byName.values()) {
      this.#session.wrap(new DataView(record.buffer), 0);
      const { account, keyNumber, keyId, cancelOnDisconnect } = this.#session;
      yield { account, keyNumber, keyId, cancelOnDisconnect };
    }
  }
}
