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
export const progressQueryName = 'progress';
