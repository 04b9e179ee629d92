/**
 * Texts whose entities are known, made of example utterances with slots: nobody has to mark spans by hand before a first model of
 * entities can be trained. Values are drawn in many forms, so that the place of a value is learnt and not the value.
 *
 *   "where is {order}, I paid {amount}"  ->  "where is SO-48213, I paid 34.99 euros"   order 9-17, amount 26-37
 */
import { createUniform } from '../random.js';
import type { Span } from '../metrics/spans.js';
import type { Language } from '../text/language.js';
import { tokenise } from '../text/tokenise.js';
import type { EntityExample } from './entities-train.js';
import type { EntityKind } from '../../schemas/support-words.js';
import type { SlotName } from './slots.js';

export interface EntityTemplate {
  /** with slots in braces */
  text: string;
  language: Language;
}

const kindOf: Readonly<Record<SlotName, EntityKind>> = {
  order: 'order', product: 'product', amount: 'amount', order_amount: 'amount', refund_amount: 'amount', date: 'date', refund_date: 'date', tracking: 'tracking',
};

/** What is said about a value whatever the matter is; the shop's own examples bring the matters. */
export const frames: readonly EntityTemplate[] = [
  ...['order {order}', 'my order number is {order}', 'Order: {order}', 'it is about {order}', 'order #{order} please', 'no. {order}', 'the {product} from {order}', 'I bought a {product} on {date}',
    'the {product} is broken', 'my {product} has not arrived', 'is the {product} in stock', 'I want a new {product}', 'ordered the {product} for {amount}', 'it cost {amount}', 'you charged me {amount} twice', 'I paid {amount} on {date}',
    'tracking number {tracking}', 'tracking {tracking} has not moved since {date}', 'parcel {tracking} is lost', 'the code is {tracking}', 'where is {tracking}', 'since {date}', 'it was promised for {date}', 'I wrote to you on {date}',
    'the size of the {product} is wrong', 'give me back my {amount}', 'order {order} from {date} for {amount}', 'call me at 5 pm', 'I have 2 children', 'thank you', 'the second time in 3 weeks', 'it is 20 cm too long', 'please answer',
  ].map((text): EntityTemplate => ({ text, language: 'en' })),
  ...['订单{order}', '订单号是{order}', '我的订单号：{order}', '单号{order}的{product}', '{product}坏了', '我买的{product}还没到', '{product}有货吗', '{date}买的{product}', '花了{amount}买的{product}', '付了{amount}', '多扣了{amount}', '{date}付的款',
    '快递单号{tracking}', '运单{tracking}从{date}就没动过', '包裹{tracking}丢了', '物流{tracking}到哪了', '说好{date}到的', '{date}就联系过你们', '{product}尺码不对', '退我{amount}', '{order}是{date}下的单，一共{amount}', '第3次了', '家里有2个孩子', '谢谢', '等了5天', '长了20厘米', '麻烦快点',
  ].map((text): EntityTemplate => ({ text, language: 'zh' })),
];

type Draw = <T>(list: readonly T[]) => T;

const nouns = {
  en: ['kettle', 'backpack', 'shoes', 'lamp', 'phone', 'headphones', 'blanket', 'coffee machine', 'dress', 'frying pan', 'tent', 'jacket', 'chair', 'desk', 'mouse', 'keyboard', 'tablet', 'bike', 'helmet', 'pillow', 'towel', 'watch', 'camera', 'toaster', 'blender', 'vacuum cleaner', 'rug', 'mirror', 'jeans', 'sweater', 'boots', 'doll', 'puzzle', 'novel', 'charger', 'cable', 'speaker', 'monitor', 'sofa', 'bottle'],
  zh: ['电热水壶', '双肩包', '跑鞋', '台灯', '手机', '耳机', '毛毯', '洗衣机', '连衣裙', '平底锅', '奶粉', '帐篷', '外套', '椅子', '书桌', '鼠标', '键盘', '平板', '自行车', '头盔', '枕头', '毛巾', '手表', '相机', '面包机', '榨汁机', '吸尘器', '地毯', '镜子', '牛仔裤', '毛衣', '靴子', '娃娃', '拼图', '充电器', '数据线', '音箱', '显示器', '沙发', '水杯'],
};
const adjectives = {
  en: ['blue', 'red', 'black', 'white', 'green', 'small', 'large', 'electric', 'wooden', 'cotton', 'leather', 'running', 'garden', 'kids', 'wireless', 'steel'],
  zh: ['蓝色', '红色', '黑色', '白色', '小号', '大号', '木制', '纯棉', '真皮', '无线', '儿童', '不锈钢'],
};
const months = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'];
const weekdays = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];

function drawer(uniform: () => number): { pick: Draw; digits: (n: number) => string; whole: (low: number, high: number) => number } {
  const whole = (low: number, high: number): number => low + Math.floor(uniform() * (high - low + 1));
  return {
    whole,
    pick: (list) => list[whole(0, list.length - 1)],
    digits: (n) => Array.from({ length: n }, (_, i) => whole(i === 0 ? 1 : 0, 9)).join(''),
  };
}

