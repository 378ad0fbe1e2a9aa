import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface CertificateFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/** A certificate authority of the test's own; needs the openssl command. */
export interface TestAuthority extends Disposable {
  readonly caFile: string;
  /**
   * A certificate for the name (`DNS:localhost`, `IP:127.0.0.1`).
   * @param days for which it is good; negative = it ended so many days ago
   */
  issue(subjectAltName: string, days?: number): CertificateFiles;
}

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

export function createAuthority(): TestAuthority {
  const folder = mkdtempSync(join(tmpdir(), 'gateway-test-ca-'));
  const file = (name: string): string => join(folder, name);
  const openssl = (...args: readonly string[]): void => {
    execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  };
  openssl(
    'req',
    '-x509',
    ...KEY,
    '-keyout',
    file('ca.key'),
    '-out',
    file('ca.pem'),
    '-days',
    '2',
    '-subj',
    '/CN=test CA',
  );
  let issued = 0;
  return {
    caFile: file('ca.pem'),
    issue: (subjectAltName, days = 2) => {
      const name = `leaf${issued++}`;
      const [certFile, keyFile, request, extensions] = ['.pem', '.key', '.csr', '.ext'].map((end) =>
        file(name + end),
      ) as [string, string, string, string];
      writeFileSync(extensions, `subjectAltName=${subjectAltName}\n`);
      openssl('req', ...KEY, '-keyout', keyFile, '-out', request, '-subj', `/CN=${name}`);
      const authority = ['-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-CAcreateserial'];
      openssl(
        'x509',
        '-req',
        '-in',
        request,
        ...authority,
        '-out',
        certFile,
        '-days',
        String(days),
        '-extfile',
        extensions,
      );
      return { certFile, keyFile };
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}
