// Programs of the system that make a disk fail. A test that needs one fails where it is not there:
// a green test has seen its fault.
import { spawnSync } from "node:child_process";
import os from "node:os";

const PACKAGES = { strace: "strace", prlimit: "util-linux", unshare: "util-linux" } as const;

export type Tool = keyof typeof PACKAGES;

/** Throws an Error that says what to install. */
export function requireTool(tool: Tool): void {
  if (spawnSync(tool, ["--version"], { stdio: "ignore" }).status === 0) return;
  throw new Error(`${tool} is needed to make the disk fail: apt-get install ${PACKAGES[tool]}`);
}

/** By a user namespace, in which mounting is allowed to anyone; or, for root, without one. */
const WAYS = [["--map-root-user", "--mount"], ["--mount"]] as const;

/**
 * The command that runs a program in a mount namespace of its own, where it may mount. Throws an Error
 * where this machine lets nobody do that.
 */
export function mountNamespace(): string[] {
  requireTool("unshare");
  let refusal = "";
  for (const options of WAYS) {
    // A mount that nobody else sees: the folder is everyone's, the namespace is not.
    const probe = [...options, "mount", "-t", "tmpfs", "tmpfs", os.tmpdir()];
    const { status, stderr } = spawnSync("unshare", probe, { encoding: "utf8" });
    if (status === 0) return ["unshare", ...options];
    refusal = stderr.trim();
  }
  throw new Error(`a small file system needs a mount namespace, refused here: ${refusal}`);
}
