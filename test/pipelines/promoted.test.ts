/** Which version of a model is live: the switch, what cannot go live, the snapshot, and replays that meet other artefacts. */
import { describe, expect, it } from 'vitest';
import { decidedBy, promotedStep, type LiveModels } from '../../pipelines/promoted.js';
import type { Decision } from '../../pipelines/step.js';
import { promotionEvent, retirementEvent } from '../../pipelines/runtime/jetstream/promote.js';
import { positionOf } from '../../schemas/decode.js';
import type { PromotionRow } from '../../schemas/tables.js';
import { click } from '../support/events.js';

/** Weights behind a word that says whose they are. */
const readerOf = (word: string) => (parts: readonly Uint8Array[]) => {
  if (Buffer.from(parts[0] ?? []).toString() !== word) throw new RangeError(`${word}: does not start with "${word}"`);
  return { weights: new Float64Array(parts[1].buffer, parts[1].byteOffset, parts[1].byteLength / 8) };
};
const readers = { svd: readerOf('svd'), blend: readerOf('blend') };
const step = promotedStep(readers);
type State = LiveModels<typeof readers>;

const partsOf = (word: string, ...weights: number[]): Uint8Array[] => [Buffer.from(word), new Uint8Array(Float64Array.from(weights).buffer)];
const receivedMs = Date.UTC(2026, 0, 15);

interface Given { model: string; version: number; seq: number; parts?: Uint8Array[]; gone?: string }

function fold(state: State, ...given: Given[]): PromotionRow[] {
  const decisions: Decision[] = [];
  for (const { model, version, seq, parts, gone } of given) {
    const event = promotionEvent({ ref: { name: model, version, sha256: String(version % 10).repeat(64), bytes: 100 }, atMs: receivedMs - 5 }, 0, 1);
    step.step(state, { event, shard: 3, position: positionOf(seq, 0), receivedMs, artefact: parts, artefactGone: gone }, (decision) => decisions.push(decision));
  }
  expect(new Set(decisions.map(({ table }) => table))).toEqual(new Set(decisions.length === 0 ? [] : ['promotions']));
  return decisions.map(({ value }) => value as PromotionRow);
}

const svd = (version: number, seq: number): Given => ({ model: 'svd', version, seq, parts: partsOf('svd', version, version / 2) });
const blend = (version: number, seq: number): Given => ({ model: 'blend', version, seq, parts: partsOf('blend', version) });
const weightsOf = (state: State, name: 'svd' | 'blend'): number[] => [...(state.get(name)?.weights ?? [])];
const bytesOf = (state: State): Buffer => Buffer.concat(step.snapshot(state));