/** A word that nobody has seen: no list knows what a shop sells. */
function coined(language: Language, pick: Draw, whole: (low: number, high: number) => number): string {
  const of = (n: number, part: () => string): string => Array.from({ length: n }, part).join('');
  if (language === 'zh') return of(whole(2, 4), () => pick([...pick(nouns.zh)]));
  return of(whole(2, 3), () => `${pick([...'bcdfghklmnprstvw'])}${pick([...'aeiou'])}${pick(['', '', 'n', 'r', 's'])}`);
}

function valueOf(kind: EntityKind, language: Language, { pick, digits, whole }: ReturnType<typeof drawer>): string {
  const capitals = (n: number): string => Array.from({ length: n }, () => pick([...'ABCDEFGHKMNPRSTXYZ'])).join('');
  const cents = `${whole(1, 900)}${pick(['', '', `.${digits(2)}`])}`;
  const [day, month] = [whole(1, 28), whole(1, 12)];
  switch (kind) {
    case 'order':
      return pick([() => digits(whole(5, 16)), () => `${capitals(whole(1, 3))}-${digits(whole(4, 8))}`, () => `${pick(['ORD', 'SO', 'PO', 'o', 'A'])}${digits(whole(4, 9))}`, () => `${digits(3)}-${digits(7)}-${digits(7)}`])();
    case 'tracking':
      return pick([() => `${pick(['SF', 'YT', 'JD', 'DP', 'ZT', 'RR', 'TN'])}${digits(whole(9, 14))}`, () => `1Z${digits(3)}${capitals(2)}${digits(10)}`, () => `${capitals(2)}${digits(9)}${pick(['DE', 'CN', 'GB'])}`, () => digits(whole(12, 20))])();
    case 'amount':
      return language === 'zh'
        ? pick([`${cents}元`, `${cents}块`, `¥${cents}`, `${whole(10, 900)}块钱`])
        : pick([`$${cents}`, `€${cents}`, `£${cents}`, `EUR ${cents}`, `${cents} euros`, `${cents} dollars`, `${cents} EUR`, `USD ${cents}`]);
    case 'date':
      return language === 'zh'
        ? pick([`${month}月${day}日`, `${month}月${day}号`, '昨天', '前天', `上周${pick([...'一二三四五六日'])}`, `2026-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`, '上个月'])
        : pick([`${day} ${pick(months)}`, `${pick(months)} ${day}`, `${pick(months)} ${day}th`, 'yesterday', `last ${pick(weekdays)}`, pick(weekdays), `2026-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`, `${day}/${month}/2026`, 'last week']);
    case 'product': {
      const kind = pick([pick(nouns[language]), coined(language, pick, whole)]);
      const qualities = Array.from({ length: pick([0, 0, 1, 1, 2, 3]) }, () => pick([pick(adjectives[language]), coined(language, pick, whole)]));
      return [...qualities, kind].join(language === 'zh' ? '' : ' ');
    }
  }
}

/**
 * @param templates  those of the shop; the frames come on top
 * @param each  fillings of each template and frame
 * @returns in the order of the templates; the same seed gives the same
 */
export function entityExamples(templates: readonly EntityTemplate[], each: number, seed: number): EntityExample[] {
  const uniform = createUniform(seed);
  const draw = drawer(uniform);
  const all = [...templates, ...frames];
  const others = { en: all.filter(({ language }) => language === 'en'), zh: all.filter(({ language }) => language === 'zh') };
  return all.flatMap((template) => Array.from({ length: each }, () => {
    const { language } = template;
    // Half of them are followed by something else: a ticket has more than one sentence.
    const second = uniform() < 0.5 ? `${language === 'zh' ? draw.pick(['，', '。', ' ']) : draw.pick(['. ', ', ', ' ', '! '])}${draw.pick(others[language]).text}` : '';
    const end = draw.pick(language === 'zh' ? ['', '', '。', '！', '？'] : ['', '', '.', '!', '?']);
    return filled(cased(`${template.text}${second}`.replace(/[.。!！?？]$/, '') + end, uniform()), language, (slot) => valueOf(kindOf[slot], language, draw));
  }));
}

/** As people write: some without capitals. */
const cased = (text: string, u: number): string => (u < 0.4 ? text.toLowerCase() : text);

/** @param value  of a slot, each time it stands there  @returns the text with its spans */
export function filled(template: string, language: Language, value: (slot: SlotName) => string): EntityExample {
  let [text, at] = ['', 0];
  const entities: Span[] = [];
  for (const found of template.matchAll(/\{([a-z_]+)\}/g)) {
    text += template.slice(at, found.index);
    at = found.index + found[0].length;
    const slot = found[1] as SlotName;
    if (!Object.hasOwn(kindOf, slot)) throw new RangeError(`entities: the template ${JSON.stringify(template)} has the slot {${slot}}; there are ${Object.keys(kindOf).join(', ')}`);
    const start = text.length;
    text += value(slot);
    entities.push({ kind: kindOf[slot], start, end: text.length });
  }
  text += template.slice(at);
  return { text, tokens: tokenise(text, language), entities };
}
