/** The second thread of a training (crew.ts). */
import { receiveMessageOnPort, workerData } from 'node:worker_threads';
import { CLOSED, isOpen, taskOf, waitFor, words, type CrewData, type SiteMessage } from './crew.js';
import { PAGE, viewsOf } from './memory.js';
import { perform, type Phase, type Site } from './work.js';

const { control, port } = workerData as CrewData;
let site: Site | undefined;
let sites = 0;

/** The site of the phase that is under way: what it was sent before it began. */
function siteNow(): Site {
  while (sites < control[words.site]) {
    const { module, memory, ground, training } = (receiveMessageOnPort(port) as { message: SiteMessage }).message;
    site = { views: viewsOf(module, memory, training.block), ground, training };
    sites += 1;
  }
  if (site === undefined) throw new Error('there is no network');
  // A thread hears between two turns of a loop that another one has made a memory larger.
  while (site.views.bytes() < control[words.pages] * PAGE) Atomics.load(control, words.pages);
  return site;
}

Atomics.store(control, words.begun, 1);
Atomics.notify(control, words.begun);
for (let ticket = Atomics.load(control, words.ticket); ticket !== CLOSED; ticket = Atomics.load(control, words.ticket)) {
  if (!isOpen(ticket)) {
    waitFor(control, words.ticket, ticket, Infinity);
    continue;
  }
  if (Atomics.compareExchange(control, words.ticket, ticket, ticket + 1) !== ticket) continue;
  try {
    perform(siteNow(), control[words.phase] as Phase, taskOf(ticket));
    Atomics.add(control, words.helped, 1);
  } catch (error) {
    port.postMessage(String(error));
    Atomics.store(control, words.failed, 1);
  }
  Atomics.add(control, words.done, 1);
  Atomics.notify(control, words.done);
}
port.close();
