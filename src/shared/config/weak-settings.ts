import { isLoopback } from '../net/address.ts';
import type { MergedYaml } from './files/merged-yaml.ts';
import type { Problem } from './problems.ts';
import { envText } from './read-env.ts';
import type { Environment } from './read-env.ts';
import { secretFilesOf } from './secret-files.ts';
import type { Machine } from './server/machine.ts';
import type { Config } from './types.ts';

/** Settings that work, and leave a door open. A value is never shown: most of them are secrets. */

const LEAST_TOKEN_CHARACTERS = 16;
const LEAST_DIFFERENT_CHARACTERS = 6;

const weak = (key: string, reason: string, expected: string): Problem => ({ key, value: undefined, reason, expected });

function weakToken({ server }: Config): readonly Problem[] {
  const token = server.adminToken;
  if (token === undefined) return [];
  const different = new Set(token).size;
  if (token.length >= LEAST_TOKEN_CHARACTERS && different >= LEAST_DIFFERENT_CHARACTERS) return [];
  const expected = `at least ${LEAST_TOKEN_CHARACTERS} characters of chance, such as "openssl rand -base64 32" prints`;
  return [weak('ADMIN_TOKEN', 'it can be guessed', expected)];
}

function openAdminPort({ server }: Config): readonly Problem[] {
  const { adminHost, adminToken } = server;
  if (adminToken !== undefined || adminHost === 'localhost' || isLoopback(adminHost)) return [];
  return [weak('ADMIN_HOST', 'whoever reaches the admin port may read everything it shows', 'ADMIN_TOKEN with it')];
}

const WRITE_BY_OTHERS = 0o002;
const READ_BY_OTHERS = 0o004;
/** Where Docker, Swarm and Kubernetes show secrets to a container, readable by all its users: there are no others. */
const SECRETS_OF_CONTAINERS = '/run/secrets/';

function openFiles({ server }: Config, { env, factsOf }: Sources): readonly Problem[] {
  const modeOf = (path: string): number | undefined => factsOf(path)?.mode;
  const keyFiles = (server.tls?.certificates ?? []).map(({ keyFile }) => keyFile);
  const secrets = secretFilesOf(env, keyFiles).flatMap(({ key, path }) => {
    const mode = (modeOf(path) ?? 0) & (path.startsWith(SECRETS_OF_CONTAINERS) ? ~READ_BY_OTHERS : ~0);
    if ((mode & (READ_BY_OTHERS | WRITE_BY_OTHERS)) === 0) return [];
    const what = (mode & WRITE_BY_OTHERS) === 0 ? 'read' : 'write';
    return [
      weak(key, `every user of this machine may ${what} ${path}`, `a file for the gateway's user alone (chmod 600)`),
    ];
  });
  const { stateDir } = server;
  if (stateDir === undefined || ((modeOf(stateDir) ?? 0) & WRITE_BY_OTHERS) === 0) return secrets;
  return [...secrets, weak('STATE_DIR', `every user of this machine may write in ${stateDir}`, 'a folder of its own')];
}

const unverified = ({ upstreams }: Config): readonly Problem[] =>
  upstreams
    .filter(({ tls, targets }) => !tls.verify && targets.some(({ origin }) => origin.startsWith('https:')))
    .map(({ name }) =>
      weak(`upstreams.${name}.tls.verify`, 'whoever stands in between is taken for the upstream', 'true, with ca_file'),
    );

const passesUnasked = ({ routes }: Config): readonly Problem[] =>
  routes
    .filter(({ authorization }) => authorization?.onFailure === 'open')
    .map(({ name }) =>
      weak(`routes.${name}.authorize.on_failure`, 'who overloads the authorizer gets in unasked', 'closed'),
    );

const EVERYBODY: readonly string[] = ['0.0.0.0/0', '::/0'];

const trustsAll = ({ server }: Config): readonly Problem[] =>
  server.trustedProxies.some((network) => EVERYBODY.includes(network))
    ? [weak('TRUSTED_PROXIES', 'every client may say that it is another one', 'the addresses of your proxies')]
    : [];

function testSettings({ testFaults }: Config, { env }: Sources): readonly Problem[] {
  const faults = testFaults
    ? [weak('GATEWAY_TEST_FAULTS', 'whoever reaches it may break it on purpose', 'it to be off outside of tests')]
    : [];
  return envText(env, 'NODE_TLS_REJECT_UNAUTHORIZED') === '0'
    ? [...faults, weak('NODE_TLS_REJECT_UNAUTHORIZED', 'no certificate of anybody is checked', 'it to be unset')]
    : faults;
}

const READ_BY_GROUP = 0o040;
const TOUCHED_BY_OTHERS = READ_BY_OTHERS | WRITE_BY_OTHERS;

/** Whether a file of the YAML says of consumers which keys they have. */
function hasKeys(value: unknown): boolean {
  const { consumers } = value as { readonly consumers?: Readonly<Record<string, { readonly keys?: unknown[] }>> };
  return Object.values(consumers ?? {}).some(({ keys = [] }) => keys.length > 0);
}

/**
 * Files of keys that others may read: of a key that is no long chance its hash is enough. Where the file is not the
 * gateway's own, its group is how the gateway reads it.
 */
function openKeyFiles({ yaml, factsOf, userId }: Sources): readonly Problem[] {
  return (yaml?.parts ?? []).flatMap(({ file, source }) => {
    const facts = factsOf(file);
    if (facts === undefined || file.startsWith(SECRETS_OF_CONTAINERS) || !hasKeys(source.value)) return [];
    const own = facts.ownerId === userId;
    if ((facts.mode & (own ? TOUCHED_BY_OTHERS | READ_BY_GROUP : TOUCHED_BY_OTHERS)) === 0) return [];
    const who = (facts.mode & TOUCHED_BY_OTHERS) === 0 ? 'its group' : 'every user of this machine';
    const reason = `${who} may read the keys of consumers`;
    const expected = "a file of their own for the gateway's user alone (chmod 600)";
    return [{ ...weak('consumers', reason, expected), ...source.locate(['consumers']) }];
  });
}

interface Sources extends Pick<Machine, 'factsOf'> {
  readonly env: Environment;
  readonly yaml: MergedYaml | undefined;
  readonly userId: number | undefined;
}

/** What weakens a configuration that is valid, for the start, `gateway check` and `gateway doctor`. */
export const weakSettings = (config: Config, sources: Sources): readonly Problem[] => [
  ...weakToken(config),
  ...openAdminPort(config),
  ...openFiles(config, sources),
  ...openKeyFiles(sources),
  ...unverified(config),
  ...passesUnasked(config),
  ...trustsAll(config),
  ...testSettings(config, sources),
];
