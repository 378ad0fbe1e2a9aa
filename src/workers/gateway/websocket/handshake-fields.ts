import { trimBlanks } from '../../../shared/http/field.ts';

/** Fields of a handshake (RFC 6455, section 4), read from field lines with a CRLF between or behind them. */

/** The values of all fields of this name, in order. @param lowerName in lower case */
export function valuesOf(lines: string, lowerName: string): readonly string[] {
  const values: string[] = [];
  for (const line of lines.split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon === lowerName.length && line.slice(0, colon).toLowerCase() === lowerName) {
      values.push(trimBlanks(line.slice(colon + 1)));
    }
  }
  return values;
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** The tokens of a list over all fields of this name; `undefined` = it is none, or has an empty or a second one of a kind. */
export function tokensOf(values: readonly string[]): readonly string[] | undefined {
  const tokens = values.flatMap((value) => value.split(',').map(trimBlanks));
  const isList = tokens.every((token) => TOKEN.test(token)) && new Set(tokens).size === tokens.length;
  return isList ? tokens : undefined;
}

/** A comma that is not inside quotes. */
const BETWEEN = /,(?=(?:[^"]*"[^"]*")*[^"]*$)/;
const EXTENSION = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+)[ \t]*(?:;.*)?$/;

/**
 * The names of the extensions in a list over all fields, in lower case; their parameters are between the peers.
 * `undefined` = it is no list of extensions (section 9.1).
 */
export function extensionsOf(values: readonly string[]): readonly string[] | undefined {
  const names: string[] = [];
  for (const each of values.flatMap((value) => value.split(BETWEEN).map(trimBlanks))) {
    const name = EXTENSION.exec(each)?.[1];
    if (name === undefined) return undefined;
    names.push(name.toLowerCase());
  }
  return names;
}
