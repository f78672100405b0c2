// The client over real sockets against real sessions, with a network between that fails on demand.
import type { ClientOptions } from "../../../gateway/client/client.ts";
import type { ClientCommand, NewOrderCommand } from "../../../gateway/client/commands.ts";
import { ClientError } from "../../../gateway/client/errors.ts";
import type { ClientEvent, Outcome } from "../../../gateway/client/messages.ts";
import { CrossbookClient } from "../../../gateway/client/node-client.ts";
import { FlakyProxy } from "../../simulation/flaky-proxy.ts";
import { type ServerSettings, TradeServer } from "../trade/trade-server.ts";

export const INSTRUMENT: ClientCommand = {
  type: "defineInstrument",
  symbol: "BTC-USD",
  tickSize: "0.5",
  lotSize: "0.01",
};

export function order(fields: Partial<NewOrderCommand> = {}): NewOrderCommand {
  return {
    type: "newOrder",
    symbol: "BTC-USD",
    side: "buy",
    orderType: "limit",
    price: "100",
    quantity: "1",
    ...fields,
  };
}

/** What `keys create` would have printed. */
export function keyText(keyId: string): string {
  return JSON.stringify({ keyId, secret: `secret of ${keyId}` });
}

export class ClientHarness {
  readonly server: TradeServer;
  readonly proxy: FlakyProxy;
  readonly #clients: CrossbookClient[] = [];

  private constructor(server: TradeServer, proxy: FlakyProxy) {
    this.server = server;
    this.proxy = proxy;
  }

  static async start(settings: ServerSettings = {}): Promise<ClientHarness> {
    const server = new TradeServer(settings);
    await server.listen("ws");
    return new ClientHarness(server, await FlakyProxy.to(server.port));
  }

  get url(): string {
    return `ws://127.0.0.1:${this.proxy.port}`;
  }

  make(keyId: string, options: Partial<ClientOptions> = {}): CrossbookClient {
    const client = new CrossbookClient({
      url: this.url,
      key: keyText(keyId),
      reconnect: { initialDelayMs: 10 },
      ...options,
    });
    this.#clients.push(client);
    return client;
  }

  async connected(
    keyId: string,
    options: Partial<ClientOptions> = {},
  ): Promise<{ client: CrossbookClient; events: ClientEvent[] }> {
    const client = this.make(keyId, options);
    const events = record(client);
    await client.connect();
    return { client, events };
  }

  /** Straight to the server: the proxy's faults do not touch it. */
  async setUp(...commands: ClientCommand[]): Promise<void> {
    const { client } = await this.connected("root", { url: `ws://127.0.0.1:${this.server.port}` });
    for (const command of commands) await client.send(command);
    client.close();
  }

  async stop(): Promise<void> {
    for (const client of this.#clients) client.close();
    await this.proxy.close();
    await this.server.stop();
  }
}

/** The client's events as they come; a failure ends the list. */
export function record(client: CrossbookClient): ClientEvent[] {
  const events: ClientEvent[] = [];
  const iterator = client.events();
  const read = async () => {
    try {
      for await (const event of iterator) events.push(event);
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
    }
  };
  void read();
  return events;
}

/** Every promise's outcome, or the error it was rejected with. */
export async function settled(sent: Promise<Outcome>[]): Promise<(Outcome | ClientError)[]> {
  const results = await Promise.allSettled(sent);
  return results.map((result) =>
    result.status === "fulfilled" ? result.value : (result.reason as ClientError),
  );
}
