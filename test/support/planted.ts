/**
 * Tickets with personal data planted in them, for tests that look for it where it must not be: made from a seed, of made-up people.
 *
 * `secrets` are what must not be found in `squeezed(...)` of anything that is stored, logged or answered.
 */
import { createUniform } from '../../models/random.js';
import type { PersonalKind } from '../../models/text/mask.js';
import type { Language } from '../../models/text/language.js';
import { normalise } from '../../models/text/normalise.js';

export interface Planted {
  text: string;
  language: Language;
  kind: PersonalKind;
  secrets: string[];
}

/** Letters and digits alone, lower-case: what a value is however it was written or cut by line breaks. */
export function squeezed(text: string): string {
  return normalise(text).toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');
}

export function leaks({ secrets }: Planted, output: string): string[] {
  const found = squeezed(output);
  return secrets.filter((secret) => found.includes(squeezed(secret)));
}

interface Value {
  /** as it is usually written; more than one way */
  written: string[];
  secrets: string[];
}

type Uniform = () => number;

/** @returns at least 200 examples, Chinese and English, all kinds; the same for the same seed */
export function plant(seed = 1): Planted[] {
  const uniform = createUniform(seed);
  const planted: Planted[] = [];
  for (const language of ['en', 'zh'] as const) {
    for (const [kind, makers] of Object.entries(values(language)) as [PersonalKind, ((uniform: Uniform) => Value)[]][]) {
      for (const maker of makers) {
        const { written, secrets } = maker(uniform);
        for (const form of written) {
          const frame = pick(uniform, frames[language][kind]);
          planted.push({ language, kind, secrets, text: frame.replace('%', () => form) });
          const hidden = disguise(uniform, kind, form);
          if (hidden !== form) planted.push({ language, kind, secrets, text: pick(uniform, frames[language][kind]).replace('%', () => hidden) });
        }
      }
    }
  }
  return planted;
}

const pick = <T>(uniform: Uniform, from: readonly T[]): T => from[Math.floor(uniform() * from.length)];
const digits = (uniform: Uniform, count: number): string => Array.from({ length: count }, () => Math.floor(uniform() * 10)).join('');

/** Full-width, cut by a line break, or with characters between that nobody sees. */
function disguise(uniform: Uniform, kind: PersonalKind, form: string): string {
  const fullWidth = (text: string): string => text.replace(/[!-~]/g, (character) => String.fromCharCode(character.charCodeAt(0) + 0xfee0));
  const invisible = (text: string): string => text.replace(/(?<=[\da-z])(?=[\da-z])/gi, () => pick(uniform, ['\u200b', '\u200d', '\u2060', '\ufeff', '\u00ad']));
  if (kind === 'address') return uniform() < 0.5 ? fullWidth(form).replaceAll('　', ' ') : invisible(form);
  if (kind === 'email') return pick(uniform, [fullWidth, invisible, (text: string) => text.replace('@', '@\n'), (text: string) => text.replace('@', '\n@')])(form);
  const broken = (text: string): string => (/^[\d+]/.test(text) ? `${text.slice(0, Math.ceil(text.length / 2))}\n${text.slice(Math.ceil(text.length / 2))}` : text);
  return pick(uniform, [fullWidth, invisible, broken])(form);
}

/** % is the value. */
const frames: Record<Language, Record<PersonalKind, string[]>> = {
  en: {
    email: ['Please send the invoice to % today.', 'my account is under %, order SO-88231', '%', 'Reach me at %!', "I can't log in (%)"],
    phone: ['Call me on % after five', 'My phone number is %. Where is order 732201349959?', 'the courier has the wrong number, it should be %, thanks', 'tel: %', 'text % please'],
    card: ['I paid with card % on 2026-03-04 and was charged twice', 'My visa is %, please refund $129.99', 'Refund it to %', 'card number: % exp 04/28'],
    national_id: ['They asked for my ID, it is %', 'ssn % for the customs form', 'My national id: %. Order 00123842'],
    address: ['Please deliver to % instead', 'I moved. My new address is %, order SO-5512', 'Ship it to %.', 'It should have gone to %!'],
  },
  zh: {
    email: ['发票请发到%，谢谢', '我的邮箱是%', '%', '登录不了，账号%', '邮箱%收不到验证码，订单号12345678901'],
    phone: ['请打我电话%', '手机号%，什么时候发货？', '快递一直没联系我，%', '联系方式：%，订单号 732201349959', '收件人张伟 %'],
    card: ['请退款到银行卡%', '我的卡号是%，扣了两次款129.90元', '用%付的款，还没退', '信用卡%被多扣了'],
    national_id: ['身份证号%，清关用', '我的身份证是%', '实名认证失败，%', '证件号码：%，订单号12345678901'],
    address: ['收货地址改成%', '请寄到%，谢谢', '地址：%，订单号12345678901', '我家住在%，怎么还没送到', '送到%就行'],
  },
};

