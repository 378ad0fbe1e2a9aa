import { escaped } from './text.ts';

/** JSON with nothing in it that could steer a terminal: such characters are escaped, so what it says is the same. */
export const jsonText = (value: unknown, indent = 0): string => escaped(JSON.stringify(value, undefined, indent));
