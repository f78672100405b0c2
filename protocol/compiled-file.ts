/**
 * A module of the build, named from the project's root ("engine/threads/engine.worker.js").
 * Processes and threads run compiled files, also where the caller is the source itself, as in a
 * test: Node 20 starts no TypeScript.
 */
export function compiledFile(name: string): URL {
  const isCompiled = import.meta.url.endsWith(".js");
  return new URL(isCompiled ? `../${name}` : `../dist/${name}`, import.meta.url);
}
