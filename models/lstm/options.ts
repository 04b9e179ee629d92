/** How a network is trained. */

/** Rates: the share of numbers that a training step leaves out; what is kept is divided by 1 - rate. */
export interface Dropout {
  /** of the embedded tokens */
  embedding: number;
  /** of the first LSTM's outputs, on their way to the second */
  between: number;
  /** of the second LSTM's outputs, on their way to the classes */
  output: number;
}

export interface TrainingOptions {
  learningRate: number;
  /** Adam's decay of the mean gradient */
  beta1: number;
  /** Adam's decay of the mean square */
  beta2: number;
  /** Added to the root of the mean square after the bias correction, as PyTorch and TensorFlow.js do */
  epsilon: number;
  /** All gradients together are scaled down to this Euclidean norm when theirs is larger; Infinity: never */
  clipNorm: number;
  dropout: Dropout;
}

export const defaultTrainingOptions: TrainingOptions = {
  learningRate: 1e-3, // Adam's own (Kingma and Ba 2015)
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-7, // Keras' and TensorFlow.js's
  clipNorm: 5, // a bad batch must not throw a recurrent network off (Pascanu et al. 2013); rarely reached in practice
  dropout: { embedding: 0, between: 0, output: 0 },
};

export type PartialOptions = Partial<Omit<TrainingOptions, 'dropout'>> & { dropout?: Partial<Dropout> };

/** @throws RangeError that names the option, its value and what it may be */
export function trainingOptions(given: PartialOptions): TrainingOptions {
  const { dropout, ...rest } = given;
  const options = { ...defaultTrainingOptions, ...rest, dropout: { ...defaultTrainingOptions.dropout, ...dropout } };
  const check = (name: string, value: number, ok: boolean, range: string): void => {
    if (!ok) throw new RangeError(`lstm: ${name} must be ${range}, got ${value}`);
  };
  const { learningRate, beta1, beta2, epsilon, clipNorm } = options;
  check('learningRate', learningRate, learningRate > 0 && learningRate <= 10, 'a number above 0 and at most 10');
  check('beta1', beta1, beta1 >= 0 && beta1 < 1, 'a number from 0 to below 1');
  check('beta2', beta2, beta2 >= 0 && beta2 < 1, 'a number from 0 to below 1');
  check('epsilon', epsilon, epsilon > 0 && epsilon <= 1, 'a number above 0 and at most 1');
  check('clipNorm', clipNorm, clipNorm > 0, 'a number above 0');
  for (const place of ['embedding', 'between', 'output'] as const) {
    check(`dropout.${place}`, options.dropout[place], options.dropout[place] >= 0 && options.dropout[place] < 1, 'a rate from 0 to below 1');
  }
  return options;
}
