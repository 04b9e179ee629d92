/** What the simulator planted, for tests and benchmarks to compare the models with. Plain JSON. */
import type { EntityKind } from '../schemas/support-words.js';
import type { Intent } from './tickets.js';

export interface TicketTruth {
  ticket: string;
  intent: Intent;
  language: 'en' | 'zh';
  /** values that stand in the text, by kind: order, product, amount, tracking */
  entities: { kind: EntityKind; value: string }[];
  /** personal data (fake) that stands in the text and must reach no table, log or reply */
  personal: string[];
}

export interface Truth {
  /** the items of each group; the ones of a group are neighbours */
  groups: string[][];
  tastes: { customer: string; favourite: number; second: number }[];
  ring: { customers: string[]; device: string; address: string; orders: string[]; refunds: string[] };
  /** orders paid with a stolen card; like the ring's, they end as chargebacks */
  stolenOrders: string[];
  tickets: TicketTruth[];
  forgotten: string[];
  /** ids of events that came twice */
  duplicates: string[];
}

/** The truth about one event. */
export type Planted =
  | { kind: 'ring_order'; order: string }
  | { kind: 'ring_refund'; id: string }
  | { kind: 'stolen_order'; order: string }
  | { kind: 'ticket'; truth: TicketTruth }
  | { kind: 'forget'; customer: string };

export function writeDown(truth: Truth, planted: Planted): void {
  switch (planted.kind) {
    case 'ring_order':
      truth.ring.orders.push(planted.order);
      return;
    case 'ring_refund':
      truth.ring.refunds.push(planted.id);
      return;
    case 'stolen_order':
      truth.stolenOrders.push(planted.order);
      return;
    case 'ticket':
      truth.tickets.push(planted.truth);
      return;
    case 'forget':
      truth.forgotten.push(planted.customer);
      return;
  }
}
