import type { ReplayResult } from "../replay.ts";
import type { AuditFigures } from "./audit-figures.ts";

/** What an audit report is made of. */
export interface AuditReport {
  /** As the user names it. */
  readonly directory: string;
  readonly directoryId: string;
  /** When the report was made, microseconds since 1970. */
  readonly madeUs: number;
  readonly version: string;
  /** A server was at work in the directory. */
  readonly live: boolean;
  readonly figures: AuditFigures;
  /** undefined: the replay ended with `failure`, and the figures are those up to there. */
  readonly result: ReplayResult | undefined;
  readonly failure: string | undefined;
}
