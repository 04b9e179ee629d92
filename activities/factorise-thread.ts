/**
 * The factorisation beside the worker's own loop, which has heartbeats to send: a thread takes the rows as ClickHouse gives
 * them and one piece at a time, so that neither side holds more than it works on.
 */
import type { SvdSettings } from '../models/svd/settings.js';
import { startThread, type Failed } from './thread.js';

export type FactoriseRequest =
  | { type: 'rows'; bytes: Uint8Array }
  | { type: 'page' }
  | { type: 'factorise'; settings: SvdSettings };

export type FactoriseAnswer =
  | { type: 'taken'; entries: number }
  | ({ type: 'factors'; parts: Uint8Array[] } & FactorCounts)
  | Failed;

export interface FactorCounts {
  customers: number;
  entries: number;
  items: number;
  /** 0: no item had enough customers, and there is nothing to factorise */
  rank: number;
}

export interface FactoriseThread {
  /** @returns interactions so far */
  rows(bytes: Uint8Array): Promise<number>;
  /** The page is complete: what comes next is another customer's. @throws AftercareError unavailable when it was cut short */
  endPage(): Promise<number>;
  factorise(settings: SvdSettings): Promise<FactorCounts & { parts: Uint8Array[] }>;
  close(): Promise<void>;
}

export function startFactorising(): FactoriseThread {
  const { ask, close } = startThread<FactoriseRequest, FactoriseAnswer>('factorise');
  const taken = async (request: FactoriseRequest): Promise<number> => {
    const answer = await ask(request);
    return answer.type === 'taken' ? answer.entries : 0;
  };
  return {
    rows: (bytes) => taken({ type: 'rows', bytes }),
    endPage: () => taken({ type: 'page' }),
    async factorise(settings) {
      const answer = await ask({ type: 'factorise', settings });
      if (answer.type !== 'factors') throw new Error(`factorise: the thread answered "${answer.type}"`);
      return answer;
    },
    close,
  };
}
