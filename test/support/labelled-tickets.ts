import { createUniform } from '../../models/random.js';

export interface LabelledTicket {
  text: string;
  language: 'en' | 'zh';
  intent: string;
}

const things = { en: ['kettle', 'lamp', 'jacket', 'phone case', 'backpack'], zh: ['水壶', '台灯', '外套', '手机壳', '背包'] } as const;
const said: Record<string, Record<'en' | 'zh', readonly string[]>> = {
  cancel_order: { en: ['please cancel my order for the #', 'I want to cancel the # that I ordered', 'cancel the order of the #, I changed my mind'], zh: ['请取消我的#订单', '我想取消买的#', '不要#了，帮我取消订单'] },
  track_order: { en: ['where is my #', 'when will the # arrive', 'has the # been shipped yet'], zh: ['我的#到哪里了', '#什么时候能到', '#发货了没有'] },
  get_refund: { en: ['I want my money back for the #', 'please refund the #, it is broken', 'how do I get a refund for the #'], zh: ['#坏了，我要退款', '#怎么退款', '请把#的钱退给我'] },
  change_address: { en: ['please send the # to another address', 'the address for my # is wrong', 'I have moved, change the address of the #'], zh: ['#的收货地址写错了', '我搬家了，请改#的地址', '请把#寄到另一个地址'] },
};

/** Tickets as a shop has them, seeded; every tenth has a label that somebody got wrong. */
export function labelledTickets(count: number, seed: number): LabelledTicket[] {
  const uniform = createUniform(seed);
  const pick = <T>(of: readonly T[]): T => of[Math.floor(uniform() * of.length)];
  const intents = Object.keys(said);
  return Array.from({ length: count }, () => {
    const [intent, language] = [pick(intents), pick(['en', 'zh'] as const)];
    const text = pick(said[intent][language]).replace('#', pick(things[language]));
    return { text, language, intent: uniform() < 0.1 ? pick(intents) : intent };
  });
}
