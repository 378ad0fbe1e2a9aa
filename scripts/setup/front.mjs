/**
 * What serves the client port where FRONT is not set: the default in src/shared/config/env-table.ts, which is not built
 * yet when this is read. A test holds the two equal.
 */
export const DEFAULT_FRONT = 'native';

/**
 * The front that the environment asks for. A value that names none is not judged here: the gateway says what is wrong.
 * @param {Readonly<Record<string, string | undefined>>} [env]
 */
export function frontOf(env = process.env) {
  const front = env['FRONT'];
  return front === undefined || front === '' ? DEFAULT_FRONT : front;
}

/**
 * What a command that runs this front needs of uWebSockets.js.
 * @returns {import('./uws.mjs').UwsNeed}
 */
export const uwsNeedOf = (front = frontOf()) => (front === 'uws' ? 'needed' : 'unused');
