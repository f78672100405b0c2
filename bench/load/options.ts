import { z } from "zod";
import { SCHEDULES } from "./schedule.ts";

/** A key as `crossbook keys create` prints it, as far as it is needed here. */
export const keySchema = z.object({
  keyId: z.string(),
  secret: z.string(),
  account: z.number().int().positive(),
});
export type LoadKey = z.infer<typeof keySchema>;

/** What one run of the load generator does. It comes as JSON on standard input. */
export const loadOptionsSchema = z.strictObject({
  /** ws://host:port/path */
  url: z.string(),
  /** echo: the server sends back what it gets; nobody logs on. */
  protocol: z.enum(["crossbook", "echo"]),
  /** crossbook: one for each connection, each of an account of its own. */
  keys: z.array(keySchema),
  connections: z.number().int().min(1),
  /** Of all connections together. */
  ratePerSecond: z.number().positive(),
  schedule: z.enum([...SCHEDULES, "day"]),
  /** For the schedule `day`. */
  day: z.strictObject({ file: z.string(), speed: z.number().positive() }).nullable(),
  /** What the clients speak. */
  encoding: z.enum(["binary", "json"]),
  /** Every so manieth command asks for a receipt; 0: none does. */
  receiptEvery: z.number().int().min(0),
  /** Measured; the warm-up comes before. */
  seconds: z.number().positive(),
  warmUpSeconds: z.number().min(0),
  /** How long to wait for the last answers. */
  drainSeconds: z.number().positive(),
  /** A connection that the server closes counts as lost orders; else the run fails. */
  mayBeCut: z.boolean(),
  /**
   * spin: one core belongs to the generator; sleep: a thread sleeps until shortly before each send, or
   * above 50,000 a second sends every 0.1 ms what is due.
   */
  pacing: z.enum(["spin", "sleep"]),
  seed: z.number().int(),
  flow: z.strictObject({
    symbol: z.string(),
    instrumentId: z.number().int().min(0),
    midTicks: z.number().int(),
    depth: z.number().int().min(1),
  }),
});
export type LoadOptions = z.infer<typeof loadOptionsSchema>;

export const DEFAULT_LOAD: Omit<LoadOptions, "url"> = {
  protocol: "crossbook",
  keys: [],
  connections: 1,
  ratePerSecond: 5_000,
  schedule: "poisson",
  day: null,
  encoding: "binary",
  receiptEvery: 0,
  seconds: 60,
  warmUpSeconds: 5,
  drainSeconds: 5,
  mayBeCut: false,
  pacing: "spin",
  seed: 1,
  flow: { symbol: "BENCH-USD", instrumentId: 0, midTicks: 100_000, depth: 50 },
};
