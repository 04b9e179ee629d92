/** Tickets from templates, with the truth about each: intent, entities, and the personal data that some of them hold. */
import type { Ticket } from '../schemas/events.js';
import type { Product } from './catalogue.js';
import type { Shopper } from './customers.js';
import type { Random } from './random.js';
import { intents, textsOf, type Intent } from './ticket-texts.js';
import type { TicketTruth } from './truth.js';

export type { Intent } from './ticket-texts.js';

/** What a ticket is about; without an order it is a question before the purchase. */
export interface Matter {
  shopper: Shopper;
  product: Product;
  amountMinor: number;
  order?: string;
}

export interface WrittenTicket {
  event: Ticket;
  truth: TicketTruth;
  answer: string;
}

const personalShare = 0.2;
const byAbout = {
  order: intents.filter((intent) => textsOf[intent].about === 'order'),
  item: intents.filter((intent) => textsOf[intent].about === 'item'),
};

export const drawIntent = (random: Random, about: 'order' | 'item'): Intent => random.pick(byAbout[about]);

export function writeTicket(random: Random, matter: Matter, intent: Intent, id: { event: string; ticket: string; atMs: number }): WrittenTicket {
  const { shopper, order } = matter;
  const { language } = shopper;
  const template = random.pick(textsOf[intent][language]);
  const slots = slotsOf(random, matter);
  const personal = random.chance(personalShare) ? personalData(random, language) : { sentence: '', values: [] };
  const entities = (['order', 'product', 'amount', 'tracking'] as const).filter((kind) => template.includes(`{${kind}}`)).map((kind) => ({ kind, value: slots[kind] }));
  return {
    event: {
      v: 1,
      type: 'ticket',
      id: id.event,
      customer: shopper.customer,
      atMs: id.atMs,
      ticket: id.ticket,
      text: fill(template, slots) + personal.sentence,
      language,
      ...(order === undefined ? { item: matter.product.item } : { order }),
    },
    truth: { ticket: id.ticket, intent, language, entities, personal: personal.values },
    answer: fill(textsOf[intent].answer[language], slots),
  };
}

function slotsOf(random: Random, { shopper, product, amountMinor, order }: Matter): Record<'order' | 'product' | 'amount' | 'tracking', string> {
  const major = (amountMinor / 100).toFixed(2);
  return {
    order: order ?? '',
    product: shopper.language === 'zh' ? product.chinese : product.english,
    amount: shopper.language === 'zh' ? `${major}元` : `EUR ${major}`,
    tracking: `${shopper.country === 'CN' ? 'SF' : 'DP'}${digits(random, 12)}`,
  };
}

const fill = (template: string, slots: Record<string, string>): string =>
  template.replace(/\{(\w+)\}/g, (_, slot: string) => slots[slot]);

/** Fake by construction: example domains, numbers reserved for drama, the card industry's test numbers. */
function personalData(random: Random, language: 'en' | 'zh'): { sentence: string; values: string[] } {
  const email = `shopper${digits(random, 4)}@example.com`;
  const phone = language === 'zh' ? `1380013${digits(random, 4)}` : `+44 7700 900${digits(random, 3)}`;
  const card = random.pick(['4111 1111 1111 1111', '5500 0000 0000 0004', '4012 8888 8888 1881']);
  switch (random.below(3)) {
    case 0:
      return { sentence: language === 'zh' ? `我的电话是${phone}。` : ` Call me at ${phone}.`, values: [phone] };
    case 1:
      return { sentence: language === 'zh' ? `邮箱${email}，卡号${card}。` : ` My e-mail is ${email}, I paid with ${card}.`, values: [email, card] };
    default:
      return { sentence: language === 'zh' ? `请回复到${email}。` : ` Please answer to ${email}.`, values: [email] };
  }
}

export function digits(random: Random, count: number): string {
  let text = '';
  while (text.length < count) text += random.below(10);
  return text;
}
