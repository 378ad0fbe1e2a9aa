import type { Verdict } from '../../../shared/identity/identity.ts';

/**
 * Verifies the credentials of one method, on one request thread. What it answers is remembered by the verifier, within
 * bounds; who asks remembers nothing.
 */
export interface Verifier {
  /**
   * What is known of a credential without waiting, verified earlier or refused by its form alone; no promise, no closure,
   * at most a microsecond or two.
   * @param credential as the client sent it: the key, the token, or the certificate's PEM
   * @returns `undefined` = it must be verified
   */
  known(credential: string): Verdict | undefined;
  /** Whether its form alone refuses it (a checksum): that costs nothing, and never counts against those that pass. */
  isMalformed(credential: string): boolean;
  /** Verifies what is not known. `done` is called once, later, never within this call; it does not throw. */
  verify(credential: string, done: (verdict: Verdict) => void): void;
}
