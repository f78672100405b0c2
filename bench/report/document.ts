import type { Machine, Surroundings } from "../machine.ts";
import { type BenchResult, curvesOf, distributionsOf, figuresOf } from "./figures.ts";

export const DOCUMENT_FORMAT = 1;

/** One number that a bench is run for. */
export interface Figure {
  /** The same in every run with the same options. */
  readonly name: string;
  readonly unit: string;
  readonly value: number;
  readonly better: "lower" | "higher" | "neither";
}

/** Times of many events. */
export interface Distribution {
  readonly name: string;
  /** What it belongs to: curves of one group are shown in one picture. */
  readonly group: string;
  /** Nanoseconds, an HdrHistogram, compressed, base64. */
  readonly histogram: string;
}

/** Latency over throughput. */
export interface Curve {
  readonly name: string;
  readonly points: readonly {
    readonly askedPerSecond: number;
    readonly donePerSecond: number;
    readonly p50Us: number;
    readonly p99Us: number;
    readonly p999Us: number;
    readonly isSustained: boolean;
  }[];
}

/** What every bench prints with --json; documented in docs/benchmarks.md. */
export interface BenchDocument {
  readonly format: typeof DOCUMENT_FORMAT;
  readonly bench: string;
  readonly machine: Machine;
  readonly surroundings: Surroundings;
  readonly options: unknown;
  readonly figures: readonly Figure[];
  readonly distributions: readonly Distribution[];
  readonly curves: readonly Curve[];
  /** Everything that was measured, each bench in its own shape. */
  readonly details: unknown;
}

export function documentOf(
  result: BenchResult,
  machine: Machine,
  around: Surroundings,
): BenchDocument {
  return {
    format: DOCUMENT_FORMAT,
    bench: result.bench,
    machine,
    surroundings: around,
    options: "options" in result ? result.options : {},
    figures: figuresOf(result),
    distributions: distributionsOf(result),
    curves: curvesOf(result),
    details: result,
  };
}

/** Throws an Error that names what is wrong. */
export function readDocuments(text: string, from: string): BenchDocument[] {
  const documents = text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => {
      let document: unknown;
      try {
        document = JSON.parse(line);
      } catch (error) {
        throw new Error(`${from} is not what a bench prints with --json`, { cause: error });
      }
      if ((document as { format?: unknown } | null)?.format !== DOCUMENT_FORMAT) {
        throw new Error(`${from} is not of format ${DOCUMENT_FORMAT}`);
      }
      return document as BenchDocument;
    });
  if (documents.length === 0) throw new Error(`${from} is empty`);
  return documents;
}