function values(language: Language): Record<PersonalKind, ((uniform: Uniform) => Value)[]> {
  return {
    email: [...Array<typeof email>(4).fill(email), ...(language === 'en' ? [(u: Uniform): Value => { const { secrets, written } = email(u); return { secrets: [secrets[1]], written: [written[0].replace('@', ' (at) ').replaceAll('.', ' (dot) ')] }; }] : [chineseEmail])],
    phone: language === 'en' ? [american, american, british, british, international] : [chineseMobile, chineseMobile, chineseMobile, landline, spelled],
    card: [card('4', 16), card('5', 16), card('34', 15), card('62', 19), card('62', 16), card('6011', 16)],
    national_id: language === 'en' ? [ssn, ssn, nino, nino] : [chineseId, chineseId, chineseId, chineseId, hongKongId, taiwanId],
    address: language === 'en' ? [street, street, street, street, street, box] : [road, road, estate, estate, village],
  };
}

const firstNames = ['ann', 'john', 'wei.zhang', 'maria_lopez', 'li-na', 'o.brien', 'tom+shop'];
function email(uniform: Uniform): Value {
  const local = `${pick(uniform, firstNames)}${digits(uniform, 3)}`;
  const domain = pick(uniform, ['example.com', 'mail.example.co.uk', 'qq.com', '163.com', 'shop-mail.org']);
  return { written: [`${local}@${domain}`, `${local.toUpperCase()}@${domain}`], secrets: [`${local}@${domain}`, local] };
}
function chineseEmail(uniform: Uniform): Value {
  const number = `${1 + Math.floor(uniform() * 9)}${digits(uniform, 8)}`;
  return { written: [`${number}@qq.com`, `${number}@qq`], secrets: [number] };
}

function american(uniform: Uniform): Value {
  const [area, exchange, line] = [pick(uniform, ['202', '415', '646', '312']), `5${digits(uniform, 2)}`, digits(uniform, 4)];
  const forms = [`(${area}) ${exchange}-${line}`, `${area}-${exchange}-${line}`, `${area}.${exchange}.${line}`, `+1 ${area} ${exchange} ${line}`, `1-${area}-${exchange}-${line}`];
  return { written: forms, secrets: [`${area}${exchange}${line}`, `${exchange}${line}`] };
}
function british(uniform: Uniform): Value {
  const [mobile, city] = [`7700 900${digits(uniform, 3)}`, `20 7946 0${digits(uniform, 3)}`];
  const number = pick(uniform, [mobile, city]);
  return { written: [`0${number}`, `+44 ${number}`, `+44 (0)${number}`], secrets: [number] };
}
function international(uniform: Uniform): Value {
  const number = `15${digits(uniform, 1)} ${1 + Math.floor(uniform() * 8)}${digits(uniform, 6)}`;
  return { written: [`+49 ${number}`], secrets: [number] };
}
function chineseMobile(uniform: Uniform): Value {
  const number = `1${pick(uniform, ['38', '39', '50', '86', '77', '99'])}${digits(uniform, 8)}`;
  const grouped = (sign: string): string => [number.slice(0, 3), number.slice(3, 7), number.slice(7)].join(sign);
  return { written: [number, grouped(' '), grouped('-'), `+86 ${number}`, `86-${number}`], secrets: [number] };
}
function landline(uniform: Uniform): Value {
  const [area, number] = [pick(uniform, ['010', '021', '0571']), `8${digits(uniform, 7)}`];
  return { written: [`${area}-${number}`, `(${area})${number}`], secrets: [number] };
}
function spelled(uniform: Uniform): Value {
  const number = `138${digits(uniform, 8)}`;
  const said = Array.from(number, (digit) => '零幺二三四五六七八九'[Number(digit)]).join('');
  return { written: [said], secrets: [said] };
}

function luhnDigit(payload: string): string {
  let sum = 0;
  Array.from(payload).reverse().forEach((character, i) => {
    const value = Number(character) * (i % 2 === 0 ? 2 : 1);
    sum += value > 9 ? value - 9 : value;
  });
  return String((10 - (sum % 10)) % 10);
}
const card = (prefix: string, length: number) => (uniform: Uniform): Value => {
  const payload = prefix + (prefix === '5' ? '1' : '') + digits(uniform, length - 1 - prefix.length - (prefix === '5' ? 1 : 0));
  const number = payload + luhnDigit(payload);
  const cut = length === 15 ? [4, 10, 15] : [4, 8, 12, 16, 19];
  const grouped = (sign: string): string => cut.map((end, i) => number.slice(i === 0 ? 0 : cut[i - 1], end)).filter((part) => part !== '').join(sign);
  return { written: [number, grouped(' '), grouped('-')], secrets: [number, number.slice(0, 12)] };
};

