// One writer per data directory. Node has no flock, and a file that is merely created exclusively
// stays behind when its owner is killed. So each candidate makes a file named after itself in
// DIR/lock and only then looks for others: of two that look at the same time at least one sees the
// other. A file is removed only when the process it names is dead, and no living process ever has
// the name of a dead one: taking over cannot hit the wrong file.
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { DirectoryBusyError } from "./errors.ts";

const ATTEMPTS = 5;
const PAUSE_MS = 20;

/** What a lock file's name says: who holds it. */
interface Holder {
  readonly pid: number;
  /** Clock ticks from boot to the start of the process: a pid may be used again. */
  readonly startTicks: string;
  readonly bootId: string;
  /** Processes of another container cannot be seen from here. */
  readonly pidNamespace: string;
}

export class DirectoryLock {
  readonly #path: string;

  /** Throws a DirectoryBusyError where another process, or this one, holds the directory. */
  static acquire(directory: string): DirectoryLock {
    return new DirectoryLock(directory);
  }

  private constructor(directory: string) {
    const folder = path.join(directory, "lock");
    fs.mkdirSync(folder, { recursive: true, mode: 0o750 });
    const self = currentHolder();
    this.#path = path.join(folder, nameOf(self));
    for (let attempt = 1; ; attempt++) {
      const other = this.#try(folder, self);
      if (other === undefined) return;
      if (attempt === ATTEMPTS) throw new DirectoryBusyError(busyMessage(directory, folder, other));
      // Two that start together see each other and both step back; the pauses differ.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Math.random() * PAUSE_MS);
    }
  }

  release(): void {
    fs.rmSync(this.#path, { force: true });
  }

  /** undefined: held now. Otherwise the name of a living holder. */
  #try(folder: string, self: Holder): string | undefined {
    const own = path.basename(this.#path);
    try {
      fs.writeFileSync(this.#path, `${process.argv.join(" ")}\n`, { flag: "wx", mode: 0o640 });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EEXIST") return own;
      throw error;
    }
    const dead: string[] = [];
    for (const name of fs.readdirSync(folder)) {
      if (name === own) continue;
      if (isAlive(name, self)) {
        fs.rmSync(this.#path, { force: true });
        return name;
      }
      dead.push(name);
    }
    for (const name of dead) fs.rmSync(path.join(folder, name), { force: true });
    return undefined;
  }
}

/** Whether a writer is at work in the directory (as far as can be seen from here). */
export function isDirectoryLocked(directory: string): boolean {
  const folder = path.join(directory, "lock");
  if (!fs.existsSync(folder)) return false;
  const self = currentHolder();
  return fs.readdirSync(folder).some((name) => isAlive(name, self));
}

function busyMessage(directory: string, folder: string, holder: string): string {
  const pid = /^(\d+)-/.exec(holder)?.[1];
  return (
    `${directory} is in use by process ${pid ?? holder}. If that process is certainly gone ` +
    `(another machine or container), remove ${path.join(folder, holder)}.`
  );
}

function nameOf(holder: Holder): string {
  return `${holder.pid}-${holder.startTicks}-${holder.pidNamespace}-${holder.bootId}`;
}

function isAlive(name: string, self: Holder): boolean {
  const match = /^(\d+)-(\d+)-([^-]*)-(.*)$/.exec(name);
  if (match === null) return false; // not a lock of ours
  const [, pid, startTicks, pidNamespace, bootId] = match as unknown as [string, ...string[]];
  if (bootId !== self.bootId) return false; // the machine has been started since
  if (pidNamespace !== self.pidNamespace) return true; // cannot be seen: not ours to take
  const ticks = startTicksOf(Number(pid));
  if (ticks !== undefined) return ticks === startTicks;
  return fs.existsSync("/proc/self") ? false : respondsToSignals(Number(pid));
}

function currentHolder(): Holder {
  return {
    pid: process.pid,
    startTicks: startTicksOf(process.pid) ?? "0",
    bootId: bootId(),
    pidNamespace: pidNamespace(),
  };
}

/** Field 22 of /proc/PID/stat; the second field may hold spaces and parentheses. */
function startTicksOf(pid: number): string | undefined {
  try {
    const text = fs.readFileSync(`/proc/${pid}/stat`, "latin1");
    return text.slice(text.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}

function bootId(): string {
  try {
    return fs.readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim().replaceAll("-", "");
  } catch {
    return os.hostname().replaceAll(/[^A-Za-z0-9.]/g, "_");
  }
}

function pidNamespace(): string {
  try {
    return fs.readlinkSync("/proc/self/ns/pid").replaceAll(/\D/g, "");
  } catch {
    return "0";
  }
}

/** Where there is no /proc. */
function respondsToSignals(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
