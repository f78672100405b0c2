// What a snapshot holds of the engine besides its open orders.
import { assert } from "../../protocol/assert.ts";
import {
  ACCOUNT_LENGTH,
  Account,
  ASSET_LENGTH,
  Asset,
  INSTRUMENT_LENGTH,
  Instrument,
} from "../../protocol/generated/events.ts";
import type { AccountSettings } from "../admin/account-settings.ts";
import type { Instruments } from "../admin/instruments.ts";
import { COMMAND_BASE, TALLY } from "../book/arena.ts";
import type { Book } from "../book/book.ts";
import { ACCOUNT, ACCOUNT_WORDS, COMMAND, HAS, INSTRUMENT } from "../book/layout.ts";
import { restoreOrders, saveOrders } from "./order-rows.ts";
import { type RowReader, type RowWriter, SectionId } from "./rows.ts";

/** Bytes of the rows that are not records of the schema. */
export const LAST_PRICE_BYTES = 8;
const ACCOUNT_BYTES = 8;

export interface EngineParts {
  readonly book: Book;
  readonly instruments: Instruments;
  readonly settings: AccountSettings;
}

/** Where an engine stands; the file's header has it. */
export interface EnginePlace {
  readonly seq: number;
  readonly timestampUs: number;
  readonly eventCount: number;
  readonly tradeCount: number;
}

export function saveEngine({ book, instruments, settings }: EngineParts, writer: RowWriter): void {
  // As if all of it were told now.
  const stamp = (event: { seq: number; timestampUs: number }): void => {
    event.seq = book.arena.wide(COMMAND_BASE + COMMAND.seq);
    event.timestampUs = book.arena.wide(COMMAND_BASE + COMMAND.timestamp);
  };
  writer.begin(SectionId.assets);
  const asset = new Asset();
  for (const { id, name, scale } of instruments.assets.all()) {
    const at = writer.row(ASSET_LENGTH);
    asset.wrap(writer.view, at);
    asset.clear();
    stamp(asset);
    asset.asset = name;
    asset.assetId = id;
    asset.scale = scale;
  }
  writer.begin(SectionId.instruments);
  const instrument = new Instrument();
  for (let id = 1; id <= instruments.count; id++) {
    const at = writer.row(INSTRUMENT_LENGTH);
    instrument.wrap(writer.view, at);
    instrument.clear();
    stamp(instrument);
    instruments.describe(instrument, id);
  }
  saveLastPrices(book, writer);
  saveAccounts(book, writer);
  writer.begin(SectionId.settings);
  const account = new Account();
  for (const [number, id, row] of settings.sorted()) {
    const at = writer.row(ACCOUNT_LENGTH);
    account.wrap(writer.view, at);
    account.clear();
    stamp(account);
    settings.describe(account, number, id, row);
  }
  saveOrders(book, writer);
}

function saveLastPrices({ arena }: Book, writer: RowWriter): void {
  writer.begin(SectionId.lastPrices);
  for (let id = 1; id <= arena.instrumentCount; id++) {
    const instrument = arena.instrument(id);
    const flags = arena.words[instrument + INSTRUMENT.flags] as number;
    const at = writer.row(LAST_PRICE_BYTES);
    if ((flags & HAS.lastPrice) === 0) continue;
    writer.view.setInt32(at, arena.words[instrument + INSTRUMENT.lastPrice] as number, true);
    writer.view.setUint8(at + 4, 1);
  }
}

/** By number, so that the same state gives the same bytes. */
function saveAccounts({ arena, accounts }: Book, writer: RowWriter): void {
  const m = arena.words;
  writer.begin(SectionId.accounts);
  const numbers = new Uint32Array(arena.accountCount);
  for (let i = 0; i < numbers.length; i++) {
    numbers[i] = m[arena.accounts + i * ACCOUNT_WORDS + ACCOUNT.number] as number;
  }
  for (const number of numbers.sort()) {
    const record = accounts.find(number | 0);
    const at = writer.row(ACCOUNT_BYTES);
    writer.view.setUint32(at, number, true);
    writer.view.setUint8(at + 4, m[record + ACCOUNT.selfTradePrevention] as number);
    writer.view.setUint8(at + 5, m[record + ACCOUNT.mode] as number);
    writer.view.setUint8(at + 6, m[record + ACCOUNT.killSwitch] as number);
  }
}

/** For an engine that has seen no command. Throws a DamageError where the rows make no sense. */
export function restoreEngine(
  { book, instruments, settings }: EngineParts,
  reader: RowReader,
  place: EnginePlace,
): void {
  const { arena } = book;
  const { view } = reader;
  const m = arena.words;
  assert(arena.accountCount === 0 && instruments.count === 0, "a fresh engine is restored");
  setWide(m, COMMAND_BASE + COMMAND.seq, place.seq);
  setWide(m, COMMAND_BASE + COMMAND.timestamp, place.timestampUs);
  arena.doubles[TALLY.events >> 1] = place.eventCount;
  arena.doubles[TALLY.trades >> 1] = place.tradeCount;
  const asset = new Asset();
  for (const at of reader.rows(SectionId.assets, ASSET_LENGTH)) {
    asset.wrap(view, at);
    instruments.assets.define(asset.asset, asset.scale);
  }
  const instrument = new Instrument();
  for (const at of reader.rows(SectionId.instruments, INSTRUMENT_LENGTH)) {
    instrument.wrap(view, at);
    instruments.restore(instrument);
  }
  let id = 0;
  for (const at of reader.rows(SectionId.lastPrices, LAST_PRICE_BYTES)) {
    const record = arena.instrument(++id);
    if (view.getUint8(at + 4) === 0) continue;
    m[record + INSTRUMENT.lastPrice] = view.getInt32(at, true);
    m[record + INSTRUMENT.flags] = (m[record + INSTRUMENT.flags] as number) | HAS.lastPrice;
  }
  for (const at of reader.rows(SectionId.accounts, ACCOUNT_BYTES)) {
    const record = book.accounts.findOrAdd(view.getInt32(at, true));
    if (record === 0) reader.damage(at, "more accounts than there is room for");
    m[record + ACCOUNT.selfTradePrevention] = view.getUint8(at + 4);
    m[record + ACCOUNT.mode] = view.getUint8(at + 5);
    m[record + ACCOUNT.killSwitch] = view.getUint8(at + 6);
  }
  const account = new Account();
  for (const at of reader.rows(SectionId.settings, ACCOUNT_LENGTH)) {
    account.wrap(view, at);
    settings.restore(account);
  }
  restoreOrders(book, reader);
}

function setWide(words: Int32Array, at: number, value: number): void {
  words[at] = value | 0;
  words[at + 1] = Math.floor(value / 4294967296);
}
