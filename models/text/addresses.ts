/**
 * Address-like phrases: English ones that have a number and a street, and Chinese ones that go down to a house, a building or
 * a named road. A city or a district alone ("发到北京市朝阳区要几天") tells what is asked, and stays.
 *
 *   742 Evergreen Terrace, Springfield, IL 62704 | Flat 3, 12 Oak Road, London SW1A 1AA | PO Box 118 | Austin, TX 78701
 *   浙江省杭州市西湖区文三路478号3幢501室 | 阳光小区3栋2单元501 | 四川省仁寿县文林镇青龙村
 *
 * All quantifiers are bounded, so the time is linear in the text.
 */
import { subjectBefore } from './context.js';
import type { Found } from './mask.js';

export function findAddresses(text: string): Found[] {
  const spans = [...streets(text), ...places(text), ...chinese(text)];
  return spans.map(([start, end]) => ({ kind: 'address', start, end }));
}

type Span = [start: number, end: number];

// English

/** Street words that are hardly anything else. */
const strong = 'street|avenue|ave|road|rd|boulevard|blvd|lane|terrace|crescent|highway|hwy|parkway|pkwy|turnpike|str';
/** Those that are other words too: "5 star place", "2 day drive". They need a capital, or what follows an address. */
const weak = 'st|drive|dr|way|court|ct|place|pl|square|sq|close|circle|cir|trail|gardens|grove|mews|row|hill|park';
const streetRe = new RegExp(
  String.raw`(?<![\p{L}\p{N}#$€£¥/.-])(?:\d{1,6}(?:-\d{1,4})?[A-Za-z]?|[Oo]ne),? ((?:[A-Za-z0-9'.\u00c0-\u024f-]{1,20} ){1,4}?)(?:(${strong})|(${weak}))(?![\p{L}\p{N}])\.?`,
  'giu',
);
/** What stands between a count and a street in a sentence, but never within an address: "3 days on the road". */
const notInStreet = /\b(?:on|my|to|in|of|and|is|it|for|from|at|i|you|we|they|this|that|was|with|by|your|days?|weeks?|months?|hours?|minutes?|miles?|times?|years?|items?|orders?|star|way|stars|per|a)\b/i;

const states = 'AL|AK|AZ|AR|CA|CO|CT|DE|FL|GA|HI|ID|IL|IN|IA|KS|KY|LA|ME|MD|MA|MI|MN|MS|MO|MT|NE|NV|NH|NJ|NM|NY|NC|ND|OH|OK|OR|PA|RI|SC|SD|TN|TX|UT|VT|VA|WA|WV|WI|WY|DC';
const zip = String.raw`\d{5}(?:-\d{4})?(?!\d)`;
const areas = 'AB|AL|B|BA|BB|BD|BH|BL|BN|BR|BS|BT|CA|CB|CF|CH|CM|CO|CR|CT|CV|CW|DA|DD|DE|DG|DH|DL|DN|DT|DY|E|EC|EH|EN|EX|FK|FY|G|GL|GU|HA|HD|HG|HP|HR|HS|HU|HX|IG|IP|IV|KA|KT|KW|KY|L|LA|LD|LE|LL|LN|LS|LU|M|ME|MK|ML|N|NE|NG|NN|NP|NR|NW|OL|OX|PA|PE|PH|PL|PO|PR|RG|RH|RM|S|SA|SE|SG|SK|SL|SM|SN|SO|SP|SR|SS|ST|SW|SY|TA|TD|TF|TN|TQ|TR|TS|TW|UB|W|WA|WC|WD|WF|WN|WR|WS|WV|YO|ZE';
const postcode = String.raw`(?:${areas})\d[A-Z\d]? \d[ABD-HJLNP-UW-Z]{2}(?![A-Za-z0-9])`;

