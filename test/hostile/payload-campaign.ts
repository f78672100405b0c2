// Mutated payloads into real sessions of every role, each judged by readings of its own.
import { ERROR_CODE_NAMES } from "../../protocol/generated/enums.ts";
import { TYPE_NAMES } from "../../protocol/json/words.ts";
import { Random } from "../reference/fuzz/random.ts";
import { type Checkpoint, ENOUGH_FOR_HEAP, growth, heapAfterCollection, LOOKS } from "./heap.ts";
import { Judge } from "./judge.ts";
import { BINARY_MUTATIONS, TEXT_MUTATIONS } from "./mutations.ts";
import { PayloadSource } from "./payload-source.ts";
import { type Outcome, ROLES, type Role, SessionTarget } from "./session-target.ts";
import { COMMAND_SHAPES } from "./valid-messages.ts";

/** Each chunk draws from a seed of its own, so that a campaign can start at any of them. */
const CHUNK = 100_000;
/** As often as each is drawn. */
const ROLE_SHARES: readonly Role[] = [
  ...Array<Role>(12).fill("stranger"),
  ...Array<Role>(6).fill("viewer"),
  ...Array<Role>(42).fill("trader"),
  ...Array<Role>(28).fill("admin"),
  ...Array<Role>(12).fill("market"),
];
/** Errors that a session of the campaign cannot get. */
const OUT_OF_REACH = new Set([
  ...["none", "overloaded", "shuttingDown", "diskLow", "logonTimeout", "keyRevoked"],
  ...["heartbeatTimeout", "slowConsumer"],
]);
const NEEDED_ERRORS = ERROR_CODE_NAMES.filter((name) => !OUT_OF_REACH.has(name));
/** Below it, a rare kind may be missed by bad luck, and the compiler is still at work. */
const ENOUGH = 50_000;

export interface PayloadOptions {
  readonly payloads: number;
  readonly seed: number;
  /** The first chunk of 100,000. */
  readonly from?: number;
  readonly onProgress?: (done: number) => void;
}

export interface PayloadReport {
  readonly payloads: number;
  readonly bytes: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly connections: number;
  /** By mutation, role and kind of answer; how many had a command sequenced, by type. */
  readonly textMutations: ReadonlyMap<string, number>;
  readonly binaryMutations: ReadonlyMap<string, number>;
  readonly roles: ReadonlyMap<string, number>;
  readonly said: ReadonlyMap<string, number>;
  readonly sequenced: ReadonlyMap<string, number>;
  readonly checkpoints: readonly Checkpoint[];
  readonly heapGrowth: number;
  readonly findings: readonly string[];
  /** What was never tried, or never seen, and should have been. */
  readonly missing: readonly string[];
}

const MOST_FINDINGS = 10;

export class PayloadCampaign {
  readonly #target = new SessionTarget();
  readonly #judge = new Judge(this.#target);
  readonly #source = new PayloadSource(this.#target.directory, [7, 7, 7, 7, 8]);
  readonly #textMutations = new Map<string, number>();
  readonly #binaryMutations = new Map<string, number>();
  readonly #roles = new Map<string, number>();
  readonly #said = new Map<string, number>();
  readonly #sequenced = new Map<string, number>();
  readonly #findings: string[] = [];
  #bytes = 0;

  run(options: PayloadOptions): PayloadReport {
    const { payloads, seed, from = 0, onProgress } = options;
    const startMs = performance.now();
    const cpu = process.cpuUsage();
    const checkpoints: Checkpoint[] = [];
    const step = Math.max(1, Math.floor(payloads / LOOKS));
    let nextCheckpoint = step;
    let random = new Random(seed * 1_000_000 + from);
    this.#source.drawSources(random, this.#target.logonOf("stranger"));
    for (let done = 0; done < payloads && this.#findings.length < MOST_FINDINGS; ) {
      if (done % CHUNK === 0 && done > 0) {
        random = new Random(seed * 1_000_000 + from + done / CHUNK);
        this.#source.drawSources(random, this.#target.logonOf("stranger"));
        onProgress?.(done);
      }
      this.#round(random, seed, from + Math.floor(done / CHUNK));
      if (++done < nextCheckpoint) continue;
      nextCheckpoint += step;
      if (payloads < ENOUGH_FOR_HEAP) continue;
      // What the campaign holds itself differs in size from chunk to chunk.
      this.#source.forgetSources();
      checkpoints.push({ done, heapBytes: heapAfterCollection().objects });
      this.#source.drawSources(random, this.#target.logonOf("stranger"));
    }
    const { user, system } = process.cpuUsage(cpu);
    const isLong = payloads >= ENOUGH;
    return {
      payloads,
      bytes: this.#bytes,
      seconds: (performance.now() - startMs) / 1000,
      cpuSeconds: (user + system) / 1e6,
      connections: this.#target.connections,
      textMutations: this.#textMutations,
      binaryMutations: this.#binaryMutations,
      roles: this.#roles,
      said: this.#said,
      sequenced: this.#sequenced,
      checkpoints,
      heapGrowth: growth(checkpoints.map(({ heapBytes }) => heapBytes)),
      findings: this.#findings,
      missing: isLong ? this.#missing() : [],
    };
  }

  #round(random: Random, seed: number, chunk: number): void {
    const role = random.pick(ROLE_SHARES);
    const isBinary = random.chance(0.5);
    const wantsLogon = role === "stranger" && random.chance(0.3);
    const logon = wantsLogon ? this.#target.logonOf(role) : null;
    const source = this.#source;
    const kinds = isBinary ? source.drawBinary(random, logon) : source.drawText(random, logon);
    const data = source.payload.data();
    this.#bytes += data.length;
    count(this.#roles, role);
    const mutations = isBinary ? this.#binaryMutations : this.#textMutations;
    for (const kind of kinds) count(mutations, kind);
    let outcome: Outcome;
    let finding: string | null;
    try {
      outcome = this.#target.give(role, data, isBinary);
      finding = this.#judge.findingOf(role, data, isBinary, outcome);
      for (const word of outcome.said) count(this.#said, word);
      for (const bytes of outcome.sequenced)
        count(this.#sequenced, TYPE_NAMES[bytes[2] as number] as string);
      if (outcome.closeCode !== 0) count(this.#said, `close ${outcome.closeCode}`);
    } catch (error) {
      finding = `thrown: ${String((error as Error).stack)}`;
    }
    if (finding === null) return;
    const shown = isBinary ? Buffer.from(data).toString("hex") : Buffer.from(data).toString("utf8");
    this.#findings.push(
      `seed ${seed}, chunk ${chunk}, ${role}, ${kinds.join("+")}: ${finding}\n  ${shown}`,
    );
  }

  #missing(): string[] {
    const missing: string[] = [];
    const need = (counts: ReadonlyMap<string, number>, names: Iterable<string>, what: string) => {
      for (const name of names) if (!counts.has(name)) missing.push(`${what} ${name}`);
    };
    need(this.#textMutations, TEXT_MUTATIONS, "text mutation");
    need(this.#binaryMutations, BINARY_MUTATIONS, "binary mutation");
    need(this.#roles, ROLES, "role");
    need(this.#said, NEEDED_ERRORS, "answer");
    need(
      this.#said,
      ["loggedOn", "queryEnd", "subscribed", "duplicateRequest", "completed"],
      "answer",
    );
    need(
      this.#sequenced,
      COMMAND_SHAPES.map(({ type }) => type),
      "sequenced",
    );
    return missing;
  }
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
