/** The package has no types of its own. */
declare module 'stopword' {
  /** English */
  export const eng: string[];
  /** Chinese */
  export const zho: string[];
}
