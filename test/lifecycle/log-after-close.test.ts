import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

/** A process whose threads still speak when its log is closed. */
const PROGRAM = `
  import { createLog } from ${JSON.stringify(new URL('../../dist/src/shared/log.js', import.meta.url).href)};
  const log = createLog({ level: 'info', name: 'test' });
  log.info('before');
  const closed = log.close();
  log.info('while it closes');
  await closed;
  log.info('after it');
  process.exit(69);
`;

test('what is logged after the log was closed neither throws nor changes how the process ends', async () => {
  const ended = promisify(execFile)(process.execPath, ['--input-type=module', '-e', PROGRAM]);
  const failed = await ended.then(
    () => expect.unreachable('it was to end with 69'),
    (error: unknown) => error as { readonly code: number; readonly stdout: string; readonly stderr: string },
  );
  const { code, stdout, stderr } = failed;
  expect([code, stderr]).toEqual([69, '']);
  expect(stdout.trim().split('\n')).toHaveLength(1);
  expect(stdout).toContain('"msg":"before"');
});
