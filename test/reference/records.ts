import * as commands from "../../protocol/generated/commands.ts";
import * as events from "../../protocol/generated/events.ts";
import { BLOCK_LENGTHS } from "../../protocol/generated/messages.ts";

/** What is the same in every record of a kind, or belongs to its place in memory. */
type Framing =
  | "view"
  | "offset"
  | "blockLength"
  | "templateId"
  | "schemaId"
  | "version"
  | "wrap"
  | "clear"
  | "writeHeader";

/** The fields of a flyweight as a plain object; `type` is the name of the message. */
type Plain<Name extends string, Flyweight> = { type: Name } & Omit<Flyweight, Framing>;

interface CommandFlyweights {
  NewOrder: commands.NewOrder;
  CancelOrder: commands.CancelOrder;
  ReplaceOrder: commands.ReplaceOrder;
  MassCancel: commands.MassCancel;
  DefineInstrument: commands.DefineInstrument;
  DefineAsset: commands.DefineAsset;
  SetMarketState: commands.SetMarketState;
  SetAccount: commands.SetAccount;
  AdjustBalance: commands.AdjustBalance;
  KillSwitch: commands.KillSwitch;
  Snapshot: commands.Snapshot;
  SessionStart: commands.SessionStart;
  SessionEnd: commands.SessionEnd;
  AdvanceTime: commands.AdvanceTime;
}

interface EventFlyweights {
  Accepted: events.Accepted;
  Rejected: events.Rejected;
  Trade: events.Trade;
  Canceled: events.Canceled;
  Reduced: events.Reduced;
  Replaced: events.Replaced;
  Triggered: events.Triggered;
  Asset: events.Asset;
  Instrument: events.Instrument;
  MarketStateChanged: events.MarketStateChanged;
  Auction: events.Auction;
  Account: events.Account;
  Balance: events.Balance;
  Checkpoint: events.Checkpoint;
}

export type CommandName = keyof CommandFlyweights;
export type EventName = keyof EventFlyweights;
/** A command struct as a plain object, every field there. */
export type PlainCommandOf<Name extends CommandName> = Plain<Name, CommandFlyweights[Name]>;
export type PlainCommand = { [Name in CommandName]: PlainCommandOf<Name> }[CommandName];
/** An event struct as a plain object, every field there. */
export type PlainEventOf<Name extends EventName> = Plain<Name, EventFlyweights[Name]>;
export type PlainEvent = { [Name in EventName]: PlainEventOf<Name> }[EventName];

type Value = number | boolean | string;

/** A command as one writes it by hand: what is left out is 0, false or "". */
export type CommandDraft = { type: CommandName } & Readonly<Record<string, Value>>;
/** An event as one writes it by hand. */
export type EventDraft = { type: EventName } & Readonly<Record<string, Value>>;

interface AnyFlyweight {
  wrap(view: DataView, offset: number): boolean;
  clear(): unknown;
  readonly templateId: number;
}

class RecordKind {
  readonly name: string;
  readonly templateId: number;
  readonly length: number;
  readonly #flyweight: AnyFlyweight;
  // The accessors themselves: finding them by name each time takes most of a comparison's time.
  readonly #getters: readonly (readonly [field: string, get: () => Value])[];
  readonly #setters: ReadonlyMap<string, (value: Value) => void>;

  constructor(name: string, flyweight: AnyFlyweight) {
    this.name = name;
    this.#flyweight = flyweight;
    const view = new DataView(new ArrayBuffer(192));
    flyweight.wrap(view, 0);
    flyweight.clear();
    this.templateId = flyweight.templateId;
    this.length = BLOCK_LENGTHS[this.templateId] as number;
    const framing = new Set(["blockLength", "templateId", "schemaId", "version"]);
    const accessors = Object.getOwnPropertyDescriptors(Object.getPrototypeOf(flyweight) as object);
    const fields = Object.entries(accessors).filter(
      ([field, { get, set }]) => get !== undefined && set !== undefined && !framing.has(field),
    ) as [string, { get: () => Value; set: (value: Value) => void }][];
    this.#getters = fields.map(([field, { get }]) => [field, get]);
    this.#setters = new Map(fields.map(([field, { set }]) => [field, set]));
  }

  read(view: DataView, offset: number): Record<string, Value> {
    this.#flyweight.wrap(view, offset);
    const record: Record<string, Value> = { type: this.name };
    for (const [field, get] of this.#getters) record[field] = get.call(this.#flyweight);
    return record;
  }

  write(record: Readonly<Record<string, Value>>, view: DataView, offset: number): void {
    this.#flyweight.wrap(view, offset);
    this.#flyweight.clear();
    for (const field in record) {
      if (field === "type") continue;
      const set = this.#setters.get(field);
      if (set === undefined) throw new TypeError(`${this.name} has no field ${field}`);
      set.call(this.#flyweight, record[field] as Value);
    }
  }
}

const kindsByName = new Map<string, RecordKind>();
const kindsByTemplate: RecordKind[] = [];
for (const [name, Flyweight] of Object.entries({ ...commands, ...events })) {
  if (typeof Flyweight !== "function") continue;
  const kind = new RecordKind(name, new Flyweight());
  kindsByName.set(name, kind);
  kindsByTemplate[kind.templateId] = kind;
}

function kindOf(name: string): RecordKind {
  const kind = kindsByName.get(name);
  if (kind === undefined) throw new TypeError(`no such message: ${name}`);
  return kind;
}

function kindAt(view: DataView, offset: number): RecordKind {
  const templateId = view.getUint16(offset + 2, true);
  const kind = kindsByTemplate[templateId];
  if (kind === undefined) throw new TypeError(`no message has template id ${templateId}`);
  return kind;
}

export function templateIdOf(name: CommandName | EventName): number {
  return kindOf(name).templateId;
}

/** Bytes of the whole struct. */
export function lengthOf(name: CommandName | EventName): number {
  return kindOf(name).length;
}

export function readCommand(view: DataView, offset: number): PlainCommand {
  return kindAt(view, offset).read(view, offset) as unknown as PlainCommand;
}

export function readEvent(view: DataView, offset: number): PlainEvent {
  return kindAt(view, offset).read(view, offset) as unknown as PlainEvent;
}

/** Clears the record, then sets the fields. Throws a TypeError for a field that is not there. */
export function writeRecord(
  record: CommandDraft | EventDraft | PlainEvent | PlainCommand,
  view: DataView,
  offset: number,
): void {
  kindOf(record.type).write(record as Readonly<Record<string, Value>>, view, offset);
}

const scratch = new DataView(new ArrayBuffer(192));

/** All fields, those left out as 0, false or "". */
export function completeCommand(draft: CommandDraft): PlainCommand {
  writeRecord(draft, scratch, 0);
  return readCommand(scratch, 0);
}

/** Without the fields that are 0, false or "": for people to read. */
export function compact(record: PlainCommand | PlainEvent): Record<string, Value> {
  const kept = Object.entries(record as unknown as Record<string, Value>).filter(
    ([, value]) => value !== 0 && value !== false && value !== "",
  );
  return Object.fromEntries(kept);
}
