import { formatProblems } from '../../shared/config/problems.ts';
import { readEnv } from '../../shared/config/read-env.ts';
import { CommandFailure, reasonOf } from '../command-failure.ts';
import { EXIT } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';

/** How every command that talks to a gateway is told which one. */
export interface AdminOptions {
  /** The admin port's origin; default: ADMIN_HOST and ADMIN_PORT. */
  readonly url?: string | undefined;
  /** File that holds the admin token; default: ADMIN_TOKEN or ADMIN_TOKEN_FILE. */
  readonly tokenFile?: string | undefined;
}

export interface AdminPlace {
  readonly origin: string;
  readonly token: string | undefined;
}

/** Listening on every address is no address to call. */
const CALLABLE: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

/**
 * Where to call, and with which token.
 * @throws {CommandFailure} when that cannot be known
 */
export function findAdmin(io: CliIo, options: AdminOptions): AdminPlace {
  const { url } = options;
  if (url !== undefined && !(/^https?:/.test(url) && URL.canParse(url))) {
    const expected = 'expected an origin such as http://127.0.0.1:9901';
    throw new CommandFailure(EXIT.usage, `--url: ${expected}, got "${url}"`);
  }
  const token = options.tokenFile === undefined ? undefined : readToken(io, options.tokenFile);
  if (url !== undefined && token !== undefined) return { origin: url, token };
  const { adminToken, ...env } = adminEnvironment(io);
  return { origin: url ?? originOf(env), token: token ?? adminToken };
}

function readToken(io: CliIo, path: string): string {
  let text: string;
  try {
    text = io.readFile(path).trim();
  } catch (error) {
    throw new CommandFailure(EXIT.usage, `--token-file: ${reasonOf(error)}`);
  }
  // What HTTP cannot carry would fail in words that blame the connection.
  if (/^[!-~]+$/.test(text)) return text;
  throw new CommandFailure(EXIT.usage, `--token-file: ${path}: expected one token without spaces in it`);
}

/** Only the admin port matters here: whether the rest is valid is for the gateway to say. */
function adminEnvironment(io: CliIo): { host: string; port: number; adminToken: string | undefined } {
  const { values, problems } = readEnv(io);
  const ours = problems.filter(({ key }) => key.startsWith('ADMIN_'));
  if (ours.length > 0) {
    throw new CommandFailure(EXIT.configuration, `The configuration is not valid:\n${formatProblems(ours)}`);
  }
  return { host: values.ADMIN_HOST, port: values.ADMIN_PORT, adminToken: values.ADMIN_TOKEN };
}

function originOf({ host, port }: { host: string; port: number }): string {
  if (port === 0) {
    const where = 'the gateway has logged it in its line "gateway ready"';
    throw new CommandFailure(EXIT.usage, `ADMIN_PORT=0 is any free port: name the one it took with --url (${where}).`);
  }
  const callable = CALLABLE[host] ?? host;
  return `http://${callable.includes(':') ? `[${callable}]` : callable}:${port}`;
}
