import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { wallClockMs } from '../../src/shared/clock.ts';

export interface CertificateFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/** What else a certificate says of its owner. */
export interface CertificateMore {
  /** In the form of openssl's `-subj`; default a common name that no other has. */
  readonly subject?: string;
  /** Further lines of openssl's extension file. */
  readonly extensions?: string;
}

/** A certificate authority of the test's own; needs the openssl command. */
export interface TestAuthority extends Disposable {
  readonly caFile: string;
  /**
   * A certificate for the name (`DNS:localhost`, `IP:127.0.0.1`).
   * @param days for which it is good; -1 = it ended yesterday
   */
  issue(subjectAltName: string, days?: number, more?: CertificateMore): CertificateFiles;
  /** An authority that this one has made one. Gone with this one. */
  subordinate(name: string): TestAuthority;
}

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

function openssl(...args: readonly string[]): void {
  execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

/** openssl x509 signs nothing that is over already; openssl ca does, and wants to be told where its books are. */
const pastConfig = (books: string): string => `[ca]
default_ca = past
[past]
database = ${books}.txt
new_certs_dir = ${dirname(books)}
rand_serial = yes
default_md = sha256
policy = any
[any]
commonName = supplied
organizationName = optional
organizationalUnitName = optional
`;

/** So many days from now, in the form of ASN.1's GeneralizedTime. */
const asn1Time = (days: number): string =>
  new Date(wallClockMs() + days * 86_400_000).toISOString().replaceAll(/[-:T]|\.\d+/g, '');

/** @param name of the authority, and what its files are called in front of `.pem` and `.key` */
function authorityOf(name: string, file: (name: string) => string): Omit<TestAuthority, typeof Symbol.dispose> {
  let issued = 0;
  const issue: TestAuthority['issue'] = (subjectAltName, days = 2, more = {}) => {
    const leaf = `leaf${issued++}`;
    const [certFile, keyFile, request, extensions] = ['.pem', '.key', '.csr', '.ext'].map((end) =>
      file(`${name}-${leaf}${end}`),
    ) as [string, string, string, string];
    writeFileSync(extensions, `subjectAltName=${subjectAltName}\n${more.extensions ?? ''}\n`);
    openssl('req', ...KEY, '-keyout', keyFile, '-out', request, '-utf8', '-subj', more.subject ?? `/CN=${leaf}`);
    const files = ['-in', request, '-out', certFile, '-extfile', extensions];
    const [cert, key] = [file(`${name}.pem`), file(`${name}.key`)];
    if (days > 0) {
      openssl('x509', '-req', ...files, '-CA', cert, '-CAkey', key, '-CAcreateserial', '-days', String(days));
    } else {
      const config = file(`${name}-past.cnf`);
      writeFileSync(config, pastConfig(file(`${name}-past`)));
      writeFileSync(file(`${name}-past.txt`), '');
      const dates = ['-startdate', asn1Time(days - 2), '-enddate', asn1Time(days)];
      openssl('ca', '-batch', '-notext', '-config', config, ...files, '-cert', cert, '-keyfile', key, ...dates);
    }
    return { certFile, keyFile };
  };
  return {
    caFile: file(`${name}.pem`),
    issue,
    subordinate: (own) => {
      const extensions = 'basicConstraints=critical,CA:TRUE';
      const { certFile, keyFile } = issue(`DNS:${own}`, 2, { subject: `/CN=${own}`, extensions });
      copyFileSync(certFile, file(`${own}.pem`));
      copyFileSync(keyFile, file(`${own}.key`));
      return { ...authorityOf(own, file), [Symbol.dispose]: () => {} };
    },
  };
}

export function createAuthority(): TestAuthority {
  const folder = mkdtempSync(join(tmpdir(), 'gateway-test-ca-'));
  const file = (name: string): string => join(folder, name);
  const into = ['-keyout', file('ca.key'), '-out', file('ca.pem')];
  openssl('req', '-x509', ...KEY, ...into, '-days', '2', '-subj', '/CN=test CA');
  return {
    ...authorityOf('ca', file),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}
