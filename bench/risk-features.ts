/**
 * The features of the risk step alone: asked before each purchase and refund, then learnt from every event, by the process's
 * own time. Beside the naive twin, which reads all events again, on the last events of a prefix; both must say the same.
 * And what a customer costs in memory.
 */
import { existsSync, readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { gunzipSync } from 'node:zlib';
import { createRiskFeatures, defaultRiskFeatureSettings, featureNames, type RiskFeatures, type TicketSignals } from '../models/risk/features.js';
import { createNaiveFeatures } from '../models/risk/naive.js';
import type { Event, Purchase } from '../schemas/events.js';
import { createRandom } from '../simulator/random.js';
import { createSimulator } from '../simulator/simulator.js';
import type { SuiteOptions } from './main.js';
import { row, type Row } from './report.js';

const cardFile = '../shared/data/creditcard-ulb/creditcard_full_Time_Amount_Class.csv.gz';
const startMs = Date.UTC(2026, 0, 5);
const dayMs = 86_400_000;
const rounds = 3;
/** Beyond this many the naive one takes minutes. */
const prefix = 6000;
const naiveAsked = 60;
const silent: TicketSignals = { ticketOf: () => undefined };
const settings = { ...defaultRiskFeatureSettings, customers: 200_000, devices: 200_000, cards: 200_000, addresses: 200_000 };

/** A month of a shop, clicks and all. */
const simulated = (): Event[] => [...createSimulator({ seed: 11, customers: 3000, items: 2000, startMs, hours: 24 * 31, events: 200_000, forgets: 0 }).events()];

/** Times and amounts of real payments, by customers, devices, cards and addresses that are drawn: the file has none. */
export function payments(file = cardFile): Event[] | undefined {
  if (!existsSync(file)) return undefined;
  const random = createRandom(5);
  const [header, ...lines] = gunzipSync(readFileSync(file)).toString('utf8').trimEnd().split(/\r?\n/);
  const columns = header.split(',').map((name) => name.replaceAll('"', ''));
  const [time, amount] = [columns.indexOf('Time'), columns.indexOf('Amount')];
  if (time < 0 || amount < 0) throw new Error(`${file}: line 1 is "${header.slice(0, 100)}", expected Time and Amount`);
  return lines.map((text, i): Purchase => {
    const fields = text.split(',');
    const n = Math.floor(random.skewed() * 40_000);
    const amountMinor = Math.round(Number(fields[amount]) * 100);
    const item = `item-${Math.floor(random.skewed() * 5000)}`;
    return {
      v: 1, type: 'purchase', id: `e${i}`, customer: `customer-${n}`, atMs: startMs + Number(fields[time]) * 1000, order: `order-${i}`,
      lines: [{ item, quantity: 1, unitMinor: amountMinor }], amountMinor, currency: 'EUR', payment: 'card', shippingCountry: 'BE', billingCountry: 'BE',
      card: `card-${n + random.below(2)}`, device: `device-${Math.floor(n / 2)}`, address: `address-${Math.floor(n / 3)}`,
    };
  });
}

/** @returns seconds of processor time, and a sum over all features so that none can be skipped */
function pass(events: readonly Event[], model: RiskFeatures): { seconds: number; asked: number; told: number } {
  const out = new Float64Array(featureNames.length);
  let [asked, told] = [0, 0];
  const started = process.cpuUsage();
  for (const event of events) {
    if (event.type === 'purchase' || event.type === 'refund') {
      model.extract(event, event.atMs, silent, out);
      asked += 1;
      for (let j = 0; j < out.length; j += 1) if (out[j] === out[j]) told += out[j];
    }
    model.observe(event, event.atMs);
  }
  const { user, system } = process.cpuUsage(started);
  return { seconds: (user + system) / 1e6, asked, told };
}

/** Seconds a purchase or refund of the naive one at the end of a prefix, where it reads the prefix; and that both agree there. */
function naivePerS(events: readonly Event[]): number {
  const [naive, model] = [createNaiveFeatures([]), createRiskFeatures(settings)];
  const out = new Float64Array(featureNames.length);
  const head = events.slice(0, prefix);
  const money = head.filter(({ type }) => type === 'purchase' || type === 'refund');
  const from = money.at(-naiveAsked);
  let [busy, counted, on] = [0, 0, false];
  for (const event of head) {
    on ||= event === from;
    if (on && (event.type === 'purchase' || event.type === 'refund')) {
      const started = process.cpuUsage();
      const wanted = naive.extract(event, event.atMs, silent);
      const { user, system } = process.cpuUsage(started);
      busy += (user + system) / 1e6;
      model.extract(event, event.atMs, silent, out);
      featureNames.forEach((name, j) => {
        if (!(Object.is(out[j], wanted[name]) || Math.abs(out[j] - wanted[name]) <= 1e-9 * Math.max(1, Math.abs(out[j])))) throw new Error(`bench: ${name} is ${out[j]}, the naive one says ${wanted[name]}`);
      });
    }
    if (on) counted += 1;
    naive.observe(event, event.atMs);
    model.observe(event, event.atMs);
  }
  return counted / busy;
}

/** Of typed arrays, where a model keeps all that it knows; what earlier models held is collected first. */
function heldBytes(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().arrayBuffers;
}

/** Bytes of typed arrays a customer: each with three orders in a month, with and without the device, card and address of its own. */
function bytesOfACustomer(customers: number, entities: boolean): number {
  const before = heldBytes();
  const bound = { ...settings, customers, devices: entities ? customers : 1, cards: entities ? customers : 1, addresses: entities ? customers : 1, items: 100 };
  const model = createRiskFeatures(bound);
  for (let n = 0; n < customers * 3; n += 1) {
    const [who, atMs] = [n % customers, startMs + Math.floor(n / customers) * 10 * dayMs];
    const own = entities ? { device: `device-${who}`, card: `card-${who}`, address: `address-${who}` } : {};
    model.observe({ v: 1, type: 'purchase', id: 'e', customer: `customer-${who}`, atMs, order: `order-${n}`, lines: [{ item: 'kettle', quantity: 1, unitMinor: 4000 }], amountMinor: 4000, currency: 'EUR', ...own }, atMs);
  }
  const bytes = (heldBytes() - before) / customers;
  if (model.stats().customers !== customers || model.stats().evicted > 0) throw new Error('bench: customers were evicted');
  return bytes;
}

export function featureRows(say: SuiteOptions['say']): Row[] {
  const rows: Row[] = [];
  for (const [name, events] of [['shop', simulated()], ['payments', payments()]] as const) {
    if (events === undefined) {
      say(`risk.step.features ${name}: skipped, ${cardFile} is not here`);
      continue;
    }
    const passes = Array.from({ length: rounds }, () => pass(events, createRiskFeatures(settings)));
    if (!passes.every(({ told }) => told === passes[0].told)) throw new Error('bench: two passes over the same events differ');
    const perS = events.length / Math.min(...passes.map(({ seconds }) => seconds));
    rows.push(row(name === 'shop' ? 'risk.step.features_events_per_s' : `risk.step.features_events_per_s.${name}`, perS, 'events/s', naivePerS(events),
      `naive: reads all events again, after ${prefix}; ${events.length} events, ${passes[0].asked} asked about, ${featureNames.length} features`));
  }
  const held = 'all typed arrays of the features after three orders in a month, none refunded: keys, index, records, windows, orders, sets';
  rows.push(row('risk.step.features_bytes_per_customer', bytesOfACustomer(100_000, false), 'bytes', 512, `${held}; the baseline is what is allowed`));
  rows.push(row('risk.step.features_bytes_per_customer.with_entities', bytesOfACustomer(100_000, true), 'bytes', 512, `with a device, a card and an address of its own each; ${held}`));
  return rows;
}
