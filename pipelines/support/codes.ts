/** Words as numbers, for the columns of the ledger: the places in these lists, which only grow at their end. */
import { handOverReasons, noReplyReasons, replyDecisions, type HandOverReason, type NoReplyReason, type ReplyDecision } from '../../schemas/support-words.js';

const decisions = Object.keys(replyDecisions) as ReplyDecision[];
const reasons = ['', ...Object.keys(handOverReasons), ...Object.keys(noReplyReasons)] as ('' | HandOverReason | NoReplyReason)[];
const languages = ['', 'en', 'zh'] as const;

export const decisionCode = (of: ReplyDecision): number => decisions.indexOf(of);
export const decisionOf = (code: number): ReplyDecision => decisions[code];
export const reasonCode = (of: HandOverReason | NoReplyReason | undefined): number => reasons.indexOf(of ?? '');
export const reasonOf = (code: number): '' | HandOverReason | NoReplyReason => reasons[code];
export const languageCode = (of: 'en' | 'zh' | undefined): number => languages.indexOf(of ?? '');
export const languageOf = (code: number): '' | 'en' | 'zh' => languages[code];
export const replyCode = decisionCode('reply');
