/** The thread in which interactions become factors: rows in, factors out. Each message is answered before the next one comes. */
import { parentPort } from 'node:worker_threads';
import { encodeFactors, factorise } from '../models/svd/factors.js';
import { createInteractions } from '../models/svd/interactions.js';
import { loadKernel } from '../models/svd/load.js';
import { messageOf } from '../schemas/errors.js';
import type { FactoriseAnswer, FactoriseRequest } from './factorise-thread.js';
import { createRowReader } from './interaction-rows.js';

const port = parentPort;
if (port === null) throw new Error('factorise-worker.js is a thread of the worker process: it is not run by hand');
const interactions = createInteractions();
let last: string | undefined;
const reader = createRowReader((customer, item, strength) => {
  if (last !== undefined && customer !== last) interactions.endCustomer();
  last = customer;
  interactions.add(item, strength);
});

function answer(request: FactoriseRequest): FactoriseAnswer {
  switch (request.type) {
    case 'rows':
      reader.push(request.bytes);
      return { type: 'taken', entries: interactions.entries };
    case 'page':
      // A customer is in one page only, and the next page may begin with one of the same name only if it is another table.
      reader.end();
      interactions.endCustomer();
      last = undefined;
      return { type: 'taken', entries: interactions.entries };
    case 'factorise': {
      const cut = interactions.cut(request.settings);
      const counts = { customers: cut.matrix.rows, entries: cut.matrix.items.length, items: cut.names.length };
      if (counts.entries === 0) return { type: 'factors', ...counts, rank: 0, parts: [] };
      const factors = factorise(cut, request.settings, loadKernel());
      return { type: 'factors', ...counts, rank: factors.rank, parts: encodeFactors(factors) };
    }
  }
}

port.on('message', (request: FactoriseRequest) => {
  try {
    port.postMessage(answer(request));
  } catch (error) {
    port.postMessage({ type: 'failed', reason: messageOf(error), poison: error instanceof RangeError } satisfies FactoriseAnswer);
  }
});
