/** Messages of a shard into a state, one at a time: the one piece that a live shard and every replay of its stream share. */
import { decode, positionOf, promotionOf, type StoredMessage } from '../../schemas/decode.js';
import { AftercareError, messageOf } from '../../schemas/errors.js';
import type { Event, Promote } from '../../schemas/events.js';
import type { Emit, Step, StoredEvent } from '../step.js';
import type { Artefacts } from './artefacts.js';
import type { Logger } from './log-line.js';

export interface FoldingParts<State> {
  shard: number;
  shards: number;
  step: Step<State>;
  state: State;
  /** sequence that the state has folded up to */
  seq: number;
  /** where the models of promotions are */
  artefacts: Artefacts;
  emit: Emit;
  /**
   * Called with each message in the same turn of the loop as its last `emit`: a commit that is made up in between would hold what
   * came of a message that it does not cover.
   */
  folded?: (seq: number, events: number) => void;
  logger: Logger;
}

export class Folding<State> {
  seq: number;
  events = 0;
  rejects = 0;
  /** promotions whose artefact was gone: a replay switches otherwise there than the shard did when it was live */
  readonly gone: Promote[] = [];
  /** the event that is folded; one object, as there are hundreds of thousands a second */
  readonly #stored: StoredEvent;
  readonly #target;

  constructor(private readonly parts: FoldingParts<State>) {
    const { step, state, shard, emit } = parts;
    this.seq = parts.seq;
    const stored: StoredEvent = { event: undefined as never, shard, position: 0, receivedMs: 0 };
    this.#stored = stored;
    this.#target = {
      event: (event: Event, position: number): void => {
        stored.event = event;
        stored.position = position;
        step.step(state, stored, emit);
        this.events += 1;
      },
      // The sink decodes too, and writes the reject with its bytes: the same pure function of the same message.
      reject: (): void => { this.rejects += 1; },
    };
  }

  /**
   * @returns a promise where a model has to be fetched first: nothing else may be folded before it resolves
   * @throws AftercareError order_broken; unavailable when the artefact store does not answer
   */
  fold(message: StoredMessage): Promise<void> | undefined {
    const promotion = promotionOf(message, this.parts.shards);
    if (promotion !== undefined) return this.#foldPromotion(message, promotion);
    this.#fold(message);
    return undefined;
  }

  /** Goes past a message. */
  pass({ seq }: StoredMessage): void {
    this.seq = seq;
  }

  /** Folds an event that is not on the stream, just before the first event of a message. @param artefact  of a promotion */
  foldBefore({ seq, receivedMs }: StoredMessage, event: Event, artefact?: readonly Uint8Array[]): void {
    const { step, state, shard, emit } = this.parts;
    step.step(state, { event, shard, position: positionOf(seq, 0), receivedMs, artefact }, emit);
  }

  /**
   * A step cannot wait, so its artefact is fetched first. One that is gone or damaged is so at every replay, and the step is
   * told; a store that does not answer is an error, and the shard starts again: it must not differ from a replay.
   */
  async #foldPromotion(message: StoredMessage, promotion: Promote): Promise<void> {
    const { artefacts, shard, logger } = this.parts;
    const { model, version, sha256, bytes } = promotion;
    try {
      this.#stored.artefact = await artefacts.load({ name: model, version, sha256, bytes });
      logger('info', 'promotion is folded', { shard, seq: message.seq, model, version });
    } catch (error) {
      if (!(error instanceof AftercareError && error.code === 'bad_file')) throw error;
      this.#stored.artefactGone = messageOf(error);
      this.gone.push(promotion);
      logger('warn', 'promotion without its artefact: what is live stays', { shard, seq: message.seq, reason: messageOf(error) });
    }
    this.#fold(message);
    this.#stored.artefact = this.#stored.artefactGone = undefined;
  }

  #fold(message: StoredMessage): void {
    if (message.seq <= this.seq) throw new AftercareError('order_broken', `message ${message.seq} came after ${this.seq}`);
    this.seq = message.seq;
    const before = this.events;
    this.#stored.receivedMs = message.receivedMs;
    decode(message, this.parts.shards, this.#target);
    this.parts.folded?.(message.seq, this.events - before);
  }
}
