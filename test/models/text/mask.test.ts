import fc from 'fast-check';
import { findPhoneNumbersInText } from 'libphonenumber-js/max';
import { describe, expect, it } from 'vitest';
import { hasLuhn } from '../../../models/text/cards.js';
import { mask } from '../../../models/text/mask.js';
import { isChineseId } from '../../../models/text/national-ids.js';
import { normalise, textMax } from '../../../models/text/normalise.js';
import { anyString, anyText } from '../../support/any-string.js';
import { leaks, plant, squeezed } from '../../support/planted.js';

const masked = (text: string): string => mask(normalise(text)).text;

describe('mask', () => {
  it.each([
    ['电话138-0013-8000, mail to ann@example.com', '电话<phone>, mail to <email>'],
    ['call me at +1 (202) 555-0143, card 4111 1111 1111 1111 cvv 123', 'call me at <phone>, card <card> cvv <card>'],
    ['我的手机号１３８\u200b0013\n8000，身份证11010519491231002X', '我的手机号<phone>,身份证<national_id>'],
    ['I live at 742 Evergreen Terrace, Springfield, IL 62704 please', 'I live at <address> please'],
    ['Flat 3, 12 Oak Road, London SW1A 1AA.', '<address>.'],
    ['收货地址：浙江省杭州市西湖区文三路478号3幢501室，张三', '收货地址:<address>,张三'],
    ['我家住在阳光小区3栋2单元501，麻烦改一下', '我家住在<address>,麻烦改一下'],
    ['john.\ndoe@exam\nple.com or bob (at) mail (dot) com', '<email> or <email>'],
    ['188 8555 0143, 18885550143, +86 18885550143', '<phone>, <phone>, <phone>'],
    ['幺三八零零幺三八零零零', '<phone>'],
    ['5551234567 is my phone', '<phone> is my phone'],
    ['SSN 123-45-6789, HKID A123456(3), A123456789, QQ 12 34 56 C, passport E12345678', 'SSN <national_id>, HKID <national_id>, <national_id>, <national_id>, passport <national_id>'],
    ['pay\u200bments@example.com 或 zhang艾特qq点com', '<email> 或 <email>'],
    ['身份证 310104 1985 0716 2459, 望京西园三区312楼1501', '身份证 <national_id>, <address>'],
  ])('%j', (text, expected) => {
    expect(masked(text)).toBe(expected);
  });

  it.each([
    'order 13800138000, 订单号13800138000, 运单号:13912345678, tracking 1Z999AA10123456784',
    'cancel purchase 113542617735902 and invoice 00004587345, SO-2025550143, #5551234567',
    'on 2026-05-01 10:30:45, 01/05/2026, 2026.05.01, for $1,299.00, 1299.00元 or 12345678901元',
    'SF1234567890123, JD0012345678901, YT8812345678901, [订单x] [数字x]-[数字x]天, USERID_10480447',
    'I waited 3 days on the road, 2 orders on my way, a 5 star place, 24 hour drive, 1 st class',
    '发到北京市朝阳区要几天? 我在路上等了2小时, 2号楼有电梯吗, 3楼2000元, 网络3号线, 上海到杭州',
    'version 1.2.3 of 192.168.1.100, 3 @ 5 each, size 12 1/2, 1080p, A4 paper, iPhone 15 Pro Max 256GB',
    'hotline 400-830-8300, 1-888-555-0143 or 0800 1234567, call +1 800 555 0143',
    'https://item.example/3046613849302.html and {{Order Number}} <email> is @home',
  ])('leaves what is not personal: %j', (text) => {
    expect(masked(text)).toBe(normalise(text));
  });

  it('knows the check digits', () => {
    expect(['4111111111111111', '378282246310005', '5555555555554444'].map(hasLuhn)).toEqual([true, true, true]);
    expect([hasLuhn('4111111111111112'), hasLuhn('0000000000000000')]).toEqual([false, false]);
    expect([isChineseId('11010519491231002X'), isChineseId('110105194912310021'), isChineseId('110105194913310027')]).toEqual([true, false, false]);
  });

  it('hides every planted value, in any form, and says where and what it was', () => {
    const planted = plant();
    expect(planted.length).toBeGreaterThanOrEqual(200);
    const missed: string[] = [];
    for (const example of planted) {
      const text = normalise(example.text);
      const out = mask(text);
      expect(leaks(example, text), text).not.toEqual([]); // the test itself would see it
      if (leaks(example, out.text).length > 0) missed.push(`${example.kind} ${JSON.stringify(example.text)} -> ${out.text}`);
      else if (!out.found.some(({ kind }) => kind === example.kind)) missed.push(`not as ${example.kind}: ${out.text}`);
    }
    console.log(`${planted.length} planted values, ${missed.length} missed`);
    expect(missed).toEqual([]);
  });

  it('hides what other seeds plant, which no rule was made to fit', () => {
    const planted = [201, 202, 203, 204, 205].flatMap(plant);
    const missed = planted.filter((example) => leaks(example, masked(example.text)).length > 0);
    console.log(`${planted.length} planted values of other seeds, ${missed.length} missed`, missed.slice(0, 10).map(({ text }) => text));
    expect(missed.length / planted.length).toBeLessThanOrEqual(0.005);
  });

  it('leaves the words around a value', () => {
    for (const example of plant(3)) expect(squeezed(masked(`订单 kettle ${example.text} lantern 茶壶`))).toMatch(/kettle.*lantern/);
  });

  it('misses no number that libphonenumber finds in a planted text', () => {
    for (const { text, language } of plant(4).filter(({ kind }) => kind === 'phone')) {
      const clean = normalise(text);
      for (const number of findPhoneNumbersInText(clean, language === 'zh' ? 'CN' : 'GB')) {
        expect(mask(clean).found.some(({ start, end }) => start <= number.startsAt + 1 && end >= number.endsAt), clean).toBe(true);
      }
    }
  });

  it('never throws, is idempotent, and covers what it says, whatever the text', () => {
    fc.assert(fc.property(fc.oneof(anyText, anyString), (any) => {
      for (const text of [any, normalise(any)]) {
        const once = mask(text);
        expect(mask(once.text)).toEqual({ text: once.text, found: [] });
        let rebuilt = '';
        let at = 0;
        for (const { kind, start, end } of once.found) {
          expect(start >= at && end > start && end <= text.length).toBe(true);
          rebuilt += `${text.slice(at, start)}<${kind}>`;
          at = end;
        }
        expect(rebuilt + text.slice(at)).toBe(once.text);
      }
    }), { numRuns: 3000 });
  });

  it('masks every one of the values of a text that is full of them', () => {
    const text = normalise('13800138000 ann@example.com '.repeat(2000));
    expect(text.length).toBeLessThanOrEqual(textMax);
    expect(new Set(mask(text).text.split(' '))).toEqual(new Set(['<phone>', '<email>']));
  });
});
