// What a consumer has made of a stream, and how far it has read: in one file, which is replaced as a
// whole. Whoever is killed finds both as they were together, so nothing counts twice and nothing is left
// out.
import fs from "node:fs";
import path from "node:path";

export function load(file, empty) {
  try {
    return JSON.parse(fs.readFileSync(file, "utf8"));
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
    return empty;
  }
}

/** Written aside, synced, renamed, and the folder synced: survives kill -9 and a power loss. */
export function save(file, state) {
  const aside = `${file}.new`;
  const handle = fs.openSync(aside, "w");
  fs.writeSync(handle, `${JSON.stringify(state, null, 1)}\n`);
  fs.fsyncSync(handle);
  fs.closeSync(handle);
  fs.renameSync(aside, file);
  const folder = fs.openSync(path.dirname(path.resolve(file)), "r");
  fs.fsyncSync(folder);
  fs.closeSync(folder);
}
