import { InvalidArgumentError } from 'commander';

export const wholeNumber = (text: string): number => {
  if (!/^[1-9]\d{0,4}$/.test(text)) throw new InvalidArgumentError('Expected a whole number from 1 to 99999.');
  return Number(text);
};

/** A comma-separated choice, returned in the order of `known`. */
export const listOf =
  <T extends string>(known: readonly T[]) =>
  (text: string): readonly T[] => {
    const parts = text.split(',');
    const unknown = parts.find((part) => !known.some((name) => name === part));
    if (unknown !== undefined) throw new InvalidArgumentError(`"${unknown}" is not one of ${known.join(', ')}.`);
    return known.filter((name) => parts.includes(name));
  };
