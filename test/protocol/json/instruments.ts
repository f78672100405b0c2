// Instruments for tests of codecs, defined as the engine defines them: by events.
import {
  AccountField,
  type InstrumentField,
  MarketState,
} from "../../../protocol/generated/enums.ts";
import { Asset, Instrument } from "../../../protocol/generated/events.ts";
import { InstrumentDirectory } from "../../../protocol/instrument-directory.ts";
import { MAX_INTEGER } from "../../../protocol/terms.ts";

export interface Definition {
  id: number;
  symbol: string;
  tick: readonly [value: number, scale: number];
  lot: readonly [value: number, scale: number];
  quoteScale: number;
  present?: InstrumentField;
}

/** BTC-USD in 0.25 and 0.001, and 7UP/YEN in 5 and 100. */
export const DEFINITIONS: readonly Definition[] = [
  { id: 1, symbol: "BTC-USD", tick: [25, 2], lot: [1, 3], quoteScale: 5 },
  { id: 2, symbol: "7UP/YEN", tick: [5, 0], lot: [100, 0], quoteScale: 0 },
];

export function instrumentEvent(definition: Definition, view: DataView, offset: number): void {
  const event = new Instrument();
  event.wrap(view, offset);
  event.clear();
  event.instrumentId = definition.id;
  event.symbol = definition.symbol;
  [event.tickSize, event.tickSizeScale] = definition.tick;
  [event.lotSize, event.lotSizeScale] = definition.lot;
  event.minLots = 1;
  event.maxLots = MAX_INTEGER;
  event.maxNotional = MAX_INTEGER;
  event.baseAssetId = 2 * definition.id;
  event.quoteAssetId = 2 * definition.id - 1;
  event.baseAsset = definition.symbol.slice(0, 3);
  event.quoteAsset = definition.symbol.slice(4);
  event.quoteAssetScale = definition.quoteScale;
  event.baseAssetScale = definition.lot[1];
  event.notionalUnit =
    definition.tick[0] *
    definition.lot[0] *
    10 ** (definition.quoteScale - definition.tick[1] - definition.lot[1]);
  event.present = definition.present ?? 0;
  event.state = MarketState.continuous;
}

export function testDirectory(): InstrumentDirectory {
  const directory = new InstrumentDirectory();
  const view = new DataView(new ArrayBuffer(192));
  const asset = new Asset();
  for (const definition of DEFINITIONS) {
    asset.wrap(view, 0);
    asset.clear();
    asset.assetId = 2 * definition.id - 1;
    asset.asset = definition.symbol.slice(4);
    asset.scale = definition.quoteScale;
    directory.onEvent(view, 0);
    instrumentEvent(definition, view, 0);
    directory.onEvent(view, 0);
  }
  return directory;
}

export const ALL_LIMITS =
  AccountField.maxOrderQuantity |
  AccountField.maxOrderNotional |
  AccountField.maxOpenOrders |
  AccountField.maxPosition |
  AccountField.maxGrossNotional |
  AccountField.priceCollarTicks |
  AccountField.orderRate;
