import { execFileSync, spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import type { SocketEndpoint } from "../../../gateway/transport/transport.ts";
import { start, TRANSPORTS } from "../transports.ts";

const hasOpenssl = spawnSync("openssl", ["version"]).status === 0;
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "crossbook-tls-"));
const certFile = path.join(folder, "cert.pem");
const keyFile = path.join(folder, "key.pem");

/** A certificate for localhost, signed by itself. */
beforeAll(() => {
  if (!hasOpenssl) return;
  const names = "subjectAltName=DNS:localhost,IP:127.0.0.1";
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const what = ["-x509", ...key, "-days", "1", "-subj", "/CN=localhost", "-addext", names];
  execFileSync("openssl", ["req", ...what, "-keyout", keyFile, "-out", certFile], {
    stdio: "ignore",
  });
});
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

const echo: SocketEndpoint = {
  path: "/v1/test",
  limits: { maxPayloadBytes: 1024, maxBackpressureBytes: 65_536, idleTimeoutSeconds: 60 },
  admit: () => 0,
  open: (socket) => ({
    onMessage: (data) => {
      socket.send(data);
    },
    onDrain: () => {},
    onClose: () => {},
  }),
};

describe.skipIf(!hasOpenssl).each(TRANSPORTS)("TLS over %s", (choice) => {
  test("a client that trusts the certificate gets through, one without TLS does not", async () => {
    const transport = await start(choice, { endpoints: [echo], tls: { certFile, keyFile } });
    try {
      const url = `localhost:${transport.port}/v1/test`;
      const client = new WebSocket(`wss://${url}`, { ca: fs.readFileSync(certFile) });
      const answer = await new Promise((resolve, reject) => {
        client.once("open", () => client.send("hello"));
        client.once("message", (data) => resolve(String(data)));
        client.once("error", reject);
      });
      expect(answer).toBe("hello");
      client.terminate();
      const plain = new WebSocket(`ws://${url}`);
      await expect(
        new Promise((resolve, reject) => {
          plain.once("open", resolve);
          plain.once("error", reject);
        }),
      ).rejects.toThrow();
      const stranger = new WebSocket(`wss://${url}`);
      await expect(
        new Promise((resolve, reject) => {
          stranger.once("open", resolve);
          stranger.once("error", reject);
        }),
      ).rejects.toThrow(/self-signed/);
    } finally {
      await transport.close();
    }
  });

  test("a certificate that is not there is named", async () => {
    const tls = { certFile: "/nowhere/cert.pem", keyFile };
    await expect(start(choice, { endpoints: [echo], tls })).rejects.toMatchObject({
      code: "tlsFailed",
      message: expect.stringContaining("/nowhere/cert.pem"),
    });
  });
});
