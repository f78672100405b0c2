// @ts-check
// Writes docs/asyncapi.json, the API in AsyncAPI 3, from the tables beside the JSON codecs
// (protocol/json/shapes) and the layouts of the records. Needs a build: the tables are TypeScript.
//
//   node scripts/asyncapi.mjs           write the file
//   node scripts/asyncapi.mjs --check   compare with what is committed; exit 1 on a difference
import fs from "node:fs";
import { fileURLToPath } from "node:url";

/** @typedef {import("../protocol/json/shapes/shape.ts").MessageShape} MessageShape */
/** @typedef {import("../protocol/json/shapes/shape.ts").Shape} Shape */
/** @typedef {import("../protocol/json/shapes/shape.ts").Fields} Fields */
/** @typedef {Record<string, unknown>} Json */
/** @typedef {{ name: string, message: MessageShape }} NamedMessage */

const built = (/** @type {string} */ file) =>
  import(new URL(`../dist/protocol/${file}`, import.meta.url).href);

/** @type {typeof import("../protocol/json/shapes/shape.ts")} */
const { readName } = await built("json/shapes/shape.js");
/** @type {typeof import("../protocol/json/shapes/client-shapes.ts")} */
const client = await built("json/shapes/client-shapes.js");
/** @type {typeof import("../protocol/json/shapes/event-shapes.ts")} */
const { EVENTS } = await built("json/shapes/event-shapes.js");
/** @type {typeof import("../protocol/json/shapes/server-shapes.ts")} */
const server = await built("json/shapes/server-shapes.js");
/** @type {typeof import("../protocol/generated/layouts.ts")} */
const { LAYOUTS } = await built("generated/layouts.js");
/** @type {typeof import("../protocol/generated/messages.ts")} */
const { BLOCK_LENGTHS, MESSAGE_NAMES } = await built("generated/messages.js");
/** @type {typeof import("../protocol/generated/support.ts")} */
const { SCHEMA_ID, SCHEMA_VERSION } = await built("generated/support.js");

const OUTPUT = fileURLToPath(new URL("../docs/asyncapi.json", import.meta.url));
const { version, description, license } = JSON.parse(
  fs.readFileSync(new URL("../package.json", import.meta.url), "utf8"),
);

/** @param {Shape} shape @returns {Json} */
function schemaOf(shape) {
  switch (shape.kind) {
    case "decimal":
      return { $ref: "#/components/schemas/decimal" };
    case "integer":
      return { type: "integer", minimum: shape.min, maximum: shape.max };
    case "word":
      return { type: "string", enum: shape.words };
    case "text": {
      const { pattern, maxLength } = shape;
      return {
        type: "string",
        ...(pattern === undefined ? {} : { pattern }),
        ...(maxLength === undefined ? {} : { maxLength }),
      };
    }
    case "boolean":
      return { type: "boolean" };
    case "object":
      return objectOf(shape.fields);
    case "list":
      return { type: "array", items: objectOf(shape.of) };
    case "rows": {
      const { length } = shape.columns;
      const row = {
        type: "array",
        items: shape.columns.map(schemaOf),
        minItems: length,
        maxItems: length,
      };
      return { type: "array", items: row };
    }
    case "nullable":
      return { anyOf: [schemaOf(shape.shape), { type: "null" }] };
  }
}

/** @param {Fields} fields @param {Json} [first] */
function objectOf(fields, first = {}) {
  const named = Object.entries(fields).map(([key, shape]) => ({ ...readName(key), shape }));
  const needed = named.filter(({ optional }) => !optional).map(({ name }) => name);
  const required = [...Object.keys(first), ...needed];
  return {
    type: "object",
    ...(required.length === 0 ? {} : { required }),
    properties: {
      ...first,
      ...Object.fromEntries(named.map(({ name, shape }) => [name, schemaOf(shape)])),
    },
    additionalProperties: false,
  };
}

/** @param {MessageShape} message */
function payloadOf({ type, fields, anyOf }) {
  const schema = objectOf(fields, { type: { type: "string", const: type } });
  return anyOf === undefined
    ? schema
    : { ...schema, anyOf: anyOf.map((name) => ({ required: [name] })) };
}

/** The record that says the same in a binary frame. @param {number} templateId */
function recordOf(templateId) {
  const fields = LAYOUTS.get(templateId) ?? [];
  return {
    name: MESSAGE_NAMES[templateId],
    templateId,
    blockLength: BLOCK_LENGTHS[templateId],
    fields: fields.map(({ name, offset, bytes, kind }) => ({ name, offset, bytes, kind })),
  };
}

/** Both sides send heartbeats, of different shapes. @param {readonly MessageShape[]} messages */
const named = (messages) => messages.map((message) => ({ name: message.type, message }));

const fromClient = {
  logon: named([client.LOGON]),
  orders: named(client.ORDER_COMMANDS),
  admin: named(client.ADMIN_COMMANDS),
  queries: named(client.QUERIES),
  heartbeat: [{ name: "clientHeartbeat", message: client.CLIENT_HEARTBEAT }],
  subscriptions: named(client.SUBSCRIPTIONS),
};
const fromServer = {
  common: named(server.COMMON_MESSAGES),
  session: named(server.SESSION_MESSAGES),
  rows: named(server.QUERY_ROWS),
  events: named(EVENTS),
  market: named(server.MARKET_MESSAGES),
};
const all = [...Object.values(fromClient), ...Object.values(fromServer)].flat();

