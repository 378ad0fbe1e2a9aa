import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { S3Client } from '../../src/shared/backups/s3/client.ts';
import type { S3Place } from '../../src/shared/backups/s3/client.ts';

/** A real S3 server of this test alone (OpenStack Swift), with one bucket. */
export interface TestS3 extends AsyncDisposable {
  readonly place: S3Place;
  /** What the gateway's environment says of it. */
  readonly env: Readonly<Record<string, string>>;
}

/** Debian's own, which sees Debian's packages; another may come first on PATH. */
const PYTHON = '/usr/bin/python3';
const SERVER = join(import.meta.dirname, 's3-server.py');
/** As in s3-server.py; Swift wants account and user. */
const KEY = { accessKeyId: 'test:backups', secretAccessKey: 'a-secret-of-the-test' } as const;

export async function startS3(prefix = 'redis-backups/'): Promise<TestS3> {
  const folder = await mkdtemp(join(tmpdir(), 'gateway-s3-'));
  const child = spawn(PYTHON, [SERVER, folder], { stdio: ['pipe', 'pipe', 'pipe'] });
  let said = '';
  child.stderr.on('data', (data: Buffer) => (said += data.toString()));
  const port = await new Promise<number>((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', (line) => resolve(Number(line)));
    child.once('exit', () => reject(new Error(`no S3 server; are Debian's packages swift-proxy there?\n${said}`)));
    child.once('error', reject);
  });
  const origin = `http://127.0.0.1:${port}`;
  const place = { origin, bucket: 'backups', prefix, region: 'us-east-1', ...KEY };
  await new S3Client(place).text({ method: 'PUT', signal: AbortSignal.timeout(60_000) });
  return {
    place,
    env: {
      BACKUP_S3_URL: `${origin}/backups/${prefix}`,
      BACKUP_S3_ACCESS_KEY_ID: KEY.accessKeyId,
      BACKUP_S3_SECRET_ACCESS_KEY: KEY.secretAccessKey,
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) {
        const gone = once(child, 'exit');
        child.stdin.end(); // what it waits for; so it goes too where the test run is cut short
        await gone;
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}
