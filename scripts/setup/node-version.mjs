import { SetupError } from './setup-error.mjs';

/** Lowest minor version of each major there is a uWebSockets.js binary for (its ABI 115, 127, 137, 141). */
const LOWEST_MINOR = new Map([
  [20, 19],
  [22, 12],
  [24, 0],
  [25, 0],
]);

/**
 * @param {string} version such as `20.19.4`
 * @throws {SetupError} when the gateway cannot run on it
 */
export function checkNodeVersion(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const lowest = LOWEST_MINOR.get(major);
  if (lowest !== undefined && minor >= lowest) return;
  throw new SetupError(`The gateway needs Node.js 20.19+, 22.12+, 24 or 25; this is ${version} (${process.execPath}).`);
}
