import type { RefusalReason } from '../../shared/admin/why.ts';
import type { ErrorCode } from '../../shared/errors.ts';

/** What refuses a client on a route, or may. */
export type Reason = Omit<RefusalReason, 'route' | 'status'> & { readonly code: ErrorCode };

/** As a shell takes it. */
export const word = (text: string): string =>
  /^[\w.:@%+/=~-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;

/** Whole seconds, rounded up: who waits so long has waited long enough. */
export const upTo = (ms: number): number => Math.ceil(ms / 1000);
