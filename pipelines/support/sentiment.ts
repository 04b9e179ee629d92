/**
 * How a text sounds, from -1 (angry) to 1 (delighted): a short lexicon of our own for what customers write to shops, English
 * and Chinese, that knows negation and degree. Quick and the same everywhere; no trained model.
 *
 *   sum of weights  ->  sum / sqrt(sum^2 + 15)        "not good at all" -3 * 0.74 -> -0.5
 *
 * Source of the normalisation, of the factor of a negation (-0.74) and of a degree (0.29 of a weight): VADER, Hutto and
 * Gilbert 2014 (ICWSM). The words and their weights, -3 to 3, are ours.
 */
import type { Language } from '../../models/text/language.js';
import type { Token } from '../../models/text/tokenise.js';

const ALPHA = 15;
const NEGATED = -0.74;
/** Tokens before a word in which a negation or a degree still belongs to it. */
const REACH = 3;

const list = (weight: number, words: string): [string, number][] => words.split(' ').map((word) => [word, weight]);

const english = new Map<string, number>([
  ...list(3, 'excellent amazing perfect fantastic wonderful delighted brilliant superb awesome'),
  ...list(2, 'great love loved lovely happy pleased impressed beautiful grateful recommend appreciate helpful friendly'),
  ...list(1, 'thank thanks good nice fine fast quick easy satisfied like liked kind glad ok okay works worked'),
  ...list(-1, 'late slow wrong missing problem problems issue issues delay delayed unfortunately confused confusing difficult waiting unable trouble error fails failed expired damaged dented scratched'),
  ...list(-2, 'bad broken poor disappointed disappointing annoyed annoying unhappy unacceptable defective faulty rude upset cheated misleading dirty frustrated frustrating useless ridiculous refuse refused ignored complaint complain lied lies cracked crushed'),
  ...list(-3, 'terrible horrible awful disgusting worst angry furious scam fraud hate hated outrageous disgrace pathetic garbage rubbish crap shit fuck fucking thieves thief stolen'),
]);
interface Shifts {
  negations: ReadonlySet<string>;
  stronger: ReadonlySet<string>;
  weaker: ReadonlySet<string>;
}
const englishWords: Shifts = {
  negations: new Set('not no never none nobody nothing without hardly barely cannot can\'t won\'t don\'t doesn\'t didn\'t isn\'t wasn\'t aren\'t weren\'t haven\'t hasn\'t couldn\'t wouldn\'t shouldn\'t cant wont dont doesnt didnt isnt wasnt n\'t'.split(' ')),
  stronger: new Set('very really extremely absolutely totally completely so too utterly incredibly'.split(' ')),
  weaker: new Set('slightly somewhat rather fairly bit little quite'.split(' ')),
};

const chinese = new Map<string, number>([
  ...list(3, '非常满意 太棒了 完美 超级好 特别好'),
  ...list(2, '满意 喜欢 感谢 谢谢 多谢 很棒 优秀 赞 开心 高兴 推荐 好评 惊喜 贴心'),
  ...list(1, '好 不错 可以 方便 快捷 漂亮 舒服 值得 划算 实惠 正品 耐心 热情'),
  ...list(-1, '慢 晚 少发 漏发 错 问题 麻烦 退货 延迟 过期 无法 不能 等了 还没 没收到 色差 异味'),
  ...list(-2, '差 差评 坏 坏了 破损 破 裂 失望 糟糕 投诉 生气 敷衍 欺骗 假货 劣质 难用 难看 态度差 不理 没人管 推脱 不负责 烂 瑕疵 掉色 漏水 无语 坑人 坑'),
  ...list(-3, '垃圾 骗子 骗人 诈骗 恶心 气死 愤怒 太差 最差 滚 黑心 无良 忽悠 欺诈 再也不'),
  // Longer words that hold one of the above and say nothing, or something else.
  ...list(0, '差价 差不多 相差 差额 好像 好的 你好 您好 好几 好久 最好 只好 正好 错过 早晚 晚上 今晚 昨晚 明晚 慢慢 破费 可以吗 破解 感谢信 好友 爱好 不错过 你们好'),
  ['还可以', 1], ['不好意思', 0], ['没问题', 1], ['没有问题', 1],
]);
const chineseWords: Shifts = {
  negations: new Set(['不', '没', '没有', '别', '无', '未', '不太', '不是', '并不', '不怎么']),
  stronger: new Set(['很', '非常', '太', '特别', '十分', '超级', '真', '真的', '极其', '极', '超', '最', '实在']),
  weaker: new Set(['有点', '稍微', '比较', '还算', '略']),
};
const CHINESE_LONGEST = 4;

/** @param tokens  lower-cased, as models/text/tokenise gives them; @param text  what they stand in */
export function sentimentOf(text: string, tokens: readonly Token[], language: Language | undefined): number {
  const sum = language === 'zh' ? ofChinese(text) : language === 'en' ? ofEnglish(tokens) : 0;
  // Three marks say as much as a degree: VADER's 0.292 each, four at most; they have no sign of their own.
  const marks = Math.min(4, (text.match(/[!！]/g) ?? []).length);
  const loud = sum + Math.sign(sum) * 0.292 * marks;
  return loud / Math.sqrt(loud * loud + ALPHA);
}

function ofEnglish(tokens: readonly Token[]): number {
  let sum = 0;
  for (let i = 0; i < tokens.length; i += 1) {
    const weight = english.get(tokens[i].text) ?? 0;
    if (weight !== 0) sum += weighed(weight, tokens.slice(Math.max(0, i - REACH), i).map(({ text }) => text), englishWords);
  }
  return sum;
}

/** Words are looked up in the text itself, the longest first: a segmenter joins 很好 and parts 没收到 as it likes. */
function ofChinese(text: string): number {
  let sum = 0;
  for (let at = 0; at < text.length;) {
    const length = longestAt(text, at);
    const weight = length === 0 ? 0 : chinese.get(text.slice(at, at + length)) ?? 0;
    if (weight !== 0) sum += weighed(weight, endingsOf(text.slice(Math.max(0, at - REACH - 1), at)), chineseWords);
    at += Math.max(1, length);
  }
  return sum;
}

function longestAt(text: string, at: number): number {
  for (let length = Math.min(CHINESE_LONGEST, text.length - at); length > 0; length -= 1) if (chinese.has(text.slice(at, at + length))) return length;
  return 0;
}

/** Every piece of what stands before a word, back to the last mark: 不是很 -> 不, 不是, 不是很, 是, 是很, 很 */
function endingsOf(before: string): string[] {
  const clause = before.slice(before.search(/[^，。！？；,.!?;\s]*$/));
  const pieces: string[] = [];
  for (let from = 0; from < clause.length; from += 1) for (let to = from + 1; to <= clause.length; to += 1) pieces.push(clause.slice(from, to));
  return pieces;
}

/** @param before  the words that may belong to it */
function weighed(weight: number, before: readonly string[], { negations, stronger, weaker }: Shifts): number {
  let value = weight;
  if (before.some((word) => stronger.has(word))) value *= 1.29;
  if (before.some((word) => weaker.has(word))) value *= 0.71;
  return before.some((word) => negations.has(word)) ? value * NEGATED : value;
}
