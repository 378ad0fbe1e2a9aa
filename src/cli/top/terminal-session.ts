import { constants } from 'node:os';
import { exitCodeOfSignal } from '../exit-codes.ts';
import { Screen } from './screen.ts';

/** q, and Ctrl-C and Ctrl-D, which come as keys while the terminal is raw. */
// oxlint-disable-next-line no-control-regex -- these are the keys
const QUIT_KEYS = /[qQ\u0003\u0004]/;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export interface TerminalSession {
  readonly screen: Screen;
  /** Aborted by q, Ctrl-C, or a signal. */
  readonly ended: AbortSignal;
  /** What to end with; 0 unless a signal ended it. */
  exitCode(): number;
  /** Gives the terminal back as it was. */
  close(): void;
}

/** Takes the terminal: the alternate screen, keys one by one, and the window's size. */
export function openTerminal(colours: boolean): TerminalSession {
  const { stdin, stdout } = process;
  const over = new AbortController();
  let code = 0;
  const screen = new Screen({
    get columns() {
      return stdout.columns;
    },
    get rows() {
      return stdout.rows;
    },
    colours,
    write: (text) => void stdout.write(text),
  });
  const onKeys = (keys: string): void => {
    if (QUIT_KEYS.test(keys)) over.abort();
  };
  const onResize = (): void => screen.redraw();
  const onSignal = (signal: NodeJS.Signals): void => {
    code = exitCodeOfSignal(constants.signals[signal]);
    over.abort();
  };
  const restore = (): void => {
    screen.leave();
    if (stdin.isTTY) stdin.setRawMode(false);
  };
  screen.enter();
  process.once('exit', restore); // also after an error that nobody caught
  if (stdin.isTTY) {
    stdin.setRawMode(true);
    stdin.setEncoding('utf8').on('data', onKeys).resume();
  }
  stdout.on('resize', onResize);
  for (const signal of SIGNALS) process.on(signal, onSignal);
  return {
    screen,
    ended: over.signal,
    exitCode: () => code,
    close: () => {
      restore();
      process.off('exit', restore);
      stdout.off('resize', onResize);
      stdin.off('data', onKeys).pause();
      for (const signal of SIGNALS) process.off(signal, onSignal);
    },
  };
}
