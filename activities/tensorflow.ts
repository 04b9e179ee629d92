/** TensorFlow as an engine of models/lstm, where the optional package @tensorflow/tfjs-node is installed. */
import type { CreateEngine } from '../models/lstm/engine.js';
import { tensorFlowEngine } from '../models/lstm/tensorflow.js';
import type { TensorFlow } from '../models/lstm/tensorflow-ops.js';
import { messageOf } from '../schemas/errors.js';

const packageName = '@tensorflow/tfjs-node';

/**
 * @param from  where it is loaded from: the package, or a path to it
 * @returns the engine, or why there is none
 */
export async function loadTensorFlowEngine(from = packageName): Promise<{ engine: CreateEngine } | { reason: string }> {
  try {
    const loaded = (await import(from)) as TensorFlow & { default?: TensorFlow };
    return { engine: tensorFlowEngine(loaded.default ?? loaded) };
  } catch (error) {
    return { reason: `${from} cannot be loaded: ${messageOf(error).split('\n')[0]}` };
  }
}
