/** Node's error of a connection that did not come about, or broke; of several addresses it has one for each attempt. */
export interface NetError extends Error {
  readonly code?: string;
  /** OpenSSL's words without its prefixes. */
  readonly reason?: string;
  readonly errors?: readonly NetError[];
}

/** Our own code for a name without an address; the message says all. */
export const UNRESOLVED = 'ERR_NAME_UNRESOLVED';

const LONGEST_TEXT = 200;

/**
 * The error in one line for the log: never for a client. Never empty, as the message of Node's own is where a name has
 * several addresses.
 */
export function failureText({ code, errors, message, name, reason }: NetError): string {
  const text = errors === undefined ? (reason ?? message) : [...new Set(errors.map((each) => each.message))].join('; ');
  const line = text.replaceAll(/\s+/g, ' ').slice(0, LONGEST_TEXT) || (code ?? name);
  return code === undefined || code === UNRESOLVED || line.includes(code) ? line : `${line} (${code})`;
}
