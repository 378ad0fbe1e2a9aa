/**
 * Whether a start may install, build and rebind what is missing. In production it may not: what runs there was made
 * beforehand, and a start must not depend on a registry. GATEWAY_SETUP says it either way.
 * @param {Readonly<Record<string, string | undefined>>} [env]
 */
export function mayChange(env = process.env) {
  const wish = env['GATEWAY_SETUP'] ?? '';
  return wish === '' ? env['NODE_ENV'] !== 'production' : wish !== 'off';
}
