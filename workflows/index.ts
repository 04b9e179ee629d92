/** The entry of the workflow bundle: what is exported here is what a worker can run. */
export { exportNeighbours } from './export-neighbours.js';
export { backfill } from './backfill.js';
export { forget } from './forget.js';
export { rebuild } from './rebuild.js';
export { refreshSvd } from './refresh-svd.js';
export { tuneBlend } from './tune-blend.js';
export { retrain } from './retrain.js';
export { scheduledRetrain } from './scheduled-retrain.js';
export { setLive } from './set-live.js';
export { watchModel } from './watch-model.js';
