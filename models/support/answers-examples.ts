/** The example utterances as what a model is trained on: slots are filled, as customers write values and no braces. */
import { answerLanguages, type AnswerLanguage, type Answers } from './answers.js';
import { fillSlots, slotsOf, type SlotName } from './slots.js';

export interface LabelledText {
  text: string;
  language: AnswerLanguage;
  intent: string;
}

/** Values of many shapes, so that a model learns the place of a value and not the value. */
const samples: Record<AnswerLanguage, Record<SlotName, readonly string[]>> = {
  en: {
    order: ['A-48213', '2024110356', 'SO7301', '#55120', '113-4471', 'ORD00912', '8840172'],
    product: ['kettle', 'blue backpack', 'running shoes', 'desk lamp', 'phone', 'headphones', 'wool blanket', 'coffee machine', 'dress', 'frying pan', 'tent'],
    amount: ['EUR 34.99', '$120', '49 euros', '£15.50', '89.00 dollars', '€7'],
    order_amount: ['EUR 34.99', '$120'],
    refund_amount: ['EUR 34.99', '$120'],
    date: ['3 May', 'last Monday', '2024-11-03', 'the 12th'],
    refund_date: ['3 May', '2024-11-03'],
    tracking: ['DP004188230917', '1Z88120A4410', 'RR772310045DE', 'TN5530091827'],
  },
  zh: {
    order: ['A-48213', '2024110356', 'SO7301', '55120', '1134471', 'D00912', '88401726'],
    product: ['电热水壶', '蓝色双肩包', '跑鞋', '台灯', '手机', '耳机', '羊毛毯', '洗衣机', '连衣裙', '平底锅', '奶粉'],
    amount: ['34.99元', '120元', '49块', '¥15.5', '89块钱', '300元'],
    order_amount: ['34.99元', '120元'],
    refund_amount: ['34.99元', '120元'],
    date: ['5月3日', '上周一', '11月11号', '12号'],
    refund_date: ['5月3日', '11月11号'],
    tracking: ['SF1048823091', 'YT7723100458', 'JD0055300918', '75530091827'],
  },
};

/** An example with slots comes with this many fillings: they are no more different than that. */
export const FILLINGS = 3;

/** In the order of the intents' names; the same answers give the same list. */
export function trainingExamples(answers: Answers): LabelledText[] {
  const found: LabelledText[] = [];
  let turn = 0;
  for (const { intent, examples } of answers.intents.values()) {
    for (const language of answerLanguages) {
      for (const example of examples[language]) {
        const slots = slotsOf(example).slots as SlotName[];
        for (let n = 0; n < (slots.length === 0 ? 1 : FILLINGS); n += 1) {
          const values = Object.fromEntries(slots.map((slot, i) => [slot, samples[language][slot][(turn + i) % samples[language][slot].length]]));
          found.push({ text: fillSlots(example, values) as string, language, intent });
          turn += slots.length;
        }
      }
    }
  }
  return found;
}
