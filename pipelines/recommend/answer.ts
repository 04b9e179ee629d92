/** One recommendation that was given, on its way to the table `recommendations`. */
export interface Answer {
  customer: string;
  atMs: number;
  /** sequence of the last message that it had seen */
  seq: number;
  model: string;
  items: { item: string; score: number; channel: string; because: string[] }[];
}
