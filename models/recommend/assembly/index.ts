/** The kernel's exports: everything takes and returns dense ids, numbers relative to the landmark, and addresses. */
import { fits, freed, heapBase, heapTop, initCeiling, initHeap, loadHeap, reserve, saveHeap } from './memory';
import {
  COLD, CUSTOMER, HOT, coldBase, customerBase, customerNewest, customerOldest, dyingCount, epoch, hotBase, itemNewest, itemOldest,
  historyBytes, historyLimit, pairCount, setBases, setDyingCount, setEpoch, setLimits, setOrder, setPairCount, NONE,
} from './records';
import { BLOCK, droppedPairs, emptyPairs, initPairs, loadPairs, savePairs } from './pairs';
import { initObserve, isSweeping, loadObserve, saveObserve, startAt, usedCustomers, advance as move } from './observe';
import { initLists, most } from './lists';
import { forgetBar, initTop, loadTop, saveTop, TOP } from './popular';
import { beginPruned, initPruned, loadPruned, prunedTotal, savePruned } from './pruned';
import { initQuery, outAt } from './query';

export { addCustomer, addItem, evictCustomer, evictItem, forget, observe, retract, startSweep, sweep, sweepLeft } from './observe';
export {
  close, explain, historyDone, historyItems, historyOf, historyStrengths, itemItem, leftOut, open, popular, setItemWeighting, setMoment, setUserWeighting,
  similar, similarCustomers, userUser,
} from './query';
export { pairBytes } from './pairs';
export { norm2Of } from './records';
export { renewPruned } from './pruned';

/** Free lists (128 u32), the popular table (TOP u32), then what saveState() writes. */
const STATE: usize = 512 + (<usize>TOP << 2) + 512;
let state: usize = 0;

/** Lays the memory out; returns where the heap begins. Call once. A delta of 0: pairs are not pruned. */
export function init(customers: u32, items: u32, pairs: u32, history: u32, neighbours: u32, postings: u32, bytes: f64, delta: f64, remembered: u32): f64 {
  initCeiling(bytes);
  initPruned(delta, remembered);
  setLimits(customers, items, pairs, history, neighbours, postings);
  setOrder(NONE, NONE, NONE, NONE);
  let at = (__heap_base + 63) & ~63;
  state = at;
  initTop(at + 512);
  at += STATE;
  initPairs(at);
  at += BLOCK;
  initObserve(at);
  at += (<usize>history << 2) + 64;
  initLists((at + 7) & ~7, items);
  at += 254 * 16 + 8;
  at = (at + 63) & ~63;
  at = initQuery(at, max(items, history), customers);
  at = (at + 63) & ~63;
  const hotAt = at;
  at += <usize>items * HOT;
  const coldAt = at;
  at += <usize>items * COLD;
  setBases(hotAt, coldAt, at);
  at += <usize>customers * CUSTOMER;
  // A pair takes 28 bytes, a list 12 for each place, a customer's history and its postings some hundreds.
  reserve(<f64>at + <f64>pairs * 28 + <f64>items * <f64>most() * 14 + <f64>customers * 512);
  initHeap(state, at);
  return <f64>heapBase;
}

/** An empty state, with the landmark of the first event. */
export function begin(at: i32): void {
  startAt(at);
  emptyPairs();
  beginPruned();
}

export function advance(to: i32): void {
  if (to <= epoch) return;
  move(to);
  forgetBar();
}

/** Writes what is held in globals behind the free lists, so that the memory is the whole state. */
export function saveState(): void {
  let at = state + 512 + (<usize>TOP << 2);
  store<i32>(at, epoch);
  store<u32>(at, pairCount, 4);
  store<u32>(at, dyingCount, 8);
  store<u32>(at, customerOldest, 12);
  store<u32>(at, customerNewest, 16);
  store<u32>(at, itemOldest, 20);
  store<u32>(at, itemNewest, 24);
  at = saveHeap(at + 32);
  at = saveObserve(at);
  at = saveTop((at + 7) & ~7);
  savePruned(savePairs(at));
}

/** The reverse, after the bytes of the state region are in place; the other regions are copied in afterwards. */
export function loadState(): void {
  let at = state + 512 + (<usize>TOP << 2);
  setEpoch(load<i32>(at));
  setPairCount(load<u32>(at, 4));
  setDyingCount(load<u32>(at, 8));
  setOrder(load<u32>(at, 12), load<u32>(at, 16), load<u32>(at, 20), load<u32>(at, 24));
  at = loadHeap(at + 32);
  at = loadObserve(at);
  at = loadTop((at + 7) & ~7);
  loadPruned(loadPairs(at));
}

/** Whether there is no memory for the history of one more customer: somebody else's must be freed first. */
export function tight(): bool { return !fits(64) && freed(64, historyBytes(historyLimit)) === 0; }
export function stateAt(): f64 { return <f64>state; }
export function stateBytes(): f64 { return <f64>STATE; }
export function hotAt(): f64 { return <f64>hotBase; }
export function coldAt(): f64 { return <f64>coldBase; }
export function customersAt(): f64 { return <f64>customerBase; }
export function heapAt(): f64 { return <f64>heapBase; }
export function heapEnd(): f64 { return <f64>heapTop; }
export function customersUsed(): u32 { return usedCustomers(); }
export function pairs(): u32 { return pairCount; }
export function pairsDropped(): f64 { return droppedPairs; }
export function pairsPruned(): f64 { return prunedTotal; }
export function sweeping(): bool { return isSweeping(); }
export function answers(): f64 { return <f64>outAt(); }
export function epochNow(): i32 { return epoch; }
