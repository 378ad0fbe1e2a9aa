import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';

const MODULE = new URL('./stop-with-parent.mjs', import.meta.url).href;

/** Stands for npm: runs a child, prints what it prints, and does not pass signals on. */
const PARENT = `
  const child = require('node:child_process').spawn(process.execPath, ['--input-type=module', '-e', process.argv[1]], {
    stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, npm_lifecycle_event: 'start' },
  });
  child.on('exit', () => process.exit(0));
`;

const CHILD = `
  const { stopWithParent } = await import(${JSON.stringify(MODULE)});
  stopWithParent();
  setInterval(() => {}, 1000);
  process.on('SIGTERM', () => { console.log('asked to stop'); process.exit(0); });
  console.log('running ' + process.pid);
`;

test('when npm is gone the gateway is asked to stop, once', async () => {
  const parent = spawn(process.execPath, ['-e', PARENT, CHILD], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines: string[] = [];
  const output = createInterface({ input: parent.stdout });
  output.on('line', (line) => lines.push(line));
  await once(output, 'line');
  parent.kill('SIGKILL');
  await once(output, 'close'); // the child holds the pipe open until it ends
  expect(lines.slice(1)).toEqual(['asked to stop']);
});