const unit = /^,? (?:(?:apt|apartment|unit|suite|ste|floor|fl|room|rm|flat|no)\.? ?#?|#) ?[A-Za-z0-9-]{1,6}(?![A-Za-z0-9])/i;
const withCode = new RegExp(`^,? (?:[A-Za-z.'-]{2,20},? ){0,4}?(?:(?:${states})\\.?,? ${zip}|${zip}|${postcode})`, 'i');
const withCity = new RegExp(`^, (?:[A-Z][A-Za-z.'-]{1,20} ?){1,3}(?:, (?:${states})(?![A-Za-z]))?(?=[,.;!?)]|$)`);
const unitBefore = /(?:flat|apt|apartment|unit|suite|room)\.? ?#?(?:[A-Za-z0-9]{1,5},? )?$/i;
const unitBeforeMax = 24;

function* streets(text: string): Generator<Span> {
  for (const found of text.matchAll(streetRe)) {
    const [phrase, between, , isWeak] = found;
    if (notInStreet.test(between) || subjectBefore(text, found.index) === 'order') continue;
    const end = extend(text, found.index + phrase.length);
    if (isWeak !== undefined && end === found.index + phrase.length && !(/^[A-Z]/.test(isWeak) && /^[A-Z\d]/.test(between))) continue;
    const before = unitBefore.exec(text.slice(Math.max(0, found.index - unitBeforeMax), found.index));
    yield [found.index - (before?.[0].length ?? 0), end];
  }
}

/** Unit, city, state and code after a street. */
function extend(text: string, end: number): number {
  let at = end;
  for (const more of [unit, withCode, withCity]) {
    at += more.exec(text.slice(at, at + 120))?.[0].length ?? 0;
    if (more === withCode && at > end && /\d|[A-Z]{2}$/.test(text.slice(at - 2, at))) break;
  }
  return at;
}

const placeRe = new RegExp(
  String.raw`(?<![A-Za-z])P\.? ?O\.? ?Box ?#?\d{1,6}|(?<![\p{L}])(?:[A-Z][A-Za-z.'-]{1,20} ){0,2}[A-Z][A-Za-z.'-]{1,20}, ?(?:${states}),? ${zip}|(?<![A-Za-z0-9-])${postcode}`,
  'gu',
);

function* places(text: string): Generator<Span> {
  for (const found of text.matchAll(placeRe)) {
    const start = found.index;
    yield [start, /Box/.test(found[0]) ? extend(text, start + found[0].length) : start + found[0].length];
  }
  for (const found of text.matchAll(labelled)) yield [found.index + found[0].length - found[1].length, found.index + found[0].length];
}

/** "my new address is 12 Oak Meadow Leeds": a label, a number, capitals. */
const labelled = /\baddress(?: is| to|:)?:? (\d{1,5}[A-Za-z]?,?(?: [A-Z\d][A-Za-z\d.'-]{0,20},?){1,6})/g;

// Chinese

const digit = '[0-9一二三四五六七八九十百零〇]';
const count = `${digit}{1,5}(?:-${digit}{1,4})?`;
/** Building, entrance, floor, room: 3栋2单元501室. */
const within = new RegExp(`^(?:[ ,]?[A-Za-z]?${count} ?(?:号楼|号院|号|栋|幢|座|弄|单元|层|楼|室|房|户|门|区|期|#)| ?-? ?${digit}{3,5}(?:室|房|号)?(?!${digit}|[元块年月天日件个]))`);
const core = new RegExp([
  String.raw`(?:大道|大街|路|街|巷|胡同|道)(?:[东西南北中]段|[东西南北])? ?${count} ?(?:号|弄|巷)`,
  String.raw`(?:小区|花园|花苑|公寓|大厦|广场|苑|城|社区|园区|家园|新村|宿舍|庭|府|湾) ?(?:[东西南北][区苑门])?[A-Za-z]?${count} ?(?:号楼|栋|幢|座|单元|室|期|区|号|#)`,
  String.raw`${count} ?(?:号楼|栋|幢|座) ?${count} ?(?:单元|室|门)`,
  String.raw`${count} ?单元 ?${count} ?(?:室|号|房)?`,
  String.raw`${digit}{1,3} ?(?:号楼|栋|幢|座|楼) ?\d{3,4}(?:室|房|(?![0-9元块年月天日件个号]))`,
  String.raw`(?:村|屯|庄|镇|乡) ?${count} ?(?:组|队|社|号)`,
].join('|'), 'g');
/** Two levels and a road or a village, without a number. */
const chain = /(?:(?:省|自治区|市)[\p{Script=Han}]{1,7}(?:市|区|县|旗)|(?:市|区|县|旗|州)[\p{Script=Han}]{1,7}(?:镇|乡|街道|区|县))[\p{Script=Han}]{1,8}?(?:大道|大街|路|街道|街|巷|村|小区|花园|公寓|大厦|屯|庄)/gu;

const provinces = /(?:北京|天津|上海|重庆|河北|山西|辽宁|吉林|黑龙江|江苏|浙江|安徽|福建|江西|山东|河南|湖北|湖南|广东|海南|四川|贵州|云南|陕西|甘肃|青海|台湾|内蒙古|广西|西藏|宁夏|新疆|香港|澳门)/;
/** Where an address is said to begin; names of places hardly hold these. */
const stop = /(?:地址|住址|收货|收件|寄|送|发|改|换|投递|配送|搬|家)(?:是|为|到|在|成|至|:|：|,|，| )*$|[在到往去是给的我你您他她请把住了吗呢:：,，。!！?？;；]$|(?:小区|门牌)是$/;
const leftMax = 40;
const place = /[\p{Script=Han}A-Za-z0-9 ()-]/u;

function* chinese(text: string): Generator<Span> {
  if (!/\p{Script=Han}/u.test(text)) return;
  for (const expression of [core, chain]) {
    let last = 0;
    for (const found of text.matchAll(expression)) {
      if (found.index < last) continue; // within the one before
      if (/^(?:道|路|街|城|庭|府|湾)/.test(found[0]) && /[网线思知报]$/.test(text.slice(0, found.index).slice(-1))) continue;
      let end = found.index + found[0].length;
      for (let more = within.exec(text.slice(end, end + 16)); more; more = within.exec(text.slice(end, end + 16))) end += more[0].length;
      last = end;
      yield [leftOf(text, found.index), end];
    }
  }
}

/** Back to where the address begins: a province if one is near, else what cannot be a part of a name. */
function leftOf(text: string, at: number): number {
  let start = at;
  while (start > 0 && at - start < leftMax && place.test(text[start - 1]) && !stop.test(text.slice(Math.max(0, start - 6), start))) start -= 1;
  const province = provinces.exec(text.slice(start, at));
  if (province) return start + province.index;
  return start + (/^[ ()-]*/.exec(text.slice(start, at))?.[0].length ?? 0);
}
