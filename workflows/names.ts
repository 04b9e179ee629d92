/** What workers, clients and workflows must call the same. */
export const taskQueue = 'aftercare';
export const exportNeighboursType = 'exportNeighbours';
/** Id of the schedule, and the beginning of the ids of its runs. */
export const exportScheduleId = 'export-neighbours';
export const refreshSvdType = 'refreshSvd';
export const refreshSvdScheduleId = 'refresh-svd';
export const tuneBlendType = 'tuneBlend';
export const tuneBlendScheduleId = 'tune-blend';
export const rebuildType = 'rebuild';
export const backfillType = 'backfill';
/** Also the id of the run: there is one at a time. */
export const forgetType = 'forget';
export const progressQueryName = 'progress';
export const retrainType = 'retrain';
export const scheduledRetrainType = 'scheduledRetrain';
export const watchModelType = 'watchModel';
export const setLiveType = 'setLive';
/** One retraining of a model at a time. */
export const retrainId = (model: string): string => `retrain-${model}`;
export const watchId = (model: string, version: number): string => `watch-${model}-${version}`;
export const retrainScheduleId = (model: string): string => `scheduled-${model}`;
export const stateName = 'state';
export const pauseName = 'pause';
export const resumeName = 'resume';
export const approveName = 'approve';
export const rejectName = 'reject';
