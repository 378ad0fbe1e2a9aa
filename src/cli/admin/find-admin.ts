import { formatProblems } from '../../shared/config/problems.ts';
import { readEnv } from '../../shared/config/read-env.ts';
import { defaultStateDir, thisUser } from '../../shared/config/server/state-dir.ts';
import { CommandFailure, reasonOf } from '../command-failure.ts';
import { EXIT } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';
import { madeTokenOf } from './made-token.ts';
import type { MadeToken } from './made-token.ts';

/** How every command that talks to a gateway is told which one. */
export interface AdminOptions {
  /** The admin port's origin; default: ADMIN_HOST and ADMIN_PORT. */
  readonly url?: string | undefined;
  /** File that holds the admin token; default: ADMIN_TOKEN, ADMIN_TOKEN_FILE, or the file that a gateway here made. */
  readonly tokenFile?: string | undefined;
  /** Milliseconds to wait for an answer. */
  readonly timeout?: number | undefined;
}

export interface AdminPlace {
  readonly origin: string;
  readonly token: string | undefined;
  /** Where the token of a gateway on this machine would be, which made its own. */
  readonly made?: MadeToken | undefined;
  /** Milliseconds to wait for an answer; `undefined`: as the client thinks fit. */
  readonly timeoutMs?: number | undefined;
}

/** Listening on every address is no address to call. */
const CALLABLE: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

/**
 * Where to call, and with which token.
 * @throws {CommandFailure} when that cannot be known
 */
export function findAdmin(io: CliIo, options: AdminOptions): AdminPlace {
  const { url, timeout: timeoutMs } = options;
  if (url !== undefined && !(/^https?:/.test(url) && URL.canParse(url))) {
    const expected = 'expected an origin such as http://127.0.0.1:9901';
    throw new CommandFailure(EXIT.usage, `--url: ${expected}, got "${url}"`);
  }
  const token = options.tokenFile === undefined ? undefined : readToken(io, options.tokenFile);
  if (url !== undefined && token !== undefined) return { origin: url, token, timeoutMs };
  const { adminToken, stateDir, ...env } = adminEnvironment(io);
  const origin = url ?? originOf(env);
  const given = token ?? adminToken;
  if (given !== undefined) return { origin, token: given, timeoutMs };
  const made = madeTokenOf(io, origin, stateDir);
  return { origin, token: made?.token, made, timeoutMs };
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
function adminEnvironment(io: CliIo): AdminEnvironment {
  const { values, problems } = readEnv(io);
  const ours = problems.filter(({ key }) => key.startsWith('ADMIN_') || key === 'STATE_DIR');
  if (ours.length > 0) {
    throw new CommandFailure(EXIT.configuration, `The configuration is not valid:\n${formatProblems(ours)}`);
  }
  const stateDir = values.STATE_DIR ?? defaultStateDir(io.env, thisUser());
  return { host: values.ADMIN_HOST, port: values.ADMIN_PORT, adminToken: values.ADMIN_TOKEN, stateDir };
}

interface AdminEnvironment {
  readonly host: string;
  readonly port: number;
  readonly adminToken: string | undefined;
  readonly stateDir: string | undefined;
}

function originOf({ host, port }: { host: string; port: number }): string {
  if (port === 0) {
    const where = 'the gateway has logged it in its line "gateway ready"';
    throw new CommandFailure(EXIT.usage, `ADMIN_PORT=0 is any free port: name the one it took with --url (${where}).`);
  }
  const callable = CALLABLE[host] ?? host;
  return `http://${callable.includes(':') ? `[${callable}]` : callable}:${port}`;
}
