import { checkRecord } from "../../../protocol/record-check.ts";
import { RECORD_BYTES } from "../../../protocol/rings/pipeline-memory.ts";
import { MAX_INTEGER } from "../../../protocol/terms.ts";
import type { ReferenceCapacity } from "../capacity.ts";
import {
  type CommandDraft,
  compact,
  completeCommand,
  type PlainCommand,
  writeRecord,
} from "../records.ts";
import { stateText } from "../state-text.ts";
import { EndlessSweep } from "../sweep.ts";
import { type Counts, count } from "./coverage.ts";
import { type ChallengerFactory, Difference, Duel, Stand } from "./duel.ts";
import { CommandGenerator } from "./generator.ts";
import { drawProfile, type Profile } from "./profile.ts";
import { Random } from "./random.ts";
import { shrink } from "./shrink.ts";

/** What a failed run says; `commands` are the fewest that still show the difference. */
export class FailedRun extends Error {
  readonly seed: number;
  readonly commands: readonly PlainCommand[];

  constructor(
    seed: number,
    capacity: ReferenceCapacity,
    commands: readonly PlainCommand[],
    difference: Error,
  ) {
    const lines = commands.map((command) => JSON.stringify(compact(command))).join("\n");
    const found = `seed ${seed}, capacity ${JSON.stringify(capacity)}`;
    super(`${difference.message}\n${found}, ${commands.length} commands:\n${lines}`);
    this.seed = seed;
    this.commands = commands;
  }
}

const BEGINNING = 40;
const OTHER_HISTORIES = 5;
const CHECK_EVERY = 50;

/** One market from its opening to its end. Throws a FailedRun. */
export function run(create: ChallengerFactory, seed: number): Counts {
  const random = new Random(seed);
  const profile = drawProfile(random);
  const counts: Counts = {};
  const commands: PlainCommand[] = [];
  try {
    play(create, random, profile, commands, counts);
  } catch (error) {
    // Both engines would be busy for hours: the run ends here.
    if (error instanceof EndlessSweep) return counts;
    if (!(error instanceof Difference)) throw error;
    const { capacity } = profile;
    const fewest = shrink(commands, (candidate) => fails(create, capacity, candidate));
    throw new FailedRun(seed, capacity, fewest, fails(create, capacity, fewest) ?? error);
  }
  return counts;
}

function play(
  create: ChallengerFactory,
  random: Random,
  profile: Profile,
  commands: PlainCommand[],
  counts: Counts,
): void {
  const duel = new Duel(create, profile.capacity);
  const generator = new CommandGenerator(profile, duel.reference);
  const step = (command: PlainCommand) => {
    commands.push(command);
    count(counts, command, duel.step(command));
    if (commands.length % CHECK_EVERY === 0) duel.checkState();
  };
  for (const command of generator.opening(random)) step(command);
  while (commands.length < profile.length) step(generator.next(random));
  for (const command of closing(duel, profile, commands[commands.length - 1])) step(command);
  finish(create, duel, profile.capacity, commands);
}

/** The state is right, and a fresh engine gets to the same one. */
function finish(
  create: ChallengerFactory,
  duel: Duel,
  capacity: ReferenceCapacity,
  commands: readonly PlainCommand[],
): void {
  duel.checkState();
  const again = new Stand(create, capacity, () => {});
  for (const command of commands) again.apply(command);
  const last = commands[commands.length - 1]?.seq ?? 0;
  if (again.hash() !== duel.stand.hash()) {
    throw new Difference(last, "the same commands lead a fresh engine to another state hash");
  }
  checkHashesOfOtherStates(create, capacity, commands);
}

/**
 * The hash tells states apart: the beginning of the run again and again, each time with another
 * field of one command changed. Where the reference ends in another state, the engine's hash is
 * another. (And both engines must agree on these histories, too.)
 */
