import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A model's compiled kernel. @throws Error when it has not been built */
export const loadWasm = (model: string): WebAssembly.Module => new WebAssembly.Module(readWasm(model));

/** Its bytes: beside its folder in dist/, or in dist/ seen from the sources. @throws Error when it has not been built */
export function readWasm(model: string): Buffer<ArrayBuffer> {
  const places = [`./${model}/${model}.wasm`, `../dist/models/${model}/${model}.wasm`];
  const paths = places.map((place) => fileURLToPath(new URL(place, import.meta.url)));
  const path = paths.find((candidate) => existsSync(candidate));
  if (path === undefined) {
    throw new Error(`${model}.wasm is not built: looked for ${paths.join(' and ')}; run "npm run build"`);
  }
  return readFileSync(path);
}
