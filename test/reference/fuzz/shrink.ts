import type { PlainCommand } from "../records.ts";

/** seq again without gaps; an orderId goes with the command that made it. */
function renumber(commands: readonly PlainCommand[]): PlainCommand[] {
  const first = commands[0]?.seq ?? 1;
  const places = new Map(commands.map((command, index) => [command.seq, first + index]));
  return commands.map((command, index) => {
    const moved = { ...command, seq: first + index };
    if ("orderId" in moved && moved.orderId !== 0) {
      moved.orderId = places.get(moved.orderId) ?? Number.MAX_SAFE_INTEGER;
    }
    return moved;
  });
}

/**
 * Takes commands out as long as what is left still fails: halves first, then smaller parts, at last
 * one by one. Then simplifies what the commands say.
 */
export function shrink(
  commands: readonly PlainCommand[],
  fails: (commands: readonly PlainCommand[]) => unknown,
): PlainCommand[] {
  let best = renumber(commands);
  if (!fails(best)) return best;
  let part = Math.ceil(best.length / 2);
  for (;;) {
    let removed = false;
    for (let from = best.length - part; from > -part; from -= part) {
      const start = Math.max(0, from);
      const candidate = renumber([...best.slice(0, start), ...best.slice(from + part)]);
      if (candidate.length < best.length && fails(candidate)) {
        best = candidate;
        removed = true;
      }
    }
    if (part > 1) part = Math.ceil(part / 2);
    else if (!removed) break;
  }
  return simplify(startingAtOne(best, fails), fails);
}

/** From seq 1 on, unless it takes a large one to fail. */
function startingAtOne(
  commands: PlainCommand[],
  fails: (commands: readonly PlainCommand[]) => unknown,
): PlainCommand[] {
  const before = (commands[0]?.seq ?? 1) - 1;
  const moved = commands.map((command) => {
    const draft = { ...command, seq: command.seq - before };
    if ("orderId" in draft && draft.orderId > before) draft.orderId -= before;
    return draft;
  });
  return fails(moved) ? moved : commands;
}

/** Fields to 0 where that changes nothing. */
function simplify(
  commands: PlainCommand[],
  fails: (commands: readonly PlainCommand[]) => unknown,
): PlainCommand[] {
  const best = commands;
  for (const [index, command] of commands.entries()) {
    for (const [field, value] of Object.entries(command)) {
      if (field === "type" || field === "seq" || field === "timestampUs") continue;
      const empty = typeof value === "number" ? 0 : typeof value === "string" ? "" : false;
      if (value === empty) continue;
      const before = best[index] as PlainCommand;
      best[index] = { ...before, [field]: empty };
      if (!fails(best)) best[index] = before;
    }
  }
  return best;
}
