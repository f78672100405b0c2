// Programs of the system that make a disk fail. A test that needs one fails where it is not there:
// a green test has seen its fault.
import { spawnSync } from "node:child_process";

const PACKAGES = { strace: "strace", prlimit: "util-linux", unshare: "util-linux" } as const;

export type Tool = keyof typeof PACKAGES;

/** Throws an Error that says what to install. */
export function requireTool(tool: Tool): void {
  if (spawnSync(tool, ["--version"], { stdio: "ignore" }).status === 0) return;
  throw new Error(`${tool} is needed to make the disk fail: apt-get install ${PACKAGES[tool]}`);
}

/** Throws an Error where this machine gives no process a mount namespace of its own. */
export function requireMountNamespace(): void {
  requireTool("unshare");
  const { status, stderr } = spawnSync("unshare", [...UNSHARE, "true"], { encoding: "utf8" });
  if (status === 0) return;
  throw new Error(`a small file system needs a mount namespace, refused here: ${stderr.trim()}`);
}

/** A mount namespace, and a user namespace in which mounting is allowed to anyone. */
export const UNSHARE = ["--map-root-user", "--mount"] as const;