function checkHashesOfOtherStates(
  create: ChallengerFactory,
  capacity: ReferenceCapacity,
  commands: readonly PlainCommand[],
): void {
  const beginning = commands.slice(0, BEGINNING);
  if (beginning.length === 0) return;
  const random = new Random(beginning.reduce((sum, { timestampUs }) => sum + timestampUs, 0));
  const { state, hash } = endOf(create, capacity, beginning);
  for (let i = 0; i < OTHER_HISTORIES; i++) {
    const place = random.int(0, beginning.length - 1);
    const changed = withOtherField(random, beginning[place] as PlainCommand);
    if (!isFromOutside(changed)) continue;
    const change = JSON.stringify(compact(changed));
    try {
      const other = endOf(create, capacity, beginning.with(place, changed));
      if (other.state === state || other.hash !== hash) continue;
    } catch (error) {
      if (error instanceof EndlessSweep) continue;
      if (!(error instanceof Difference)) throw error;
      throw new Difference(error.seq, `${error.message}\nwith this command changed: ${change}`);
    }
    throw new Difference(changed.seq, `the hash stays the same where the command is ${change}`);
  }
}

function endOf(
  create: ChallengerFactory,
  capacity: ReferenceCapacity,
  commands: readonly PlainCommand[],
): { state: string; hash: string } {
  const duel = new Duel(create, capacity);
  for (const command of commands) duel.step(command);
  return { state: stateText(duel.reference), hash: duel.stand.hash() };
}

const FIXED_FIELDS = ["seq", "timestampUs", "verdict", "reserved"];

function withOtherField(random: Random, command: PlainCommand): PlainCommand {
  const fields = Object.entries(command).filter(
    ([field, value]) => typeof value === "number" && !FIXED_FIELDS.includes(field),
  ) as [string, number][];
  const used = fields.filter(([, value]) => value !== 0);
  const [field, value] = random.pick(used.length > 0 && random.chance(0.8) ? used : fields);
  const other = value > 0 && random.chance(0.5) ? value - 1 : Math.min(value + 1, MAX_INTEGER);
  const draft = { ...command, [field]: other } as unknown as CommandDraft;
  const changed = completeCommand(draft);
  // Only what is named can be cleared.
  if ("cleared" in changed) changed.cleared &= changed.present;
  return changed;
}

const scratch = new DataView(new ArrayBuffer(RECORD_BYTES));

/** Whether it is a record that the decoders let in: no engine ever sees an unknown enumerator. */
function isFromOutside(command: PlainCommand): boolean {
  writeRecord(command, scratch, 0);
  return checkRecord(scratch, 0) === null;
}

/** Ends the day: every order canceled, then as many new ones as the engine promised to hold. */
function* closing(
  duel: Duel,
  profile: Profile,
  last: PlainCommand | undefined,
): Generator<PlainCommand> {
  let seq = last?.seq ?? 0;
  const timestampUs = last?.timestampUs ?? 0;
  const next = (draft: Parameters<typeof completeCommand>[0]) => {
    seq++;
    return completeCommand({ seq, timestampUs, ...draft } as typeof draft);
  };
  for (const account of new Set([...duel.reference.openOrders].map((order) => order.account))) {
    yield next({ type: "MassCancel", account });
  }
  const instrument = duel.reference.instruments[0];
  const account = profile.accounts[0] as number;
  if (instrument === undefined) return;
  yield next({ type: "SetMarketState", instrumentId: instrument.id, state: 3 });
  const bid = { side: 1, orderType: 1, quantityLots: instrument.minimumLots, present: 5 };
  const { lastPriceTicks, referencePriceTicks } = instrument;
  const priceTicks = lastPriceTicks ?? referencePriceTicks ?? 1;
  for (let i = 0; i <= profile.capacity.orders; i++) {
    yield next({ type: "NewOrder", account, instrumentId: instrument.id, ...bid, priceTicks });
  }
}

/** The difference that a list of commands shows, if any. */
export function fails(
  create: ChallengerFactory,
  capacity: ReferenceCapacity,
  commands: readonly PlainCommand[],
): Difference | null {
  try {
    const duel = new Duel(create, capacity);
    for (const command of commands) {
      duel.step(command);
      duel.checkState();
    }
    finish(create, duel, capacity, commands);
    return null;
  } catch (error) {
    if (error instanceof Difference) return error;
    // Shrinking may take away what kept an iceberg small.
    if (error instanceof EndlessSweep) return null;
    throw error;
  }
}
