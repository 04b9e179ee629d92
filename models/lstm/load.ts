import { readWasm } from '../load.js';

/** The import of a memory, and behind it what kind: with a maximum, and shared. */
const sharedMemory = Buffer.from('\x03env\x06memory\x02\x03', 'latin1');
const OWN = 1;

export interface KernelModules {
  /** for a memory that two threads share */
  shared: WebAssembly.Module;
  /** the same code for one thread's own: V8 takes no account of shared memory, and gives it back late */
  own: WebAssembly.Module;
}

/** The compiled kernels. @throws Error when they have not been built, or for another kind of memory */
export function loadKernels(): KernelModules {
  const bytes = readWasm('lstm');
  const at = bytes.indexOf(sharedMemory);
  if (at < 0) throw new Error('lstm.wasm does not import a shared memory: run "npm run build"');
  const own = Buffer.from(bytes);
  own[at + sharedMemory.length - 1] = OWN;
  return { shared: new WebAssembly.Module(bytes), own: new WebAssembly.Module(own) };
}
