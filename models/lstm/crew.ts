/**
 * The threads of a training: the one that calls, and a second one that takes tasks as long as there are any. Who takes what is
 * left to chance, and changes nothing (work.ts): a second thread that is late, or never came, costs time and no bit.
 *
 * The caller sets a phase out and works through it; the other one takes a task by moving the ticket on. They meet at the end of
 * the phase alone. Whoever has nothing to do looks again for a while, some tens of microseconds, and then sleeps.
 *
 *   ticket i32: | phases set out, 8 bits | tasks, 12 bits | next task, 12 bits |
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { MessageChannel, receiveMessageOnPort, Worker, type MessagePort } from 'node:worker_threads';
import { PAGE, type Memory } from './memory.js';
import { perform, type Phase, type Site } from './work.js';

/** A site with its memory, which another thread may share. */
export interface SharedSite extends Site {
  views: Memory;
}

export interface Crew {
  /** its networks lie in shared memory */
  readonly shares: boolean;
  /** All tasks of a phase, from 0; returns when they are done. @throws Error when a task failed, in whichever thread */
  run(site: SharedSite, phase: Phase, tasks: number): void;
}

export interface Pair extends Crew {
  /** Waits, without the event loop, until the second thread has begun. @returns false: it has not within the time */
  begun(withinMs: number): boolean;
  /** tasks that the second thread has done */
  helped(): number;
  /** The second thread ends, after what it is at. Whoever trains on is alone. */
  close(): Promise<void>;
}

/** One thread. */
export const alone: Crew = {
  shares: false,
  run(site, phase, tasks) {
    for (let task = 0; task < tasks; task += 1) perform(site, phase, task);
  },
};

/** Words of the memory in which both meet, i32. */
export const words = { ticket: 0, done: 1, phase: 2, site: 3, failed: 4, begun: 5, helped: 6, pages: 7 } as const;
/** A ticket of which nothing is left, and never will be. */
export const CLOSED = -1;
export const isOpen = (ticket: number): boolean => ((ticket >>> 12) & 0xfff) > (ticket & 0xfff);
export const taskOf = (ticket: number): number => ticket & 0xfff;

/** Looks before one sleeps: longer than what lies between two phases, and no longer, as the core is somebody else's. */
const LOOKS = 20_000;

/** Until a word is another than it was. @param mostMs  of sleep */
export function waitFor(control: Int32Array, word: number, was: number, mostMs: number): void {
  for (let look = 0; look < LOOKS; look += 1) if (Atomics.load(control, word) !== was) return;
  Atomics.wait(control, word, was, mostMs);
}

/** What the second thread starts with, and what it is sent of a site. */
export interface CrewData {
  control: Int32Array;
  port: MessagePort;
}
export type SiteMessage = { module: WebAssembly.Module; memory: WebAssembly.Memory } & Pick<Site, 'ground' | 'training'>;

/** A task takes milliseconds. Who has not done it in as long as this has ended in the middle of it. */
const GONE_MS = 60_000;

/**
 * Two threads. The second one belongs to whoever starts it: it ends with `close`, or with the thread that started it, and holds no
 * process up. Where it cannot be started, or breaks off, its work is done by the first.
 * @throws Error when it has not been built
 */
export function startPair(): Pair {
  const control = new Int32Array(new SharedArrayBuffer(4 * 16));
  const { port1: port, port2 } = new MessageChannel();
  const thread = startThread({ control, port: port2 }, port2);
  const ended = new Promise<void>((resolve) => {
    if (thread === undefined) resolve();
    else thread.once('exit', () => resolve());
  });
  let attached: SharedSite | undefined;
  let [sites, set] = [0, 0];
  let closed = thread === undefined;
  const close = (): Promise<void> => {
    closed = true;
    Atomics.store(control, words.ticket, CLOSED);
    Atomics.notify(control, words.ticket);
    thread?.ref(); // who waits for its end must not end before
    return ended;
  };
  return {
    shares: true,
    run(site, phase, tasks) {
      if (closed) return alone.run(site, phase, tasks);
      if (site !== attached) {
        const { views: { module, wasm }, ground, training } = site;
        port.postMessage({ module, memory: wasm, ground, training } satisfies SiteMessage);
        attached = site;
        sites += 1;
      }
      control[words.site] = sites;
      control[words.pages] = site.views.bytes() / PAGE;
      control[words.phase] = phase;
      control[words.done] = 0;
      set = (set + 1) % 128; // of its 8 bits, so that no ticket is the closed one
      Atomics.store(control, words.ticket, (set << 24) | (tasks << 12));
      Atomics.notify(control, words.ticket);
      try {
        workThrough(control, site, phase);
        awaitOther(control, port, tasks);
      } catch (error) {
        void close(); // it may still be at a task of this network, which is worth nothing now
        throw error;
      }
    },
    begun(withinMs) {
      if (closed) return false;
      if (Atomics.load(control, words.begun) === 0) Atomics.wait(control, words.begun, 0, withinMs);
      return Atomics.load(control, words.begun) === 1;
    },
    helped: () => Atomics.load(control, words.helped),
    close,
  };
}

function startThread(workerData: CrewData, port: MessagePort): Worker | undefined {
  // Compiled, beside this file in dist/, or in dist/ seen from the sources: a thread has no compiler of the tests.
  const places = ['./crew-worker.js', '../../dist/models/lstm/crew-worker.js'];
  const path = places.map((place) => fileURLToPath(new URL(place, import.meta.url))).find((candidate) => existsSync(candidate));
  if (path === undefined) throw new Error('models/lstm/crew-worker.js is not built: run "npm run build"');
  try {
    const thread = new Worker(path, { workerData, transferList: [port], execArgv: [] }); // what the process was called with is not for it
    thread.on('error', () => undefined); // it takes no tasks then
    thread.unref();
    return thread;
  } catch {
    return undefined;
  }
}

function workThrough(control: Int32Array, site: Site, phase: Phase): void {
  for (;;) {
    const ticket = Atomics.load(control, words.ticket);
    if (!isOpen(ticket)) return;
    if (Atomics.compareExchange(control, words.ticket, ticket, ticket + 1) !== ticket) continue;
    perform(site, phase, taskOf(ticket));
    Atomics.add(control, words.done, 1);
  }
}

function awaitOther(control: Int32Array, port: MessagePort, tasks: number): void {
  for (let done = Atomics.load(control, words.done); done < tasks; ) {
    waitFor(control, words.done, done, GONE_MS);
    const now = Atomics.load(control, words.done);
    if (now === done) throw new Error(`lstm: the second thread has not done its task in ${GONE_MS / 1000} s: it has ended`);
    done = now;
  }
  if (Atomics.load(control, words.failed) === 0) return;
  const said = receiveMessageOnPort(port) as { message: string } | undefined;
  throw new Error(`lstm: the second thread failed: ${said?.message ?? 'without a word'}`);
}
