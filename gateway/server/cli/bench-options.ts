import { type Command, InvalidArgumentError, Option } from "commander";

/** What the benches' options have in common. */

export const DURABILITIES = ["fsync", "os", "none"] as const;
export type DurabilityOption = (typeof DURABILITIES)[number];

export function durabilityOption(of: string, fallback: DurabilityOption): Option {
  return new Option("--durability <mode>", of).choices(DURABILITIES).default(fallback);
}

/** Where files go, and how the result is shown. */
export function outputOptions(command: Command): Command {
  return command
    .option("--directory <path>", "where its files go for the time being: the disk to measure")
    .option("--json", "print everything that was measured as JSON, on one line", false);
}

let listener: ((what: string) => void) | null = null;

/** Who shows what goes on instead of the line below; null: that line. */
export function onProgress(other: ((what: string) => void) | null): void {
  listener = other;
}

/** One line that is written over, on a terminal only. */
export function progress(what: string): void {
  if (listener !== null) listener(what);
  else if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${what} …\r`);
}

export function list(value: string, before: string[]): string[] {
  return [...before, value];
}

export function wholeNumbers(text: string): number[] {
  return text.split(",").map(wholePositive);
}

export function positive(text: string): number {
  return numberFrom(text, (value) => value > 0, "a number above 0");
}

export function wholeFrom0(text: string): number {
  const isAllowed = (value: number) => Number.isSafeInteger(value) && value >= 0;
  return numberFrom(text, isAllowed, "a whole number from 0 on");
}

export function wholePositive(text: string): number {
  const isAllowed = (value: number) => Number.isSafeInteger(value) && value > 0;
  return numberFrom(text, isAllowed, "a whole number above 0");
}

export function nonNegative(text: string): number {
  return numberFrom(text, (value) => value >= 0, "a number from 0");
}

export function aboveOne(text: string): number {
  return numberFrom(text, (value) => value > 1, "a number above 1");
}

function numberFrom(text: string, isAllowed: (value: number) => boolean, allowed: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value) || !isAllowed(value)) {
    throw new InvalidArgumentError(`Allowed: ${allowed}.`);
  }
  return value;
}
