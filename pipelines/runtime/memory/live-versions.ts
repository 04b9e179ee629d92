/** The twin of `jetstream/live-versions.ts` that forgets everything with the process. */
import { AftercareError } from '../../../schemas/errors.js';
import { nobody, type LiveVersions, type Versioned } from '../live-versions.js';

export function memoryLiveVersions(): LiveVersions {
  const stored = new Map<string, Versioned>();
  let newest = 0;
  return {
    read: (model) => Promise.resolve(structuredClone(stored.get(model) ?? { record: nobody, revision: 0 })),
    write(model, record, revision) {
      if ((stored.get(model)?.revision ?? 0) !== revision) return Promise.reject(new AftercareError('fenced', `live version of ${model}: it has changed meanwhile`));
      newest += 1;
      stored.set(model, { record: structuredClone(record), revision: newest });
      return Promise.resolve(newest);
    },
  };
}
