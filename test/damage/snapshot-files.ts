import { SectionId } from "../../engine/snapshot/rows.ts";
import { newSnapshot, sealSnapshot } from "../../engine/snapshot/snapshot-format.ts";

/** A whole snapshot file of a few pages; what its rows say does not matter to who looks for one. */
export function snapshotFile(seq: number, directoryId: Uint8Array, epoch: number): Uint8Array {
  const writer = newSnapshot();
  for (const section of [SectionId.assets, SectionId.accounts, SectionId.orders]) {
    writer.begin(section);
    for (let row = 0; row < 60; row++) {
      const at = writer.row(64);
      for (let i = 0; i < 64; i += 4) {
        writer.view.setUint32(at + i, Math.imul(seq + epoch + row * 64 + i, 2654435761), true);
      }
    }
  }
  return sealSnapshot(writer, {
    seq,
    timestampUs: 1_700_000_000_000_000 + seq,
    eventCount: seq * 2,
    tradeCount: seq,
    directoryId,
    epoch,
    blockNumber: seq,
    chain: new Uint8Array(32).fill(seq),
    eventHash: Int32Array.of(seq, 2, 3, 4),
    stateHash: Uint32Array.of(seq, 6, 7, 8),
    skips: 0,
  }).slice();
}