describe('a promotion', () => {
  it('makes a model live from there on, and says so', () => {
    const state = step.empty();
    expect(state.get('svd')).toBeUndefined();
    expect(fold(state, svd(16, 5))).toEqual([
      { model: 'svd', version: 16, sha256: '6'.repeat(64), bytes: 100, outcome: 'live', detail: '', percent: 0, shard: 3, seq: positionOf(5, 0), atMs: receivedMs },
    ]);
    expect(weightsOf(state, 'svd')).toEqual([16, 8]);
    expect(state.versions.get('svd')).toMatchObject({ version: 16, sha256: '6'.repeat(64), bytes: 100, seq: positionOf(5, 0) });
    fold(state, svd(17, 6));
    expect(weightsOf(state, 'svd')).toEqual([17, 8.5]);
    fold(state, svd(16, 7)); // rolled back
    expect(weightsOf(state, 'svd')).toEqual([16, 8]);
  });

  it.each<[string, Given, Partial<PromotionRow>]>([
    ['is gone', { model: 'svd', version: 17, seq: 6, gone: 'artefact svd 17 is not there' }, { outcome: 'missing', detail: 'artefact svd 17 is not there' }],
    ['is another model\'s', { model: 'svd', version: 17, seq: 6, parts: partsOf('blend', 1) }, { outcome: 'unreadable', detail: 'svd: does not start with "svd"' }],
    ['breaks its reader', { model: 'svd', version: 17, seq: 6, parts: partsOf('svd').slice(0, 1) }, { outcome: 'unreadable' }],
    ['is of a model that this build lacks', { model: 'intent', version: 17, seq: 6, parts: partsOf('intent') }, { outcome: 'unknown_model', detail: 'this build knows blend, svd' }],
    ['has the name of what every object has', { model: 'constructor', version: 17, seq: 6, parts: [] }, { outcome: 'unknown_model' }],
  ])('whose artefact %s leaves what is live, and says why', (_name, given, row) => {
    const state = step.empty();
    fold(state, svd(16, 5));
    const before = bytesOf(state);
    expect(fold(state, given)).toMatchObject([{ version: 17, ...row }]);
    expect(weightsOf(state, 'svd')).toEqual([16, 8]);
    expect(bytesOf(state).equals(before)).toBe(true);
    expect(fold(state, svd(18, 7))).toMatchObject([{ outcome: 'live' }]);
  });

  it('is taken back by a retirement of the same version, once; one of another version does nothing', () => {
    const state = step.empty();
    fold(state, svd(16, 5), blend(3, 6));
    const retire = (version: number, seq: number): unknown[] => {
      const decisions: Decision[] = [];
      const stored = { event: retirementEvent({ model: 'svd', version, atMs: receivedMs }, 0, 1), shard: 3, position: positionOf(seq, 0), receivedMs };
      step.step(state, stored, (decision) => decisions.push(decision));
      return decisions;
    };
    const before = bytesOf(state);
    expect(retire(15, 7)).toEqual([]);
    expect(bytesOf(state).equals(before)).toBe(true);
    expect(retire(16, 8)).toMatchObject([{ table: 'promotions', value: { model: 'svd', version: 16, outcome: 'retired', shard: 3, seq: positionOf(8, 0) } }]);
    expect(state.get('svd')).toBeUndefined();
    expect(weightsOf(state, 'blend')).toEqual([3]);
    expect(retire(16, 9)).toEqual([]);
    expect(step.hash(step.restore(step.snapshot(state)))).toBe(step.hash(state));
    expect(fold(state, svd(16, 10))).toMatchObject([{ outcome: 'live' }]);
  });

  it('of what is live already does nothing', () => {
    const state = step.empty();
    fold(state, svd(16, 5));
    const before = bytesOf(state);
    expect(fold(state, svd(16, 6), { model: 'svd', version: 16, seq: 7 })).toEqual([]);
    expect(bytesOf(state).equals(before)).toBe(true);
  });

  it('is the only event that it folds', () => {
    const state = step.empty();
    const none = step.hash(state);
    for (const event of [click('e1'), { v: 1, type: 'control', id: 'f1', customer: 'c1', atMs: receivedMs, command: 'forget' } as const]) {
      step.step(state, { event, shard: 0, position: 1, receivedMs, artefact: partsOf('svd', 1) }, () => expect.unreachable());
    }
    expect(step.hash(state)).toBe(none);
  });
});

describe('the snapshot', () => {
  it('holds the models, wherever its bytes are cut, each in a buffer of its own', () => {
    const state = step.empty();
    fold(state, blend(1, 4), svd(16, 5));
    const bytes = bytesOf(state);
    for (let at = 0; at <= bytes.length; at++) {
      const restored = step.restore([bytes.subarray(0, at), bytes.subarray(at)]);
      expect([weightsOf(restored, 'svd'), weightsOf(restored, 'blend')]).toEqual([[16, 8], [1]]);
      expect(restored.get('svd')?.weights.byteOffset).toBe(0);
      expect(step.hash(restored)).toBe(step.hash(state));
      expect(bytesOf(restored).equals(bytes)).toBe(true);
    }
  });

  it('tells the state, and not its history', () => {
    const [one, other] = [step.empty(), step.empty()];
    fold(one, svd(16, 1), blend(1, 2), svd(17, 3));
    fold(other, { model: 'svd', version: 16, seq: 1, gone: 'dropped meanwhile' }, blend(1, 2), svd(17, 3));
    expect(bytesOf(one).equals(bytesOf(other)), 'an artefact that a replay no longer finds is made good by the newest promotion').toBe(true);
    expect(step.hash(one)).toBe(step.hash(other));
  });

  it('has another hash for another version, and for another place of the switch', () => {
    const hashes = [svd(16, 1), svd(17, 1), svd(16, 2)].map((given) => {
      const state = step.empty();
      fold(state, given);
      return step.hash(state);
    });
    expect(new Set([...hashes, step.hash(step.empty())]).size).toBe(4);
  });

  it('that is cut short is refused at any byte, and so is one of a model that this build lacks', () => {
    const state = step.empty();
    fold(state, svd(16, 5));
    const bytes = bytesOf(state);
    for (let length = 0; length < bytes.length; length++) expect(() => step.restore([bytes.subarray(0, length)]), String(length)).toThrow();
    expect(() => promotedStep({ blend: readers.blend }).restore([bytes])).toThrow(/holds the model "svd", which this build does not know; rebuild/);
  });
});

it('what decided is named with the versions that took part', () => {
  const state = step.empty();
  const named = (): string => decidedBy('cosine-sessions-2', state.versions, ['svd', 'blend']);
  expect(named()).toBe('cosine-sessions-2');
  fold(state, blend(3, 1), svd(17, 2));
  expect(named()).toBe('cosine-sessions-2+svd.17+blend.3');
  expect(decidedBy('x', state.versions, ['intent'])).toBe('x');
});
