/** The process's environment: the one place outside scripts and tests that reads it. */
export const processEnv = (): Readonly<Record<string, string | undefined>> =>
  // oxlint-disable-next-line no-restricted-properties -- this is the place the rule points to
  ({ ...process.env });
