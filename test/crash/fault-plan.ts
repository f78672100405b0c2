import { Random } from "../protocol/random.ts";

/**
 * live: SIGKILL while orders are under way. recovery: SIGKILL of a server that has been started again
 * and is not ready yet. shutdown: SIGTERM under load, and SIGKILL before it has ended. snapshot:
 * SIGKILL while the file of a snapshot is written and verified, and has not got its name yet.
 */
export type FaultKind = "live" | "recovery" | "shutdown" | "snapshot";

export const FAULT_KINDS: readonly FaultKind[] = ["live", "recovery", "shutdown", "snapshot"];

/** Out of ten. The first of a plan is live: there must be something to recover. */
const SHARES: Readonly<Record<FaultKind, number>> = {
  live: 4,
  recovery: 2,
  shutdown: 2,
  snapshot: 2,
};

/** The faults in the order in which they come; every kind has its share of any ten in a row. */
export function planFaults(count: number, seed: number): FaultKind[] {
  const random = new Random(seed);
  const plan: FaultKind[] = [];
  while (plan.length < count) {
    const ten = FAULT_KINDS.flatMap((kind) => Array<FaultKind>(SHARES[kind]).fill(kind));
    for (let i = ten.length - 1; i > 0; i--) swap(ten, i, random.below(i + 1));
    if (plan.length === 0) swap(ten, 0, ten.indexOf("live"));
    plan.push(...ten);
  }
  return plan.slice(0, count);
}

function swap<Item>(items: Item[], i: number, j: number): void {
  [items[i], items[j]] = [items[j] as Item, items[i] as Item];
}

/** What a fault has hit in fact, which is what counts. */
export type Hit =
  /** Under load: commands were without an answer. */
  | "live"
  /** Ready, but nothing was under way. */
  | "idle"
  /** Before the data directory was taken. */
  | "booting"
  /** The directory was taken, and no order accepted yet. */
  | "recovering"
  /** A file of a snapshot, begun by this server, is there under its temporary name. */
  | "snapshotting"
  /** Between SIGTERM and the end. */
  | "stopping"
  /** The server had already ended, with status 0. */
  | "stopped";

export const HITS: readonly Hit[] = [
  "live",
  "idle",
  "booting",
  "recovering",
  "snapshotting",
  "stopping",
  "stopped",
];

/**
 * How often each kind of fault must have hit what it was meant for; a campaign whose faults did not
 * happen proves nothing. Half: the rest may come a moment too early or too late.
 */
export function missedFaults(
  plan: readonly FaultKind[],
  hits: ReadonlyMap<Hit, number>,
): { readonly kind: FaultKind; readonly text: string }[] {
  const wanted: readonly [FaultKind, Hit][] = [
    ["live", "live"],
    ["recovery", "recovering"],
    ["shutdown", "stopping"],
    ["snapshot", "snapshotting"],
  ];
  return wanted.flatMap(([kind, hit]) => {
    const planned = plan.filter((fault) => fault === kind).length;
    const happened = hits.get(hit) ?? 0;
    if (happened >= Math.ceil(planned / 2)) return [];
    const text = `of ${planned} faults of the kind "${kind}" only ${happened} hit a ${hit} server`;
    return [{ kind, text }];
  });
}
