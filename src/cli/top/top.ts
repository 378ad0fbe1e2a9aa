import { setTimeout as delay } from 'node:timers/promises';
import { wallClockMs } from '../../shared/clock.ts';
import { CommandFailure } from '../command-failure.ts';
import type { AskContext } from '../show.ts';
import { EXIT } from '../exit-codes.ts';
import { render, span } from '../output/text.ts';
import type { Line } from '../output/text.ts';
import { blockOf } from './block.ts';
import { sampleJson, Sampler } from './sample.ts';
import type { Sample } from './sample.ts';
import { openTerminal } from './terminal-session.ts';

export interface TopOptions {
  readonly intervalMs: number;
  readonly once: boolean;
}

/** `gateway top`: live in a terminal, a block per interval elsewhere, a line per interval with --json. */
export async function top(context: AskContext, options: TopOptions): Promise<number> {
  const sampler = new Sampler(context.client);
  const first = await sampler.take(); // nobody there, or a wrong token: said before the screen changes
  const live = !options.once && !context.json && process.stdout.isTTY;
  return live ? drawLive(sampler, first, { context, ...options }) : printBlocks(sampler, { context, ...options });
}

type Run = TopOptions & { readonly context: AskContext };

async function printBlocks(sampler: Sampler, { context, intervalMs, once }: Run): Promise<number> {
  const { io, json } = context;
  for (let blocks = 0; ; blocks++) {
    await delay(intervalMs);
    const sample = await sampler.take();
    if (json) io.out(sampleJson(sample));
    else {
      if (blocks > 0) io.out('');
      for (const line of blockOf(sample, wallClockMs())) io.out(render(line, io.colours));
    }
    if (once) return EXIT.ok;
  }
}

async function drawLive(sampler: Sampler, first: Sample, { context, intervalMs }: Run): Promise<number> {
  const session = openTerminal(context.io.colours);
  try {
    let lines = blockOf(first, wallClockMs());
    session.screen.draw([...lines, [], hint('counting ...')]);
    while (await untilNext(intervalMs, session.ended)) {
      try {
        lines = blockOf(await sampler.take(session.ended), wallClockMs());
        session.screen.draw([...lines, [], hint('q ends this')]);
      } catch (error) {
        if (!(error instanceof CommandFailure)) throw error;
        // It may be starting again: what was last seen stays, under what is wrong now.
        const words = error.message.split('\n').map((text): Line => [span(text, 'bad')]);
        session.screen.draw([...words, [], ...lines]);
      }
    }
    return session.exitCode();
  } finally {
    session.close();
  }
}

const hint = (text: string): Line => [span(text, 'faint')];

/** @returns `false` when it is over */
async function untilNext(ms: number, ended: AbortSignal): Promise<boolean> {
  await delay(ms, undefined, { signal: ended }).catch(() => undefined);
  return !ended.aborted;
}
