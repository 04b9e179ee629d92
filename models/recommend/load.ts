import { loadWasm } from '../load.js';

/** The compiled kernel. @throws Error when it has not been built */
export const loadKernel = (): WebAssembly.Module => loadWasm('recommend');
