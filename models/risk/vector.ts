/**
 * The features of a purchase or a refund, by name. A model stores the names it was trained with, so the order may change
 * between versions, but what a name means may not: a changed meaning gets a new name.
 *
 * Amounts and times are the logarithm of 1 + the value (minor units, seconds), as both range over six orders of magnitude.
 */
import type { Feature } from '../linear/scaler.js';
import { windowNames } from './windows.js';

export const payments = ['card', 'wallet', 'transfer', 'invoice', 'voucher', 'cash', 'other'] as const;

/** Scaled by their range where they are bounded by nature, by z-score otherwise. */
const plain = {
  is_refund: 'range',
  amount_log: 'z',
  lines: 'z',
  quantity: 'z', // units of all lines
  coupon_used: 'range',
  country_differs: 'range', // shipping against billing
  hour_sin: 'range', // of the day in UTC: events do not tell the local one
  hour_cos: 'range',
  is_night: 'range', // 0 to 6 o'clock, UTC
  amount_z: 'z', // of ln(1 + amount), against the customer's own purchases; from the third on
  amount_over_mean: 'z', // against the mean of the customer's own purchases
  amount_over_max: 'z',
  price_over_usual: 'z', // mean over the lines of ln(1 + unit price) - the item's mean of it
  price_over_usual_max: 'z',
  price_known_share: 'range', // share of lines whose item was bought before
  since_first_log: 'z', // since the customer was first seen by any event, the nearest to a sign-up that events tell
  since_order_log: 'z',
  since_refund_log: 'z',
  since_ticket_log: 'z',
  since_click_log: 'z',
  since_bad_verdict_log: 'z', // since the event time of the last label chargeback or abuse
  orders: 'z', // purchases ever
  refund_rate: 'z', // refunds ever / purchases ever
  refunded_share: 'z', // money refunded / money paid, ever
  ticket_complaint: 'range', // the last ticket of 30 days was a complaint; missing while its intent is unknown
  device_is_new: 'range', // to the customer, within 30 days
  card_is_new: 'range',
  address_is_new: 'range',
  device_since_log: 'z', // since the device was last used by anybody, to 10 s
  device_purchases_ever: 'z', // by anybody
  card_since_log: 'z',
  card_purchases_ever: 'z',
  address_since_log: 'z',
  address_purchases_ever: 'z',
  order_age_log: 'z', // of the order that is refunded, to 10 s
  order_refunded_before: 'z', // share of it that came back before
  order_refunded_with: 'z', // and with this refund
} as const satisfies Record<string, Feature['scale']>;

/** Of each, one feature a window. */
const windowed = {
  customer: ['purchases', 'amount_log', 'refunds', 'refunded_log', 'cards', 'devices', 'addresses'],
  device: ['purchases', 'amount_log', 'refunds', 'refunded_log', 'customers'],
  card: ['purchases', 'amount_log', 'customers'],
  address: ['purchases', 'amount_log', 'customers'],
} as const;

export type PlainFeature = keyof typeof plain;
export type Entity = keyof typeof windowed;

const plainNames = Object.keys(plain) as PlainFeature[];
const paymentNames = payments.map((payment) => `payment_${payment}`);
const windowedNames = Object.entries(windowed).flatMap(([entity, families]) =>
  families.flatMap((family) => windowNames.map((window) => `${entity}_${family}_${window}`)));

export const featureNames: readonly string[] = [...plainNames, ...paymentNames, ...windowedNames];

/** The windows of a family say nearly the same where there are few events. */
const windowShare = 1 / Math.sqrt(windowNames.length);

/** How models/linear scales each. */
export const riskFeatures: readonly Feature[] = featureNames.map((name) => ({
  name, scale: name in plain ? plain[name as PlainFeature] : name.startsWith('payment_') ? 'range' : 'z', missing: 'mean',
  ...(windowedNames.includes(name) ? { share: windowShare } : {}),
}));

/** Positions in the vector. */
export const at = Object.fromEntries(plainNames.map((name, j) => [name, j])) as Record<PlainFeature, number>;
export const paymentAt = plainNames.length;
/** Of the first window of an entity's first family; the families follow each other. */
export const windowsAt = Object.fromEntries((Object.keys(windowed) as Entity[]).map((entity) =>
  [entity, featureNames.indexOf(`${entity}_purchases_1min`)])) as Record<Entity, number>;
