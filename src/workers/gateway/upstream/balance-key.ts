import type { BalanceConfig } from '../../../shared/config/types.ts';

/** What of a request may keep it on one target. */
export interface Keyed {
  /** Of the client, as far as it can be believed. */
  readonly address: string;
  /** Who has proved who he is; '' = nobody has. */
  readonly consumer: string;
  /** Lines that are forwarded, each with its CRLF. */
  readonly fields: string;
}

/** @returns '' where the request has none: it goes wherever there is room */
export type KeyOf = (request: Keyed) => string;

const escaped = (text: string): string => text.replaceAll(/[^\w-]/g, '\\$&');

/** @returns the first thing in parentheses of the first place that fits */
const found = (pattern: RegExp, text: string): string => pattern.exec(text)?.[1] ?? '';

/** How a request is named to those that balance by it. */
export function keyOf(config: BalanceConfig): KeyOf {
  switch (config.kind) {
    case 'ip':
      return ({ address }) => address;
    case 'consumer':
      return ({ consumer, address }) => (consumer === '' ? address : consumer);
    case 'header': {
      const line = new RegExp(`(?:^|\\r\\n)${escaped(config.name)}:[ \\t]*([^\\r\\n]*)`, 'i');
      return ({ fields }) => found(line, fields).trimEnd();
    }
    case 'cookie': {
      // Names of fields have no case, names of cookies do. There may be several lines (RFC 9113, section 8.2.3).
      const pair = new RegExp(
        `(?:^|\\r\\n)[Cc][Oo][Oo][Kk][Ii][Ee]:(?:[^\\r\\n]*;)?[ \\t]*${escaped(config.name)}=([^;\\r\\n]*)`,
      );
      return ({ fields }) => found(pair, fields).trim();
    }
    default:
      return config satisfies never;
  }
}
