/** What the person at the keyboard has to change; the message says it all, so it is shown without a stack. */
export class SetupError extends Error {}

/**
 * Runs a script's body: a SetupError becomes one line and exit code 1.
 * @param {() => Promise<number | undefined>} body resolves to the exit code; `undefined` = something else sets it
 */
export async function runScript(body) {
  try {
    const code = await body();
    if (code !== undefined) process.exitCode = code;
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}
