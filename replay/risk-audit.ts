import { readBudget } from "../engine/risk/budget.ts";
import { RiskGate } from "../engine/risk/risk-gate.ts";
import { restoreRisk } from "../engine/snapshot/risk-rows.ts";
import type { Snapshot } from "../engine/snapshot/snapshot-format.ts";
import {
  REJECT_REASON_NAMES,
  RejectReason,
  VERDICT_NAMES,
  Verdict,
} from "../protocol/generated/enums.ts";
import { CommandHeader } from "../protocol/generated/headers.ts";
import { ReplayError } from "./errors.ts";

/** Commands under way: one, since each is finished before the next is looked at. */
const IN_FLIGHT = 64;

/**
 * Gives every verdict again, as a single thread that has finished every earlier command, and
 * compares it with the journaled one.
 */
export class RiskAudit {
  /** Verdicts compared. */
  checked = 0;
  readonly #gate = new RiskGate(0, 1, IN_FLIGHT);
  readonly #header = new CommandHeader();

  /** Before the first command: goes on where the snapshot stands. */
  restore(snapshot: Snapshot): void {
    restoreRisk(this.#gate, snapshot);
  }

  /** Before the engine applies the command. Throws a ReplayError verdictDiffers. */
  beforeCommand(view: DataView, offset: number): void {
    const header = this.#header;
    header.wrap(view, offset);
    this.#gate.see(header);
    if (header.verdict === Verdict.refusedAtEntry) return;
    // The rules cannot give this one: the worker was not there.
    if (header.reason === RejectReason.riskUnavailable) return;
    const reason = this.#gate.check(view, offset);
    const verdict = reason === RejectReason.none ? Verdict.passed : Verdict.refusedByRisk;
    if (verdict !== header.verdict || reason !== header.reason) {
      throw new ReplayError(
        "verdictDiffers",
        `seq ${header.seq}: the journal says ${words(header.verdict, header.reason)}, ` +
          `the rules say ${words(verdict, reason)}`,
      );
    }
    const journaled = readBudget(view, offset);
    const { budgetUnits } = this.#gate;
    if (journaled !== budgetUnits) {
      throw new ReplayError(
        "verdictDiffers",
        `seq ${header.seq}: the journal says a budget of ${journaled} units, ` +
          `the rules say ${budgetUnits}`,
      );
    }
    this.checked++;
    if (reason === RejectReason.none) this.#gate.admit(view, offset);
  }

  onEvent(view: DataView, offset: number): void {
    this.#gate.state.absorb(view, offset);
  }

  /** All events of `seq` have been absorbed. */
  afterCommand(seq: number): void {
    this.#gate.settle(seq);
  }
}

function words(verdict: Verdict, reason: number): string {
  const why = reason === RejectReason.none ? "" : ` (${REJECT_REASON_NAMES[reason] ?? reason})`;
  return `${VERDICT_NAMES[verdict] ?? verdict}${why}`;
}