/** @param {string} address @param {string} text @param {NamedMessage[][]} groups */
function channel(address, text, groups) {
  const messages = groups
    .flat()
    .map(({ name }) => [name, { $ref: `#/components/messages/${name}` }]);
  return {
    address,
    description: text,
    messages: Object.fromEntries(messages),
    bindings: {
      ws: {
        method: "GET",
        query: {
          type: "object",
          properties: {
            encoding: {
              type: "string",
              enum: ["binary"],
              description: "What the server speaks until the client has said something; else JSON.",
            },
          },
        },
        bindingVersion: "0.1.0",
      },
    },
  };
}

/**
 * @param {"send" | "receive"} action as the server does it
 * @param {"trade" | "market"} on
 * @param {string} summary
 * @param {NamedMessage[]} messages
 * @param {NamedMessage[]} [replies]
 */
function operation(action, on, summary, messages, replies) {
  const path = { $ref: `#/channels/${on}` };
  const list = (/** @type {NamedMessage[]} */ items) =>
    items.map(({ name }) => ({ $ref: `#/channels/${on}/messages/${name}` }));
  return {
    action,
    channel: path,
    summary,
    messages: list(messages),
    ...(replies === undefined ? {} : { reply: { channel: path, messages: list(replies) } }),
  };
}

/** @param {NamedMessage[]} from @param {...string} names */
const pick = (from, ...names) => from.filter(({ name }) => names.includes(name));

function asyncApi() {
  const error = pick(fromServer.common, "error");
  const completion = pick(fromServer.session, "completed", "duplicateRequest", "receipt");
  const instrument = pick(fromServer.events, "instrument");
  return {
    asyncapi: "3.0.0",
    info: {
      title: "Crossbook",
      version,
      description:
        `${description}. JSON in text frames; in binary frames the records of protocol/schema, one ` +
        `or several a frame (x-record: little endian, schema id ${SCHEMA_ID}, version ` +
        `${SCHEMA_VERSION}). What the messages mean is told in api.md.`,
      license: { name: license, url: "https://www.apache.org/licenses/LICENSE-2.0" },
    },
    defaultContentType: "application/json",
    servers: {
      local: {
        host: "127.0.0.1:9001",
        protocol: "ws",
        description: "Where a server listens unless told otherwise; with TLS it is wss.",
      },
    },
    channels: {
      trade: channel("/v1/trade", "Private: one session of one key.", [
        fromClient.logon,
        fromClient.orders,
        fromClient.admin,
        fromClient.queries,
        fromClient.heartbeat,
        fromServer.session,
        fromServer.common,
        fromServer.events,
        fromServer.rows,
      ]),
      market: channel("/v1/market", "Public market data, without a logon.", [
        fromClient.subscriptions,
        fromClient.heartbeat,
        fromServer.common,
        fromServer.market,
      ]),
    },
    operations: {
      challenge: operation(
        "send",
        "trade",
        "The server speaks first.",
        pick(fromServer.session, "challenge"),
      ),
      logOn: operation("receive", "trade", "Log on.", fromClient.logon, [
        ...pick(fromServer.session, "loggedOn"),
        ...error,
      ]),
      trade: operation("receive", "trade", "Commands of those who trade.", fromClient.orders, [
        ...fromServer.events,
        ...completion,
        ...error,
      ]),
      administer: operation("receive", "trade", "Commands of admins.", fromClient.admin, [
        ...fromServer.events,
        ...completion,
        ...error,
      ]),
      ask: operation("receive", "trade", "Queries.", fromClient.queries, [
        ...instrument,
        ...fromServer.rows,
        ...error,
      ]),
      report: operation("send", "trade", "Events, as they become durable.", fromServer.events),
      notify: operation(
        "send",
        "trade",
        "Signs of life, errors, and the good-bye before a stop.",
        fromServer.common,
      ),
      stayAlive: operation("receive", "trade", "Signs of life.", fromClient.heartbeat),
      subscribe: operation(
        "receive",
        "market",
        "Begin and end subscriptions.",
        fromClient.subscriptions,
        [...pick(fromServer.market, "subscribed", "unsubscribed"), ...error],
      ),
      update: operation(
        "send",
        "market",
        "Snapshots, and an update for each command that changed something.",
        fromServer.market.filter(({ name }) => !name.endsWith("ubscribed")),
      ),
      notifyMarket: operation(
        "send",
        "market",
        "Signs of life, errors, and the good-bye before a stop.",
        fromServer.common,
      ),
      stayAliveMarket: operation("receive", "market", "Signs of life.", fromClient.heartbeat),
    },
    components: {
      messages: Object.fromEntries(
        all.map(({ name, message }) => [
          name,
          {
            name: message.type,
            summary: message.summary,
            payload: { $ref: `#/components/schemas/${name}` },
            "x-record": recordOf(message.templateId),
          },
        ]),
      ),
      schemas: {
        decimal: {
          type: "string",
          pattern: "^-?[0-9]+(\\.[0-9]+)?$",
          description: "A number in the instrument's or asset's units; never rounded.",
        },
        ...Object.fromEntries(all.map(({ name, message }) => [name, payloadOf(message)])),
      },
    },
  };
}

const text = `${JSON.stringify(asyncApi(), null, 1)}\n`;
if (process.argv.includes("--check")) {
  const committed = fs.existsSync(OUTPUT) ? fs.readFileSync(OUTPUT, "utf8") : "";
  if (committed === text) console.log("docs/asyncapi.json is what the tables say");
  else {
    console.error("docs/asyncapi.json is not what the tables say: run npm run docs:asyncapi");
    process.exitCode = 1;
  }
} else {
  fs.writeFileSync(OUTPUT, text);
  console.log(`Wrote ${OUTPUT}`);
}
