import type { Click, Purchase } from '../../schemas/events.js';

export const click = (id: string, customer = 'c1', more: Partial<Click> = {}): Click =>
  ({ v: 1, type: 'click', id, customer, atMs: 1_700_000_000_000, action: 'view', item: 'kettle', ...more });

export const purchase = (id: string, customer = 'c1', more: Partial<Purchase> = {}): Purchase => ({
  v: 1, type: 'purchase', id, customer, atMs: 1_700_000_000_000, order: `o-${id}`, amountMinor: 1999, currency: 'EUR',
  lines: [{ item: 'kettle', quantity: 1, unitMinor: 1999 }], ...more,
});

export const bytes = (...events: object[]): Uint8Array => Buffer.from(events.map((event) => JSON.stringify(event)).join('\n'));
