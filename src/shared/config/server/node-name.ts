import { random } from '../../clock.ts';
import { fromText } from '../parsed.ts';

const LONGEST = 64;

/** Reads NODE_NAME. Nodes stand in lists, keys and logs by this name, so nothing in it may separate or end one. */
export const nodeName = fromText<string>((text) =>
  /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(text)
    ? { ok: true, value: text }
    : { ok: false, expected: `letters, digits, ".", "_" and "-", at most ${LONGEST}, the first a letter or digit` },
);

/**
 * `<host>-<4 hex digits>`: two nodes on one host, or a container that is started again, are not taken for each other.
 * @param chance in [0, 1)
 */
export function defaultNodeName(host: string, chance: number): string {
  const safe = host.replaceAll(/[^A-Za-z0-9._-]+/g, '-').replace(/^[^A-Za-z0-9]+/, '');
  const hex = Math.floor(chance * 0x1_0000)
    .toString(16)
    .padStart(4, '0');
  return `${safe === '' ? 'node' : safe.slice(0, LONGEST - 1 - hex.length)}-${hex}`;
}

let drawn: number | undefined;

/** Drawn once: a reload reads the configuration again, and the node must keep its name. */
export const chanceOfProcess = (): number => (drawn ??= random());
