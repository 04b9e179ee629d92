/**
 * Phone numbers: international ones after a +, Chinese, American and British ones as they are written there, and any other
 * after a word that says so. A bare ten or eleven digit number may as well be an order's: a Chinese mobile number is masked
 * unless "order" stands before it, an American one only after "phone" or its like.
 *
 * `libphonenumber-js` decides where a number begins with 0 and where one with a country's code ends. It takes some 20 us a
 * question, so a window must look like a number before it is asked.
 */
import { parsePhoneNumberFromString } from 'libphonenumber-js/min';
import type { Found } from './mask.js';
import type { Window } from './numbers.js';

const digitsMaxPhone = 15; // E.164
const chineseMobile = /^(?:(?:00)?86)?1[3-9]\d{9}$/;
const american = /^1?[2-9]\d{2}[2-9]\d{6}$/;
const americanShape = /^(?:1-)?3-3-4$|^(?:1-)?3-7$/;
/** A hotline is a company's: 400-830-8300, 1-888-555-0143, 0800 ... */
const tollFree = /^(?:(?:86)?[48]00\d{7}|1?8(?:00|33|44|55|66|77|88)\d{7}|(?:44|0)800\d{6,7})$/;
/** with a line break somewhere, which is a blank by now: 312-53 8-6675 */
const brokenAmerican = /^(?:1[.-])?\(?\d{3}[).-]-?\d{3}[.-]\d{4}$/;

export function isPhone(window: Window): boolean {
  const { text, digits, start, end, whole, plus } = window;
  if (digits.length > digitsMaxPhone || isTollFree(window)) return false;
  if (plus) return digits.length >= 8 && (whole || window.isValid(`+${digits}`)); // whole: digits after a + that make no number are a number with a slip
  const shape = window.shape();
  const grouped = shape.includes('-');
  if (american.test(digits) && (americanShape.test(shape) || (whole && brokenAmerican.test(text.slice(start, end).replaceAll(' ', ''))))) return true;
  const isMobile = chineseMobile.test(digits);
  if (isMobile && grouped && (whole || /(?:^|-)(?:3-4-4|3-3-5|3-8|11)$/.test(shape))) return true;
  if (!isMobile && !whole && grouped && !digits.startsWith('0')) return false;
  if (window.subject() === 'order' && !(isMobile && grouped)) return false;
  if (isMobile && !grouped) return true;
  if (digits.startsWith('0') && digits.length >= 9 && (grouped || /^07\d{9}$/.test(digits)) && isNational(window)) return true;
  return (whole || !grouped || isMobile) && (window.subject() === 'phone' || window.isPhoneAfter());
}

/** 188 8555 0143 is a Chinese mobile number, 1-888-555-0143 is not. */
function isTollFree({ digits, shape, plus }: Window): boolean {
  return tollFree.test(digits) && (plus || !chineseMobile.test(digits) || shape().startsWith('1-'));
}

function isNational({ digits, isValid }: Window): boolean {
  if (digits.startsWith('00')) return digits.length >= 11 && isValid(`+${digits.slice(2)}`);
  return isValid(digits, 'GB') || isValid(digits, 'CN');
}

const questionsMax = 256;

/** Asks libphonenumber, so often at most; beyond that everything is valid, as a text of hundreds of numbers is better masked too much. */
export function createValidator(): Window['isValid'] {
  let questions = 0;
  return (number, country) => {
    questions += 1;
    return questions > questionsMax || parsePhoneNumberFromString(number, country)?.isValid() === true;
  };
}

const spelled = '零〇一二三四五六七八九';
const alsoSpelled: Record<string, string> = { 幺: '1', 两: '2', 壹: '1', 贰: '2', 叁: '3', 肆: '4', 伍: '5', 陆: '6', 柒: '7', 捌: '8', 玖: '9' };
const spelledRun = new RegExp(`[\\d${spelled}${Object.keys(alsoSpelled).join('')}]{11,}`, 'g');

/** Chinese mobile numbers spelled out, in part or whole: 幺三八零零幺三八零零零, 138零零138000. */
export function findSpelled(text: string): Found[] {
  const found: Found[] = [];
  for (const { 0: run, index } of text.matchAll(spelledRun)) {
    if (/^\d+$/.test(run)) continue;
    const digits = Array.from(run, (character) => alsoSpelled[character] ?? (spelled.includes(character) ? String(Math.max(0, spelled.indexOf(character) - 1)) : character)).join('');
    const at = /1[3-9]\d{9}/.exec(digits)?.index;
    if (at !== undefined) found.push({ kind: 'phone', start: index + at, end: index + at + 11 });
  }
  return found;
}
