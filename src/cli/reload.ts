import { EXIT } from './exit-codes.ts';
import type { CliIo } from './io.ts';
import { loadConfig } from './load-config.ts';

export interface ReloadOptions {
  /** The admin port's origin; default: ADMIN_HOST and ADMIN_PORT. */
  readonly url?: string | undefined;
  /** File that holds the admin token; default: ADMIN_TOKEN. */
  readonly tokenFile?: string | undefined;
}

/** A reload checks files and waits for every thread; longer means that nobody is listening. */
const TIMEOUT_MS = 15_000;

/** Listening on every address is no address to call. */
const CALLABLE: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

/** `gateway reload`: asks a running gateway to read its configuration again. */
export async function reload(io: CliIo, options: ReloadOptions): Promise<number> {
  const admin = findAdmin(io, options);
  if (typeof admin === 'number') return admin;
  const url = new URL('/admin/reload', admin.origin);
  const headers = admin.token === undefined ? {} : { authorization: `Bearer ${admin.token}` };
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, { method: 'POST', headers, signal: AbortSignal.timeout(TIMEOUT_MS) });
    text = await response.text();
  } catch (error) {
    io.err(`No gateway answers at ${url.origin} (${reasonOf(error)}).`);
    io.err('Is it running, and are ADMIN_HOST and ADMIN_PORT the same here as there? Or name it with --url.');
    return EXIT.unavailable;
  }
  return report(io, response.status, text.trim());
}

function report(io: CliIo, status: number, text: string): number {
  const body = parseBody(text);
  if (status < 300) {
    const { version, needsRestart, complete } = body;
    io.out(`The new configuration is in use${typeof version === 'number' ? ` (version ${version})` : ''}.`);
    if (Array.isArray(needsRestart) && needsRestart.length > 0) {
      io.err(`warning: these change only with a restart: ${needsRestart.join(', ')}`);
    }
    if (complete === false)
      io.err('warning: a request thread has not confirmed it yet; the log of the gateway says more');
    return EXIT.ok;
  }
  if (status === 401 || status === 403) {
    io.err(`The gateway does not accept this token (${status}): check ADMIN_TOKEN or --token-file.`);
    return EXIT.configuration;
  }
  if (status === 404 || status === 405 || status >= 500) {
    io.err(`The gateway could not reload (${status}): ${textOf(body.detail) ?? text}`);
    return status >= 500 ? EXIT.internal : EXIT.unavailable;
  }
  io.err('The new configuration is not valid; the old one stays in use:');
  io.err(problemsOf(body.problems) ?? textOf(body.detail) ?? text);
  return EXIT.configuration;
}

/** Where to call and with which token, or the exit code when that cannot be known. */
function findAdmin(io: CliIo, options: ReloadOptions): { origin: string; token: string | undefined } | number {
  if (options.url !== undefined && !(/^https?:/.test(options.url) && URL.canParse(options.url))) {
    io.err(`--url: expected an origin such as http://127.0.0.1:9901, got "${options.url}"`);
    return EXIT.usage;
  }
  let token: string | undefined;
  try {
    token = options.tokenFile === undefined ? undefined : io.readFile(options.tokenFile).trim();
  } catch (error) {
    io.err(`--token-file: ${reasonOf(error)}`);
    return EXIT.usage;
  }
  if (options.url !== undefined && token !== undefined) return { origin: options.url, token };
  // Only the admin port matters here: whether the routes are valid is for the gateway to say.
  const loaded = loadConfig({ ...io, env: { ...io.env, GATEWAY_CONFIG: undefined } });
  if (loaded === undefined) return EXIT.configuration;
  const { adminHost, adminPort, adminToken } = loaded.config.server;
  const host = CALLABLE[adminHost] ?? adminHost;
  const origin = options.url ?? `http://${host.includes(':') ? `[${host}]` : host}:${adminPort}`;
  return { origin, token: token ?? adminToken };
}

/** The members of the gateway's answer that are shown. */
interface ReloadAnswer {
  readonly version?: unknown;
  readonly needsRestart?: unknown;
  readonly complete?: unknown;
  readonly detail?: unknown;
  readonly problems?: unknown;
}

function parseBody(text: string): ReloadAnswer {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {}; // not ours, then: its text is shown as it is
  }
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

function problemsOf(value: unknown): string | undefined {
  if (!Array.isArray(value)) return textOf(value);
  return value.map((line: unknown) => textOf(line) ?? JSON.stringify(line)).join('\n');
}

/** What went wrong, in words: fetch hides it in `cause`. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.cause instanceof Error) return reasonOf(error.cause);
  const errors = error instanceof AggregateError ? error.errors : [];
  return error.message === '' && errors.length > 0 ? errors.map(reasonOf).join(', ') : error.message;
}
