/** Events that are yet to happen, the earliest first; those of one moment in the order in which they were planned. */
import type { Event } from '../schemas/events.js';
import type { Planted } from './truth.js';

export interface Planned {
  event: Event;
  /** what is true about it, written down when it happens and not before */
  planted?: Planted;
}

export interface Queue {
  push(planned: Planned): void;
  /** removes the earliest, if it lies before this time */
  popBefore(atMs: number): Planned | undefined;
}

export function createQueue(): Queue {
  // Keys lie in flat arrays beside the heap: comparing through objects costs a cache miss each, and half of all time.
  let times = new Float64Array(1024);
  let orders = new Float64Array(1024);
  const heap: Planned[] = [];
  let planned = 0;

  const isBefore = (atMs: number, order: number, i: number): boolean => atMs < times[i] || (atMs === times[i] && order < orders[i]);
  const put = (i: number, atMs: number, order: number, entry: Planned): void => {
    times[i] = atMs;
    orders[i] = order;
    heap[i] = entry;
  };
  const move = (from: number, to: number): void => put(to, times[from], orders[from], heap[from]);
  const grow = (): void => {
    times = enlarged(times);
    orders = enlarged(orders);
  };
  const siftDown = (atMs: number, order: number, entry: Planned): void => {
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(times[child + 1], orders[child + 1], child)) child += 1;
      if (isBefore(atMs, order, child)) break;
      move(child, i);
      i = child;
    }
    put(i, atMs, order, entry);
  };
  return {
    push(entry) {
      const { atMs } = entry.event;
      const order = planned++;
      let i = heap.length;
      if (i === times.length) grow();
      heap.push(entry);
      for (let parent = (i - 1) >> 1; i > 0 && isBefore(atMs, order, parent); parent = (i - 1) >> 1) {
        move(parent, i);
        i = parent;
      }
      put(i, atMs, order, entry);
    },
    popBefore(atMs) {
      if (heap.length === 0 || times[0] >= atMs) return undefined;
      const first = heap[0];
      const end = heap.length - 1;
      const last = heap.pop() as Planned;
      if (end > 0) siftDown(times[end], orders[end], last);
      return first;
    },
  };
}

function enlarged(before: Float64Array): Float64Array<ArrayBuffer> {
  const after = new Float64Array(before.length * 2);
  after.set(before);
  return after;
}
