// Draws payloads: valid messages of every type in both encodings, and what mutations make of them.
import type { InstrumentDirectory } from "../../protocol/instrument-directory.ts";
import type { Random } from "../reference/fuzz/random.ts";
import {
  BINARY_MUTATIONS,
  type BinaryMutation,
  BYTE_MUTATIONS,
  insertBadUtf8,
  mutateBytes,
  mutateRecord,
  mutateText,
  Payload,
  TEXT_MUTATIONS,
  type TextMutation,
} from "./mutations.ts";
import {
  type BinaryMessage,
  binaryCommand,
  binarySessionMessages,
  CLIENT_SHAPES,
  COMMAND_SHAPES,
  drawText,
  emptyRecords,
  type LogonValues,
  type TextMessage,
  textOf,
} from "./valid-messages.ts";

const LOGON = CLIENT_SHAPES.find(({ type }) => type === "logon") as (typeof CLIENT_SHAPES)[number];
/** Sources of each type at a time. */
const TEXTS_EACH = 16;
const BYTE_KINDS: ReadonlySet<string> = new Set(BYTE_MUTATIONS);
const NOTHING = new Uint8Array(0);
const NOBODY: LogonValues = { keyId: "nobody", timestampUs: 1, signature: new Uint8Array(32) };

export class PayloadSource {
  readonly payload = new Payload();
  readonly #directory: InstrumentDirectory;
  readonly #accounts: readonly number[];
  #texts: TextMessage[] = [];
  #records: BinaryMessage[] = [];

  /** accounts: what a command may name, where it names one. */
  constructor(directory: InstrumentDirectory, accounts: readonly number[]) {
    this.#directory = directory;
    this.#accounts = accounts;
  }

  /** What is mutated from now on. logon: as it would be taken; null: no logons, which end a session. */
  drawSources(random: Random, logon: LogonValues | null): void {
    this.#texts = [];
    for (const shape of CLIENT_SHAPES) {
      if (shape === LOGON && logon === null) continue;
      for (let i = 0; i < TEXTS_EACH; i++) {
        this.#texts.push(drawText(shape, random, random.pick(this.#accounts), logon ?? NOBODY));
      }
    }
    const commands = this.#texts.filter(({ shape }) => COMMAND_SHAPES.includes(shape));
    this.#records = commands.map(({ fields }) => binaryCommand(textOf(fields), this.#directory));
    const more = [...binarySessionMessages(random, logon ?? NOBODY), ...emptyRecords()];
    const isLogon = ({ templateId }: BinaryMessage) => templateId === LOGON.templateId;
    this.#records.push(...more.filter((message) => logon !== null || !isLogon(message)));
  }

  forgetSources(): void {
    this.#texts = [];
    this.#records = [];
  }

  /** Fills the payload with text; returns what was done to it. logon: as it would be taken now. */
  drawText(random: Random, logon: LogonValues | null): string[] {
    const drawn = random.pick(this.#texts);
    const source = logon === null ? drawn : drawText(LOGON, random, 0, logon);
    const other = random.pick(this.#texts);
    const kinds: TextMutation[] = [random.pick(TEXT_MUTATIONS)];
    if (random.chance(0.2)) kinds.push(random.pick(TEXT_MUTATIONS));
    const inText = kinds.find((kind) => !BYTE_KINDS.has(kind) && kind !== "badUtf8") ?? "asIs";
    this.payload.setText(mutateText(source, inText, other, random));
    const done = inText === "asIs" && kinds[0] !== "asIs" ? [] : [inText as string];
    for (const kind of kinds) {
      if (kind === "badUtf8") insertBadUtf8(this.payload, random);
      else if (BYTE_KINDS.has(kind)) {
        const tail = kind === "spliced" ? Buffer.from(textOf(other.fields)) : NOTHING;
        mutateBytes(this.payload, kind as (typeof BYTE_MUTATIONS)[number], tail, random);
      } else continue;
      done.push(kind);
    }
    return done;
  }

  /** As drawText, in binary. */
  drawBinary(random: Random, logon: LogonValues | null): string[] {
    const drawn = random.pick(this.#records);
    const source =
      logon === null ? drawn : (binarySessionMessages(random, logon)[0] as BinaryMessage);
    const other = random.pick(this.#records);
    const kinds: BinaryMutation[] = [random.pick(BINARY_MUTATIONS)];
    if (random.chance(0.2)) kinds.push(random.pick(BINARY_MUTATIONS));
    this.payload.setBytes(source.bytes);
    for (const kind of kinds) {
      if (kind === "several") {
        for (let i = random.int(1, 4); i > 0; i--)
          this.payload.append(random.pick(this.#records).bytes);
      } else if (BYTE_KINDS.has(kind)) {
        mutateBytes(this.payload, kind as (typeof BYTE_MUTATIONS)[number], other.bytes, random);
      } else if (this.payload.length >= source.bytes.length) {
        mutateRecord(this.payload, source, kind, random);
      }
    }
    return kinds;
  }
}
