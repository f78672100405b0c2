import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";

interface Entry {
  version?: string;
  resolved?: string;
  hasInstallScript?: boolean;
  optional?: boolean;
  os?: string[];
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
}

const url = new URL("../../package-lock.json", import.meta.url);
const lockfile: { packages: Record<string, Entry> } = JSON.parse(readFileSync(url, "utf8"));
const entries = Object.entries(lockfile.packages);

describe("the lockfile", () => {
  test("knows the binaries of every platform, not only of the one it was written on", () => {
    // npm leaves out what its registry does not serve, and `npm ci` then refuses the lockfile.
    const missing = entries.flatMap(([location, entry]) =>
      Object.keys(entry.optionalDependencies ?? {}).filter((name) => {
        const nested = lockfile.packages[`${location}/node_modules/${name}`];
        return (nested ?? lockfile.packages[`node_modules/${name}`])?.version === undefined;
      }),
    );
    expect(missing).toEqual([]);
  });

  test("names no registry and no package that wants to run a script on install", () => {
    const suspicious = entries.filter(([, entry]) => entry.resolved || entry.hasInstallScript);
    expect(suspicious).toEqual([]);
  });

  test("follows exact pins only", () => {
    const root = lockfile.packages[""];
    const ranges = {
      ...root?.dependencies,
      ...root?.devDependencies,
      ...root?.optionalDependencies,
    };
    expect(Object.keys(ranges)).not.toHaveLength(0);
    expect(
      Object.values(ranges).filter((range) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(range)),
    ).toEqual([]);
  });
});
