import { expect, test } from "vitest";
import { testDirectory } from "../protocol/json/instruments.ts";
import { Random } from "../reference/fuzz/random.ts";
import { Judge } from "./judge.ts";
import { PayloadCampaign } from "./payload-campaign.ts";
import { readFrame } from "./plain-records.ts";
import { SessionTarget } from "./session-target.ts";
import { fitMessage, strictParse } from "./strict-json.ts";
import {
  binaryCommand,
  CLIENT_SHAPES,
  COMMAND_SHAPES,
  drawText,
  textOf,
} from "./valid-messages.ts";

const LOGON = { keyId: "k", timestampUs: 1, signature: new Uint8Array(32) };

test("mutated payloads are refused, or mean what they say; no session breaks or exceeds its rights", () => {
  const report = new PayloadCampaign().run({ payloads: 60_000, seed: 20_260_301 });
  expect(report.findings).toEqual([]);
  expect(report.missing).toEqual([]);
}, 180_000);

test("the campaign's own readings take every valid message, and see one that was changed", () => {
  const random = new Random(1);
  const directory = testDirectory();
  for (const shape of CLIENT_SHAPES) {
    const text = textOf(drawText(shape, random, 7, LOGON).fields);
    expect(fitMessage(shape, strictParse(text)), text).toEqual(JSON.parse(text));
    expect(fitMessage(shape, strictParse(text.replace("}", ',"surprise":1}'))), text).toBeNull();
    for (const wrong of [
      `${text}x`,
      text.replace("{", '{"type":"logon",'),
      text.replace('"', ""),
    ]) {
      expect(() => strictParse(wrong), wrong).toThrow();
    }
    if (!COMMAND_SHAPES.includes(shape)) continue;
    const { bytes } = binaryCommand(text, directory);
    expect(readFrame(bytes)[0]).not.toBeNull();
    bytes[47] = 1; // reserved
    expect(readFrame(bytes)[0]).toBeNull();
  }
});

test("the judge finds a command that was let through wrongly", () => {
  const target = new SessionTarget();
  const judge = new Judge(target);
  const text = Buffer.from('{"type":"massCancel","symbol":"BTC-USD"}');
  const outcome = target.give("trader", text, false);
  const judged = (payload: Uint8Array, changed = {}, role: "trader" | "viewer" = "trader") =>
    judge.findingOf(role, payload, false, { ...outcome, ...changed });
  expect(judged(text)).toBeNull();
  const other = Buffer.from('{"type":"massCancel"}');
  expect(judged(other)).toContain("not as sent");
  const twice = Buffer.from('{"type":"massCancel","symbol":"7UP/YEN","symbol":"BTC-USD"}');
  expect(judged(twice)).toContain("holds no message");
  expect(judged(text, {}, "viewer")).toContain("a viewer had massCancel sequenced");
  expect(judged(text, { said: [], sequenced: [] })).toBe("met with silence");
  expect(judged(text, { failure: new Error("broken") })).toContain("broken");
  const [record] = outcome.sequenced as [Uint8Array];
  const foreign = record.slice();
  foreign[32] = 99; // the account
  expect(judged(text, { sequenced: [foreign] })).toBe("for another account");
});
