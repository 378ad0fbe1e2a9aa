import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { statusAnswer, trafficAnswer } from '../../src/shared/admin/status.ts';
import { limitCalls } from '../admin/limits-calls.ts';
import { NO_REFILL, PATIENT, startLimited } from '../limits-gateway/setup.ts';
import type { Limited } from '../limits-gateway/setup.ts';
import { statuses } from '../support/requests.ts';
import { eventually, until } from '../support/wait.ts';
import { commandIn, MAIN, parsed } from './command.ts';
import type { Run } from './command.ts';

const folder = mkdtempSync(join(tmpdir(), 'gateway-top-'));

let limited: Limited;
let run: Run;

beforeAll(async () => {
  limited = await startLimited({
    env: { ...PATIENT, RATE_LIMIT_CAPACITY: '10', RATE_LIMIT_REFILL_RATE: NO_REFILL, NODE_NAME: 'node-top' },
  });
  run = commandIn({ ADMIN_PORT: String(limited.gateway.adminPort), STATE_DIR: limited.gateway.stateDir });
});
afterAll(async () => {
  await limited[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

/** Requests all the time, until the disposal. */
function traffic(): AsyncDisposable {
  let going = true;
  const done = (async () => {
    while (going) await statuses(limited.port, 5);
  })();
  return {
    [Symbol.asyncDispose]: async () => {
      going = false;
      await done;
    },
  };
}

const sample = z.object({
  rates: z.object({ requests: z.number(), refused429: z.number() }),
  traffic: trafficAnswer,
  status: statusAnswer,
});

describe('without a terminal', () => {
  it('--once prints one block, --json one line', async () => {
    await using _load = traffic();
    const calls = limitCalls(limited);
    await eventually(async () => (await calls.top()).clients.length > 0, 'somebody is refused');
    const [block, line] = await Promise.all([
      run('top', '--once', '--interval', '2s'),
      run('top', '--once', '--interval', '2s', '--json'),
    ]);
    expect(block.code).toBe(0);
    expect(block.stdout).toMatch(/REQ\/S +5XX +429 +P50 +P95 +P99/);
    expect(block.stdout).toMatch(/^127\.0\.0\.1 +\d[\d,]*$/m);
    expect(block.stdout).not.toContain('\u001b');
    expect(line.stdout.trimEnd().split('\n')).toHaveLength(1);
    const { rates, status } = parsed(sample, line);
    expect(rates.requests).toBeGreaterThan(0);
    expect(rates.refused429).toBeGreaterThan(0);
    expect(status.node).toBe('node-top');
  });

  it('an interval that is none: 64', async () => {
    expect((await run('top', '--interval', '0')).code).toBe(64);
  });
});

describe('in a terminal', () => {
  /** `gateway top` in a pseudo terminal of util-linux's script(1), which passes keys and shows what is drawn. */
  function inTerminal(size: string) {
    const ttyFile = join(folder, 'tty');
    const inner = `stty ${size}; tty > ${ttyFile}; exec "${process.execPath}" "${MAIN}" top --interval 300ms`;
    const child = spawn('script', ['-qec', inner, '/dev/null'], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { PATH: process.env['PATH'] ?? '', TERM: 'xterm-256color', ADMIN_PORT: String(limited.gateway.adminPort) },
    });
    const closed = once(child, 'close'); // an end alone does not say that all it drew is here
    let shown = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (shown += text));
    return {
      shown: () => shown,
      shows: (words: string, from = 0) =>
        until(() => shown.includes(words, from), { withinMs: 40_000, describe: () => shown.slice(-500) }),
      keys: (keys: string) => void child.stdin.write(keys),
      resize: (to: string) => spawnSync('stty', ['-F', readFileSync(ttyFile, 'utf8').trim(), ...to.split(' ')]),
      ended: async () => {
        await closed;
        return child.exitCode;
      },
      [Symbol.dispose]: () => void child.kill('SIGKILL'),
    };
  }

  const ENTER = '\u001b[?1049h';
  const LEAVE = '\u001b[?25h\u001b[?1049l';

  it('draws on the alternate screen, follows the window, and gives the terminal back on q', async () => {
    await using _load = traffic();
    using top = inTerminal('rows 40 cols 100');
    await top.shows('q ends this');
    expect(top.shown()).toContain(ENTER);
    await top.shows('MOST REFUSED CLIENTS');
    expect(top.shown()).not.toContain('\u001b[2J'); // a screen that is cleared flickers

    const from = top.shown().length;
    top.resize('rows 6 cols 20');
    await top.shows('…', from);

    top.keys('q');
    expect(await top.ended()).toBe(0);
    expect(top.shown().endsWith(LEAVE)).toBe(true);
    expect(top.shown().split(LEAVE)).toHaveLength(2);
  });

  it('gives it back on Ctrl-C too, and with no gateway there never takes it', async () => {
    {
      using top = inTerminal('rows 40 cols 100');
      await top.shows('q ends this');
      top.keys('\u0003');
      expect(await top.ended()).toBe(0);
      expect(top.shown().endsWith(LEAVE)).toBe(true);
    }
    await limited.gateway.stop();
    using top = inTerminal('rows 40 cols 100');
    expect(await top.ended()).toBe(69);
    expect(top.shown()).toContain('No gateway answers');
    expect(top.shown()).not.toContain(ENTER);
  });
});
