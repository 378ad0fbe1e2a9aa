import { ENV } from './env-table.ts';
import { envText } from './read-env.ts';
import type { Environment } from './read-env.ts';

/** A file that holds a secret, and the variable that names it. */
export interface SecretFile {
  readonly key: string;
  /** As written. */
  readonly path: string;
}

const SECRET_FILES: readonly string[] = [
  ...Object.entries(ENV).flatMap(([name, { secret }]) => (secret ? [`${name}_FILE`] : [])),
  'TLS_TICKET_KEYS_FILE',
];

/** Every file that the configuration takes a secret from. @param keyFiles private keys of certificates */
export function secretFilesOf(env: Environment, keyFiles: readonly string[]): readonly SecretFile[] {
  const named = SECRET_FILES.flatMap((key) => {
    const path = envText(env, key);
    return path === undefined ? [] : [{ key, path }];
  });
  return [...named, ...keyFiles.map((path) => ({ key: 'TLS_KEY_FILE', path }))];
}