function chineseId(uniform: Uniform): Value {
  const two = (max: number): string => String(1 + Math.floor(uniform() * max)).padStart(2, '0');
  const body = `${pick(uniform, ['110101', '330106', '440305', '510104'])}19${50 + Math.floor(uniform() * 50)}${two(12)}${two(28)}${digits(uniform, 3)}`;
  const sum = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2].reduce((total, weight, i) => total + weight * Number(body[i]), 0);
  const number = body + '10X98765432'[sum % 11];
  return { written: [number, number.toLowerCase(), `${number.slice(0, 6)} ${number.slice(6, 14)} ${number.slice(14)}`], secrets: [number, body] };
}
function hongKongId(uniform: Uniform): Value {
  const body = `B${digits(uniform, 6)}`;
  const sum = 36 * 9 + 11 * 8 + Array.from(body.slice(1)).reduce((total, digit, i) => total + Number(digit) * (7 - i), 0);
  const check = (11 - (sum % 11)) % 11;
  return { written: [`${body}(${check === 10 ? 'A' : check})`], secrets: [body] };
}
function taiwanId(uniform: Uniform): Value {
  const body = `1${digits(uniform, 7)}`;
  const sum = 1 + Array.from(body).reduce((total, digit, i) => total + Number(digit) * (8 - i), 0); // B is 11: 1 + 9 * 1, written as 10
  const number = `B${body}${(10 - ((sum + 9) % 10)) % 10}`;
  return { written: [number], secrets: [number.slice(1)] };
}
function ssn(uniform: Uniform): Value {
  const [area, group, serial] = [String(100 + Math.floor(uniform() * 500)), String(10 + Math.floor(uniform() * 89)), String(1000 + Math.floor(uniform() * 8999))];
  return { written: [`${area}-${group}-${serial}`, `${area} ${group} ${serial}`], secrets: [`${area}${group}${serial}`] };
}
function nino(uniform: Uniform): Value {
  const [prefix, number, suffix] = [pick(uniform, ['AB', 'CE', 'JR', 'SW']), digits(uniform, 6), pick(uniform, ['A', 'B', 'C', 'D'])];
  return { written: [`${prefix}${number}${suffix}`, `${prefix} ${number.slice(0, 2)} ${number.slice(2, 4)} ${number.slice(4)} ${suffix}`], secrets: [`${prefix}${number}`] };
}

function street(uniform: Uniform): Value {
  const number = String(1 + Math.floor(uniform() * 9998));
  const name = `${number} ${pick(uniform, ['Evergreen', 'Oak', 'St James', 'Martin Luther King', 'Queen Anne', 'Elm'])} ${pick(uniform, ['Street', 'Road', 'Avenue', 'Ave', 'Lane', 'Terrace', 'Blvd', 'Drive', 'St'])}`;
  const rest = pick(uniform, [', Apt 4B, Springfield, IL 62704', ', London SW1A 1AA', ' Apt 12, Austin, TX 78701', ', Leeds LS1 4DY', ' #5, Portland, OR 97201']);
  return { written: [`${name}${rest}`, `${name.toLowerCase()}${rest}`, name], secrets: [name] };
}
function box(uniform: Uniform): Value {
  const number = digits(uniform, 4);
  return { written: [`PO Box ${number}`, `P.O. Box ${number}, Denver, CO 80202`], secrets: [`box${number}`] };
}
function road(uniform: Uniform): Value {
  const place = pick(uniform, ['浙江省杭州市西湖区', '北京市朝阳区', '广东省深圳市南山区', '上海市浦东新区', '成都市武侯区']);
  const [number, building] = [1 + Math.floor(uniform() * 900), 1 + Math.floor(uniform() * 30)];
  const name = `${pick(uniform, ['文三', '建国', '科技园', '世纪', '人民南'])}${pick(uniform, ['路', '街', '大道'])}${number}号`;
  return { written: [`${place}${name}`, `${place}${name}${building}幢${building}01室`, name], secrets: [name] };
}
function estate(uniform: Uniform): Value {
  const name = `${pick(uniform, ['阳光', '翠湖', '金色家园', '绿地'])}${pick(uniform, ['小区', '花园', '公寓'])}`;
  const unit = `${1 + Math.floor(uniform() * 20)}${pick(uniform, ['栋', '号楼', '幢'])}${1 + Math.floor(uniform() * 4)}单元${100 + Math.floor(uniform() * 900)}`;
  return { written: [`${name}${unit}`, `南京市鼓楼区${name}${unit}室`], secrets: [unit, `${name}${unit}`] };
}
function village(uniform: Uniform): Value {
  const name = `${pick(uniform, ['青龙', '白马', '石桥'])}村${1 + Math.floor(uniform() * 12)}组`;
  return { written: [`四川省仁寿县文林镇${name}`], secrets: [name, `文林镇${name.slice(0, 3)}`] };
}
