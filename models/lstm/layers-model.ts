/**
 * A network as a TensorFlow.js LayersModel, and back: model.json and its weights, so that a model is nobody's prisoner.
 *
 *   Embedding (mask_zero) -> LSTM (return_sequences) -> LSTM (return_sequences for the head `each`) -> Dense (linear: logits)
 *   weights: f32, little-endian, one behind the other in the order of the manifest
 *
 * Keras masks steps, we leave them out: the answers are the same, but for the head `each` at padded steps, which mean nothing.
 */
import { createNetwork, type Network, type NetworkOptions } from './network.js';
import { lengthOf, parameterNames, sizeOf, type LstmShape, type ParameterName } from './shape.js';

export interface WeightSpec {
  name: string;
  shape: number[];
  dtype: 'float32';
}

/** What `tf.loadLayersModel` reads. */
export interface LayersModel {
  format: 'layers-model';
  generatedBy: string;
  convertedBy: null;
  modelTopology: object;
  weightsManifest: { paths: string[]; weights: WeightSpec[] }[];
}

interface LayerConfig {
  class_name: string;
  config: Record<string, unknown> & { name: string };
}

/** Where each parameter lies in a Keras layer. */
const weightNames: Record<ParameterName, [layer: 'embedding' | 'lstm1' | 'lstm2' | 'dense', weight: string]> = {
  embedding: ['embedding', 'embeddings'],
  'lstm1.kernel': ['lstm1', 'kernel'],
  'lstm1.recurrent': ['lstm1', 'recurrent_kernel'],
  'lstm1.bias': ['lstm1', 'bias'],
  'lstm2.kernel': ['lstm2', 'kernel'],
  'lstm2.recurrent': ['lstm2', 'recurrent_kernel'],
  'lstm2.bias': ['lstm2', 'bias'],
  'dense.kernel': ['dense', 'kernel'],
  'dense.bias': ['dense', 'bias'],
};

/** @returns model.json, and what belongs into the file that it names */
export function exportLayersModel(network: Network): { model: LayersModel; weights: Uint8Array } {
  const { shape } = network;
  const specs = parameterNames.map((name): WeightSpec => {
    const [rows, columns] = sizeOf(shape, name);
    return { name: weightNames[name].join('/'), shape: name.endsWith('.bias') ? [columns] : [rows, columns], dtype: 'float32' };
  });
  const values = new Float32Array(parameterNames.reduce((sum, name) => sum + lengthOf(shape, name), 0));
  let at = 0;
  for (const name of parameterNames) {
    values.set(network.get(name), at);
    at += lengthOf(shape, name);
  }
  const model: LayersModel = {
    format: 'layers-model',
    generatedBy: 'aftercare',
    convertedBy: null,
    modelTopology: {
      keras_version: 'tfjs-layers 4.22.0',
      backend: 'tensor_flow.js',
      model_config: { class_name: 'Sequential', config: { name: 'aftercare', layers: layersOf(shape) } },
    },
    weightsManifest: [{ paths: ['weights.bin'], weights: specs }],
  };
  return { model, weights: new Uint8Array(values.buffer) };
}

function layersOf({ V, E, H1, H2, C, head }: LstmShape): LayerConfig[] {
  // What a layer starts with is overwritten by the weights; Zeros are the quickest.
  const zeros = { class_name: 'Zeros', config: {} };
  const lstm = (name: string, units: number, sequences: boolean): LayerConfig => ({
    class_name: 'LSTM',
    config: {
      name, units, trainable: true, activation: 'tanh', recurrent_activation: 'sigmoid', use_bias: true, unit_forget_bias: true, return_sequences: sequences,
      kernel_initializer: zeros, recurrent_initializer: zeros, bias_initializer: zeros, dropout: 0, recurrent_dropout: 0,
    },
  });
  return [
    { class_name: 'Embedding', config: { name: 'embedding', input_dim: V, output_dim: E, mask_zero: true, batch_input_shape: [null, null], dtype: 'float32', embeddings_initializer: zeros } },
    lstm('lstm1', H1, true),
    lstm('lstm2', H2, head === 'each'),
    { class_name: 'Dense', config: { name: 'dense', units: C, activation: 'linear', use_bias: true, kernel_initializer: zeros, bias_initializer: zeros } },
  ];
}

/** Layers that do nothing when a model answers. */
const silent = new Set(['InputLayer', 'Dropout', 'SpatialDropout1D', 'Masking']);

/**
 * @param model  a parsed model.json: a Sequential of the layers above, Dropout between them or not, Dense with softmax or without
 * @param weights  the bytes of its files, joined in the order of the manifest
 * @param options  for training it further
 * @throws RangeError that names what this network cannot be
 */
