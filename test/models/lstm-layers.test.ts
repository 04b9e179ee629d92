import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { loadLayersModel, sequential, layers as tfLayers, type LayersModel as TfModel } from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { exportLayersModel, importLayersModel, type LayersModel } from '../../models/lstm/layers-model.js';
import { createNetwork } from '../../models/lstm/network.js';
import type { LstmShape } from '../../models/lstm/shape.js';
import { distance, randomBatch } from '../support/lstm.js';

const shapes: LstmShape[] = [
  { V: 30, E: 7, H1: 9, H2: 5, C: 6, head: 'last' },
  { V: 20, E: 8, H1: 8, H2: 12, C: 3, head: 'each' },
];

/** With its arrays copied: TensorFlow.js may keep what it is given. */
const inTensorFlow = ({ model, weights }: ReturnType<typeof exportLayersModel>): Promise<TfModel> =>
  loadLayersModel(tf.io.fromMemory({ modelTopology: model.modelTopology, weightSpecs: model.weightsManifest[0].weights, weightData: weights.slice().buffer }));

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe.each(shapes)('a network as a LayersModel, shape %o', (shape) => {
  const network = createNetwork(shape, 3);
  const { tokens, targets, B, T } = randomBatch(shape, 6, 8, 4);
  for (let step = 0; step < 5; step += 1) network.trainStep(tokens, targets, B, T);

  it('answers the same in TensorFlow.js, to 1e-5', async () => {
    const model = await inTensorFlow(exportLayersModel(network));
    const theirs = (model.predict(tf.tensor2d([...tokens], [B, T], 'int32')) as tf.Tensor).dataSync() as Float32Array;
    const per = shape.C;
    let compared = 0;
    for (let b = 0; b < B; b += 1) {
      const mine = network.infer(tokens.subarray(b * T, (b + 1) * T));
      for (let at = 0; at < mine.length; at += per) {
        if (shape.head === 'each' && tokens[b * T + at / per] === 0) continue; // a padded step means nothing
        const from = b * mine.length + at;
        expect(distance(mine.subarray(at, at + per), theirs.subarray(from, from + per))).toBeLessThanOrEqual(1e-5);
        compared += 1;
      }
    }
    expect(compared).toBeGreaterThanOrEqual(B);
  });

  it('comes back as the same network', () => {
    const { model, weights } = exportLayersModel(network);
    const again = importLayersModel(JSON.parse(JSON.stringify(model)), weights);
    expect(again.shape).toEqual(shape);
    expect(Buffer.concat(again.save()).equals(Buffer.concat(network.save()))).toBe(true);
  });

  it('is what TensorFlow.js itself would have saved, with layers that only train', async () => {
    const theirs = sequential({
      layers: [
        tfLayers.embedding({ inputDim: shape.V, outputDim: shape.E, maskZero: true, inputShape: [null] }),
        tfLayers.dropout({ rate: 0.2 }),
        tfLayers.lstm({ units: shape.H1, returnSequences: true, recurrentActivation: 'sigmoid', recurrentInitializer: 'glorotUniform' }),
        tfLayers.lstm({ units: shape.H2, returnSequences: shape.head === 'each', recurrentActivation: 'sigmoid', recurrentInitializer: 'glorotUniform' }),
        tfLayers.dense({ units: shape.C, activation: 'softmax' }),
      ],
    });
    let saved: tf.io.ModelArtifacts | undefined;
    await theirs.save(tf.io.withSaveHandler(async (artifacts) => {
      saved = artifacts;
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' as const } };
    }));
    const model = { modelTopology: saved?.modelTopology, weightsManifest: [{ paths: ['weights.bin'], weights: saved?.weightSpecs }] };
    const mine = importLayersModel(JSON.parse(JSON.stringify(model)), new Uint8Array(saved?.weightData as ArrayBuffer));
    const example = tokens.subarray(0, T); // no padding in it
    const logits = mine.infer(example);
    const probabilities = (theirs.predict(tf.tensor2d([...example], [1, T], 'int32')) as tf.Tensor).dataSync() as Float32Array;
    for (let at = 0; at < logits.length; at += shape.C) {
      const row = [...logits.subarray(at, at + shape.C)].map(Math.exp);
      const sum = row.reduce((a, b) => a + b, 0);
      expect(distance(row.map((value) => value / sum), probabilities.subarray(at, at + shape.C))).toBeLessThanOrEqual(1e-6);
    }
  });
});

describe('a LayersModel that is refused, by name', () => {
  const exported = exportLayersModel(createNetwork(shapes[0], 1));
  const changed = (change: (layers: { class_name: string; config: Record<string, unknown> }[]) => void): LayersModel => {
    const model = JSON.parse(JSON.stringify(exported.model)) as LayersModel;
    change((model.modelTopology as { model_config: { config: { layers: { class_name: string; config: Record<string, unknown> }[] } } }).model_config.config.layers);
    return model;
  };
  it.each<[string, LayersModel, Uint8Array]>([
    ['recurrent_activation of lstm1 must be "sigmoid", got "hardSigmoid"', changed((layers) => { layers[1].config.recurrent_activation = 'hardSigmoid'; }), exported.weights],
    ['mask_zero of embedding must be true, got false', changed((layers) => { layers[0].config.mask_zero = false; }), exported.weights],
    ['the layers must be Embedding, LSTM, LSTM, Dense, got Embedding, LSTM, GRU, Dense', changed((layers) => { layers[2].class_name = 'GRU'; }), exported.weights],
    ['lstm: H2 must be a whole number from 1 to 1024, got many', changed((layers) => { layers[2].config.units = 'many'; }), exported.weights],
    ['cut short: dense/bias ends at', exported.model, exported.weights.subarray(0, exported.weights.length - 4)],
    ['lstm2/kernel must have 180 numbers, got 144', changed((layers) => { layers[1].config.units = 9; layers[2].config.units = 5; }), exported.weights],
  ])('%s', (message, model, weights) => {
    if (message.startsWith('lstm2/kernel')) model.weightsManifest[0].weights.find(({ name }) => name === 'lstm2/kernel')!.shape = [9, 16];
    const bytes = message.startsWith('lstm2/kernel') ? weights.subarray(0, weights.length - 4 * 36) : weights;
    expect(() => importLayersModel(model, bytes)).toThrow(message);
  });
  it('what is no model at all', () => {
    for (const model of [undefined, {}, 7, { modelTopology: { class_name: 'Model', config: {} } }]) expect(() => importLayersModel(model, new Uint8Array(0))).toThrow('layers model: it must be a Sequential');
  });
});
