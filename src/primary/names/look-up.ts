import { isIPv4 } from 'node:net';

/** What came of looking for a name's addresses. */
export type LookUp =
  | {
      readonly kind: 'found';
      /** At least one. */
      readonly addresses: readonly string[];
      /** How long they hold; `undefined` where the source does not say. */
      readonly ttlMs: number | undefined;
    }
  /** Who knows says that there are none. */
  | { readonly kind: 'none'; readonly code: string }
  /** Nobody who knows could be asked. */
  | { readonly kind: 'failed'; readonly code: string };

/**
 * IPv4 first: whoever connects tries the next address at once where one cannot be reached, and many a machine has
 * IPv6 addresses that lead nowhere.
 */
export function inOrder(addresses: readonly string[]): readonly string[] {
  const distinct = [...new Set(addresses)];
  return [...distinct.filter((each) => isIPv4(each)), ...distinct.filter((each) => !isIPv4(each))];
}

/** Node's code of a failed look-up. */
export const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : 'EUNKNOWN';
