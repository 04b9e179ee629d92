/** The entry of the workflow bundle: what is exported here is what a worker can run. */
export { exportNeighbours } from './export-neighbours.js';
export { rebuild } from './rebuild.js';
export { refreshSvd } from './refresh-svd.js';
export { tuneBlend } from './tune-blend.js';
