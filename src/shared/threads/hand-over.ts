/**
 * What the front and a request thread write to each other through the socket that carries client connections. Anybody on
 * the machine can connect to it, so a thread shows the secret it was started with first.
 */

/** The thread's first and only line. */
export const proofOf = (slot: number, secret: string): string => `${slot} ${secret}\n`;

/** Longer than any proof. */
export const MAX_PROOF_BYTES = 128;

/** The front's first line, without its end: it knows the thread. */
export const ACCEPTED = 'accepted';

/** Goes with a socket. @param address canonical text */
export const socketLine = (index: number, address: string, port: number): string => `${index} ${address} ${port}\n`;
