import { describe, expect, test } from "vitest";
import { Admission } from "../../../gateway/transport/admission.ts";

function request(origin: string, remoteAddress = "192.0.2.1") {
  return { origin, remoteAddress, host: "book.example:9001", query: "" };
}

describe("admission", () => {
  test("programs, and pages of the same host, may connect; other pages only where listed", () => {
    const limits = { maxConnections: 10, maxConnectionsPerAddress: 10 };
    const strict = new Admission({ ...limits, origins: [] });
    const listed = new Admission({ ...limits, origins: ["https://desk.example"] });
    const open = new Admission({ ...limits, origins: ["*"] });
    const answers = (origin: string) =>
      [strict, listed, open].map((admission) => admission.check(request(origin)));
    expect(answers("")).toEqual([0, 0, 0]);
    expect(answers("http://book.example:9001")).toEqual([0, 0, 0]);
    expect(answers("http://book.example")).toEqual([403, 403, 0]);
    expect(answers("https://desk.example")).toEqual([403, 0, 0]);
    expect(answers("https://desk.example.evil.example")).toEqual([403, 403, 0]);
    expect(answers("null")).toEqual([403, 403, 0]);
  });

  test("connections are counted per address and in all", () => {
    const admission = new Admission({
      maxConnections: 3,
      maxConnectionsPerAddress: 2,
      origins: [],
    });
    const [one, two] = ["192.0.2.1", "192.0.2.2"];
    admission.enter(one);
    admission.enter(one);
    expect(admission.check(request("", one))).toBe(429);
    expect(admission.check(request("", two))).toBe(0);
    admission.enter(two);
    expect(admission.check(request("", two))).toBe(503);
    admission.leave(one);
    expect(admission.check(request("", one))).toBe(0);
    expect(admission.connections).toBe(2);
  });
});
