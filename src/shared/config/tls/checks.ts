import { parseTicketKeys } from '../../tls/ticket-keys.ts';
import { checkClientCaFile, checkServerTls, lacksRoot } from './certificates.ts';
import type { EnvName, EnvValues } from '../env-table.ts';
import { showValue } from '../problems.ts';
import type { Problem } from '../problems.ts';
import { tryReadFile } from '../text-file.ts';
import type { ReadFile } from '../text-file.ts';

function checkTicketKeys(path: string | undefined, readFile: ReadFile): readonly Problem[] {
  if (path === undefined) return [];
  const problem = { key: 'TLS_TICKET_KEYS_FILE', value: showValue(path) };
  const file = tryReadFile(readFile, path);
  if (!file.ok) return [{ ...problem, expected: 'a readable file', hint: file.why }];
  const parsed = parseTicketKeys(file.text);
  if (parsed.ok) return [];
  const hint = parsed.line === undefined ? 'there is none' : `line ${parsed.line} is something else`;
  return [{ ...problem, expected: 'lines of 48 bytes as base64 or hex', hint }];
}

/** Clients can only be asked where TLS is spoken, and by whom their certificates must be issued must be said. */
function checkClientAuth(values: EnvValues, readFile: ReadFile): readonly Problem[] {
  const { TLS_CLIENT_AUTH: asks, TLS_CLIENT_CA_FILE: path } = values;
  const problems: Problem[] = [];
  if (asks === 'optional') {
    if (values.TLS_CERT_FILE === undefined && values.TLS_KEY_FILE === undefined) {
      const expected = 'off, or TLS_CERT_FILE and TLS_KEY_FILE with it';
      problems.push({ key: 'TLS_CLIENT_AUTH', value: showValue(asks), expected });
    }
    if (path === undefined) {
      const expected = 'a file, because TLS_CLIENT_AUTH is optional';
      problems.push({ key: 'TLS_CLIENT_CA_FILE', value: undefined, expected });
    }
  }
  const bad = path === undefined ? undefined : checkClientCaFile(readFile, path);
  if (bad !== undefined) problems.push({ key: 'TLS_CLIENT_CA_FILE', value: showValue(path), ...bad });
  else if (path !== undefined && values.FRONT === 'uws' && lacksRoot(readFile, path)) {
    const expected = 'a root certificate too, or FRONT=native: uws follows every chain to one';
    problems.push({ key: 'TLS_CLIENT_CA_FILE', value: showValue(path), expected });
  }
  return problems;
}

/** What only our own front can do. Where leaving it out would be less safe than it says, uws refuses. */
function checkFront(values: EnvValues): readonly Problem[] {
  const problems: Problem[] = [];
  if (values.FRONT === 'native') return problems;
  if (values.PROXY_PROTOCOL) {
    problems.push({ key: 'PROXY_PROTOCOL', value: '"on"', expected: 'off, or FRONT=native: uws does not read it' });
  }
  if (values.TLS_MIN_VERSION !== 'TLSv1.2') {
    const value = showValue(values.TLS_MIN_VERSION);
    problems.push({ key: 'TLS_MIN_VERSION', value, expected: 'TLSv1.2, or FRONT=native: uws cannot be told' });
  }
  // It would speak TLS 1.2 with the ciphers of its library.
  if (values.TLS_CIPHERS.split(':').every((name) => name.startsWith('TLS_'))) {
    const expected = 'some of TLS 1.2 too, or FRONT=native: uws speaks it always';
    problems.push({ key: 'TLS_CIPHERS', value: showValue(values.TLS_CIPHERS), expected });
  }
  return problems;
}

/** What several variables, or files they name, say of TLS with clients. */
export function checkTls(
  values: EnvValues,
  sound: (...names: readonly EnvName[]) => boolean,
  readFile: ReadFile,
): readonly Problem[] {
  const { TLS_CERT_FILE: certFiles, TLS_KEY_FILE: keyFiles } = values;
  return [
    ...(sound('TLS_CERT_FILE', 'TLS_KEY_FILE') ? checkServerTls({ certFiles, keyFiles }, readFile) : []),
    ...(sound('TLS_CERT_FILE', 'TLS_KEY_FILE', 'TLS_CLIENT_CA_FILE') ? checkClientAuth(values, readFile) : []),
    ...checkTicketKeys(values.TLS_TICKET_KEYS_FILE, readFile),
    ...(sound('FRONT') ? checkFront(values) : []),
  ];
}
