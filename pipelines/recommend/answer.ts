import type { Channel } from '../../models/recommend/fuse.js';

/** One recommendation that was given, on its way to the table `recommendations`. */
export interface Answer {
  customer: string;
  atMs: number;
  /** sequence of the last message that it had seen */
  seq: number;
  model: string;
  /** `ranks` and `against` are absent in a commit of the release before */
  items: { item: string; score: number; channel: string; ranks?: Partial<Record<Channel, number>>; because: string[]; against?: string[] }[];
}