export function importLayersModel(model: unknown, weights: Uint8Array, options: NetworkOptions & { seed?: number } = {}): Network {
  const { seed = 0, ...rest } = options;
  const layers = readLayers(model).filter(({ class_name: kind }) => !silent.has(kind));
  const kinds = layers.map(({ class_name: kind }) => kind).join(', ');
  if (kinds !== 'Embedding, LSTM, LSTM, Dense') throw refused(`the layers must be Embedding, LSTM, LSTM, Dense, got ${kinds}`);
  const [embedding, one, two, dense] = layers.map(({ config }) => config);
  expect(embedding, 'mask_zero', true);
  for (const config of [one, two]) {
    expect(config, 'activation', 'tanh');
    expect(config, 'recurrent_activation', 'sigmoid');
    expect(config, 'use_bias', true);
    expect(config, 'go_backwards', false, true);
  }
  expect(one, 'return_sequences', true);
  expect(dense, 'use_bias', true);
  if (dense.activation !== 'linear' && dense.activation !== 'softmax') throw refused(`activation of ${dense.name} must be "linear" or "softmax", got ${JSON.stringify(dense.activation)}`);
  const number = (config: LayerConfig['config'], key: string): number => config[key] as number; // checked with the shape
  const shape: LstmShape = {
    V: number(embedding, 'input_dim'), E: number(embedding, 'output_dim'), H1: number(one, 'units'), H2: number(two, 'units'), C: number(dense, 'units'),
    head: two.return_sequences === true ? 'each' : 'last',
  };
  const network = createNetwork(shape, seed, rest);
  const values = readWeights(model as LayersModel, weights);
  const names = { embedding: embedding.name, lstm1: one.name, lstm2: two.name, dense: dense.name };
  for (const name of parameterNames) {
    const [layer, weight] = weightNames[name];
    network.set(name, weightOf(values, names[layer], weight, name, shape));
  }
  return network;
}

const refused = (what: string): RangeError => new RangeError(`layers model: ${what}`);

function readLayers(model: unknown): LayerConfig[] {
  const { modelTopology } = (model ?? {}) as { modelTopology?: { model_config?: unknown } };
  const { class_name: kind, config } = (modelTopology?.model_config ?? modelTopology ?? {}) as { class_name?: string; config?: LayerConfig[] | { layers?: LayerConfig[] } };
  const layers = Array.isArray(config) ? config : config?.layers;
  if (kind !== 'Sequential' || !Array.isArray(layers)) throw refused(`it must be a Sequential with layers, got ${JSON.stringify(kind)}`);
  return layers;
}

function expect(config: LayerConfig['config'], key: string, value: unknown, orAbsent = false): void {
  if (config[key] === value || (orAbsent && config[key] === undefined)) return;
  throw refused(`${key} of ${config.name} must be ${JSON.stringify(value)}, got ${JSON.stringify(config[key])}`);
}

/** Each weight by its name in the manifest. */
function readWeights({ weightsManifest }: LayersModel, weights: Uint8Array): Map<string, { shape: number[]; values: Float32Array }> {
  const specs = (weightsManifest ?? []).flatMap((group) => group.weights);
  const found = new Map<string, { shape: number[]; values: Float32Array }>();
  let at = 0;
  for (const { name, shape, dtype, ...rest } of specs) {
    if (dtype !== 'float32' || 'quantization' in rest) throw refused(`${name} must be float32 and not quantised, got ${dtype as string}`);
    const end = at + 4 * shape.reduce((a, b) => a * b, 1);
    if (end > weights.length) throw refused(`cut short: ${name} ends at byte ${end} of ${weights.length}`);
    found.set(name, { shape, values: new Float32Array(weights.slice(at, end).buffer) });
    at = end;
  }
  if (at !== weights.length) throw refused(`the manifest tells of ${at} bytes of weights, there are ${weights.length}`);
  return found;
}

/** `lstm1/kernel` as TensorFlow.js writes it, `lstm1/lstm_cell/kernel:0` as converted Keras models have it. */
function weightOf(values: ReturnType<typeof readWeights>, layer: string, weight: string, parameter: ParameterName, shape: LstmShape): Float32Array {
  for (const [name, found] of values) {
    const path = name.replace(/:0$/, '').split('/');
    if (path.at(-1) !== weight || !path.includes(layer)) continue;
    if (found.values.length === lengthOf(shape, parameter)) return found.values;
    throw refused(`${name} must have ${lengthOf(shape, parameter)} numbers, got ${found.values.length}`);
  }
  throw refused(`has no weight ${layer}/${weight}; there are ${[...values.keys()].join(', ')}`);
}
