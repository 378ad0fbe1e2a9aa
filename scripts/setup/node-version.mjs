import { SetupError } from './setup-error.mjs';

/** Lowest minor version of each older line that is tested; from 24 on every version will do (package.json, engines). */
const LOWEST_MINOR = new Map([
  [20, 19],
  [22, 12],
]);
const FROM_MAJOR = 24;

/**
 * @param {string} version such as `20.19.4`
 * @throws {SetupError} when the gateway cannot run on it
 */
export function checkNodeVersion(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major >= FROM_MAJOR || minor >= (LOWEST_MINOR.get(major) ?? Infinity)) return;
  throw new SetupError(`The gateway needs Node.js 20.19+, 22.12+ or 24+; this is ${version} (${process.execPath}).`);
}
