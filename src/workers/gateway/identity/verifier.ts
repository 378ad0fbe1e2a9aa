import type { Identity, Verdict } from '../../../shared/identity/identity.ts';

/**
 * Verifies the credentials of one method, on one request thread. What it answers is remembered by the verifier, within
 * bounds; who asks remembers nothing.
 */
export interface Verifier<Credential = string> {
  /**
   * What is known of a credential without waiting, verified earlier or refused by its form alone; no promise, no closure,
   * at most a microsecond or two.
   * @param credential as the client sent it: the key, the token; or its certificate
   * @returns `undefined` = it must be verified
   */
  known(credential: Credential): Verdict | undefined;
  /** Whether its form alone refuses it (a checksum): that costs nothing, and never counts against those that pass. */
  isMalformed(credential: Credential): boolean;
  /**
   * Whether it is there at all, where that can be found out without asking anybody outside this process: then an address
   * beyond its budget of wrong ones does not keep a good one from being verified. Absent: it cannot. `done` is called once,
   * later.
   */
  isThere?(credential: Credential, done: (isThere: boolean) => void): void;
  /**
   * Whether what was verified once is still good, and whose it is by now; absent: it is for as long as its identity says.
   * `done` is called once, at once where that is known.
   */
  again?(identity: Identity, done: (verdict: Verdict) => void): void;
  /** Verifies what is not known. `done` is called once, later, never within this call; it does not throw. */
  verify(credential: Credential, done: (verdict: Verdict) => void): void;
}
