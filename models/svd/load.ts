import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Beside this file in dist/, or in dist/ seen from the sources. */
const places = ['./svd.wasm', '../../dist/models/svd/svd.wasm'];

/** The compiled kernel. @throws Error when it has not been built */
export function loadKernel(): WebAssembly.Module {
  const paths = places.map((place) => fileURLToPath(new URL(place, import.meta.url)));
  const path = paths.find((candidate) => existsSync(candidate));
  if (path === undefined) {
    throw new Error(`svd.wasm is not built: looked for ${paths.join(' and ')}; run "npm run build"`);
  }
  return new WebAssembly.Module(readFileSync(path));
}
