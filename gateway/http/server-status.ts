/** What the process says of itself. The owner of the pipeline fills it in; pages and metrics show it. */
export interface ServerStatus {
  /** `recovering`: replaying the journal; `ready`: orders are accepted; `stopping`: no more. */
  readonly state: "starting" | "recovering" | "ready" | "stopping";
  readonly version: string;
  /** Microseconds since 1970. */
  readonly startedUs: number;
  readonly durability: string;
  readonly transport: string;
  readonly lastSeq: number;
  /** Commands that are sequenced and not yet checked, matched, durable. */
  readonly lags: { readonly risk: number; readonly matched: number; readonly durable: number };
  readonly log: { readonly lastSeq: number; readonly eventCount: number };
  /** The state at the last snapshot command; seq 0 and no hashes: there was none yet. */
  readonly check: {
    readonly seq: number;
    readonly stateHash: string | null;
    readonly eventHash: string | null;
    readonly events: number;
    readonly trades: number;
  };
  /** Of both logs, what the start did not read; see docs/journal-format.md. */
  readonly history: {
    readonly state: "checking" | "whole" | "damaged";
    /** Up to here both logs are whole. */
    readonly checkedSeq: number;
    /** What was found first. */
    readonly damage: {
      readonly file: string;
      readonly offset: number;
      /** The last seq that is whole before it. */
      readonly seq: number;
      readonly code: string;
      readonly what: string;
    } | null;
  };
  readonly redis: {
    readonly state: string;
    /** Why it has halted, as docs/redis.md lists it; null: it has not. */
    readonly code: string | null;
    readonly reason: string | null;
    readonly lastSeq: number;
    /** Of the last event in Redis: `<seq>-<index>`. */
    readonly lastId: string;
    /** Commands between the event log and Redis. */
    readonly lag: number;
    /** Events between them; null: not known. */
    readonly lagEvents: number | null;
    /** No event that Redis lacks is older than this. */
    readonly lagSeconds: number;
    /** Events that Redis has been given since the first; null: not known. */
    readonly publishedEvents: number | null;
    /** Since the start of this process. */
    readonly events: number;
    readonly trades: number;
    readonly batches: number;
    readonly faults: number;
    readonly connections: number;
  };
  readonly journal: {
    readonly commands: number;
    readonly blocks: number;
    readonly bytes: number;
    readonly lastCommitUs: number;
    readonly maxCommitUs: number;
    readonly epoch: number;
  };
  /** Risk workers that died and got a successor; those that are not rebuilt yet. */
  readonly risk: { readonly restarts: number; readonly rebuilding: number };
  /** From a kill switch to the moment from which its account cannot trade, in microseconds. */
  readonly killSwitch: { readonly count: number; readonly lastUs: number; readonly maxUs: number };
  /** Connections; marketBehind: those of market data that have too much unread. */
  readonly sessions: {
    readonly trade: number;
    readonly market: number;
    readonly marketBehind: number;
  };
  readonly refused: Readonly<Record<string, number>>;
  readonly diskLow: boolean;
}
