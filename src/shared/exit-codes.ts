/** What the gateway's processes end with; the numbers are those of sysexits.h, and part of the contract. */
export const EXIT = {
  ok: 0,
  /** EX_UNAVAILABLE: a port is taken. */
  portTaken: 69,
  /** EX_SOFTWARE: a fault of the gateway; a supervisor should start it again. */
  internal: 70,
  /** EX_CONFIG: starting again does not help. */
  badConfig: 78,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
