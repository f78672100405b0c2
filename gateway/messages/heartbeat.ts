import { checkFieldNames, integerField, type JsonObject } from "../../protocol/json/fields.ts";

const FIELDS: ReadonlySet<string> = new Set(["type", "lastSeq", "serverTime"]);

/** A client may send a heartbeat back as it came; nothing in it is used. Throws a CommandError. */
export function checkHeartbeat(json: JsonObject): void {
  checkFieldNames(json, FIELDS, "heartbeat");
  const { lastSeq, serverTime } = json;
  if (lastSeq !== undefined) integerField("lastSeq", lastSeq, 0);
  if (serverTime !== undefined) integerField("serverTime", serverTime, 0);
}
