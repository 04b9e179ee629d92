/**
 * What a number is said to be: the last word of these before it, or one directly after it.
 *
 *   "call me on 5551234567" -> phone     "order 5551234567" -> order     "订单13800138000" -> order     "5551234567 is my cell" -> phone
 *
 * The look back ends at another number, a tag or the end of a sentence, so that masking one value never changes what another is taken for.
 */

export type Subject = 'order' | 'phone' | 'card' | 'id';

/** "on his mobile phone number, which is: " */
const lookBack = 32;
const lookAhead = 24;
const barrier = /[>\d!?;。@]/;

const words: [Subject, string, string][] = [
  ['order', '(?:order|item|product|user|customer|transaction|tracking|invoice|account|payment|ticket)[ _-]?ids?|orders?|invoices?|bills?|tracking|track|reference|ref|tickets?|case|account|parcel|package|shipment|booking|transaction|purchase|sku|item|product|serial|model|code|zip|postcode|imei|isbn|po|awb|about', '订单|单号|运单|快递单|快递号|物流单|物流号|编号|流水|商品号|商品ID|货号|条码|型号|发票|账号|账户|款号|邮编|取件码|验证码|交易号|序列号'],
  ['phone', 'phones?|tel|telephone|mobile|cell|cellphone|call|callback|contact|reach|ring|text|sms|whatsapp|wechat|weixin|dial|fax|my number|ph|mob', '电话|手机|联系方式|致电|拨打|微信|热线|座机|打给|回电|联系我|加我'],
  ['card', 'cards?|visa|mastercard|amex|american express|discover|unionpay|credit|debit|pan|cc|maestro', '卡号|银行卡|信用卡|储蓄卡|借记卡|银联|刷卡|卡'],
  ['id', 'ssn|ss#|social security|national id|id card|id|identity|passport|nino|national insurance|tax id|itin', '身份证|证件|护照|通行证|社保号'],
];
const source = words.map(([, english, chinese]) => `(\\b(?:${english})\\b|${chinese})`).join('|');
const before = new RegExp(source, 'gi');
/** "5551234567 is my phone", "13800138000是我的手机号" */
const phoneAfter = /^ ?(?:(?:is|was|are|as|-|\() ?)?(?:(?:my|our|the|his|her) )?(?:new |old )?(?:phone|cell|mobile|telephone|tel\b|number\b|whatsapp)|^[ ,]?(?:[是为][我他她]?的?|[我他她]的)(?:手机|电话|微信)/i;
const amountAfter = /^ ?(?:元|块|円|圆|usd|rmb|cny|eur|gbp|dollars?|euros?|pounds?|%|kg|ml|cm|mm)/i;

/** @param start  where the number begins */
export function subjectBefore(text: string, start: number): Subject | undefined {
  let from = start;
  while (from > 0 && start - from < lookBack && !barrier.test(text[from - 1])) from -= 1;
  const context = text.slice(from, start);
  let subject: Subject | undefined;
  for (const found of context.matchAll(before)) subject = words[found.slice(1).findIndex((group) => group !== undefined)][0];
  if (subject === undefined && context.endsWith('#')) return 'order';
  return subject;
}

export function isPhoneAfter(text: string, end: number): boolean {
  return phoneAfter.test(text.slice(end, end + lookAhead));
}

/** "$1299", "1299元" */
export function isAmount(text: string, start: number, end: number): boolean {
  return /[$€£¥₩₹] ?$/.test(text.slice(Math.max(0, start - 2), start)) || amountAfter.test(text.slice(end, end + lookAhead));
}
