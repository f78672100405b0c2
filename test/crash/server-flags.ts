import type { Random } from "../protocol/random.ts";

/** Small segments and rings, so that a short life sees their ends. */
const FLAGS: Readonly<Record<string, readonly string[]>> = {
  durability: ["fsync", "os"],
  "segment-bytes": ["1MiB", "2MiB"],
  "snapshot-interval-ms": ["0", "100", "1000"],
  "risk-workers": ["1", "2"],
  threading: ["shared", "dedicated"],
  transport: ["auto", "ws"],
  "command-ring-slots": ["64", "256", "16384"],
  "event-ring-slots": ["256", "1024", "65536"],
};

/** Settings of one start, which differ from those of the start before; `fixed` are not drawn. */
export function drawFlags(random: Random, fixed: Readonly<Record<string, string>> = {}): string[] {
  return Object.entries(FLAGS).flatMap(([name, values]) => {
    return [`--${name}`, fixed[name] ?? random.pick(values)];
  });
}
