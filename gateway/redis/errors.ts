import { InvariantError } from "../../protocol/assert.ts";
import type { RedisAddress } from "./access.ts";

/** Why publishing stopped for good: no way to go on is right, so an operator has to look. */
export type HaltCode =
  | "otherFormat"
  | "otherDirectory"
  | "laterEpoch"
  | "replaced"
  | "streamAhead"
  | "historyDiffers"
  | "streamMissing"
  | "foreignEntry"
  | "unmarkedStream"
  | "wrongType"
  | "hashTagMissing"
  | "eventLogDamaged"
  | "journalDamaged"
  | "invariantBroken";

/** docs/redis.md lists the codes and what to do about each. */
export class PublishingHalted extends Error {
  readonly code: HaltCode;

  constructor(code: HaltCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** Redis did not do what it was asked to, for now: connect again and look where the streams stand. */
export class RedisUnavailable extends Error {
  readonly code = "redisUnavailable";
}

/** The keys are on another node of the Redis Cluster. */
export class RedisMoved extends RedisUnavailable {
  readonly address: RedisAddress;

  constructor(address: RedisAddress, message: string) {
    super(message);
    this.address = address;
  }
}

/** Redis has lost the definition of an instrument: it is to be looked for in the event log. */
export class InstrumentUnknown extends Error {
  readonly code = "instrumentUnknown";

  constructor(instrumentId: number) {
    super(`the definition of instrument ${instrumentId} is not in Redis`);
  }
}

/**
 * What an error of Redis means. Only the answers that a later attempt cannot change halt; whatever
 * else there is (away, loading, read-only, out of memory, not permitted) is tried again.
 */
export function classify(error: unknown): PublishingHalted | RedisUnavailable {
  if (error instanceof PublishingHalted || error instanceof RedisUnavailable) return error;
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof InvariantError) return new PublishingHalted("invariantBroken", message);
  if (message.includes("WRONGTYPE")) {
    return new PublishingHalted("wrongType", `a key of Crossbook holds something else: ${message}`);
  }
  if (message.includes("equal or smaller than the target stream top item")) {
    return new PublishingHalted(
      "foreignEntry",
      `a stream holds an entry that was not published from here: ${message}`,
    );
  }
  const moved = /^MOVED \d+ (\S*):(\d+)$/.exec(message);
  if (moved !== null) {
    return new RedisMoved({ host: moved[1] as string, port: Number(moved[2]) }, message);
  }
  if (message.startsWith("CROSSSLOT")) {
    return new PublishingHalted(
      "hashTagMissing",
      `the streams are written in one step, which a Redis Cluster can do only where redisPrefix is a hash tag, such as {crossbook}: ${message}`,
    );
  }
  return new RedisUnavailable(message, { cause: error });
}
