import { loadWasm } from '../load.js';

/** The compiled kernels. @throws Error when they have not been built */
export const loadKernels = (): WebAssembly.Module => loadWasm('lstm');
