import { InvalidArgumentError, Option } from 'commander';

export const jsonOption = (): Option => new Option('--json', 'print one JSON value, for machines');
export const dataDirOption = (): Option => new Option('--data-dir <folder>', 'folder of the servers\' data and credentials (default: AFTERCARE_DATA_DIR or .aftercare)');

/** A whole number within bounds, or commander's own error. */
export const wholeNumber = (minimum: number, maximum: number) => (text: string): number => {
  const value = Number(text);
  if (text.trim() !== '' && Number.isInteger(value) && value >= minimum && value <= maximum) return value;
  throw new InvalidArgumentError(`must be a whole number from ${minimum} to ${maximum}`);
};
