import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { gatewayEvent } from '../../shared/admin/operations.ts';
import type { EventType, GatewayEvent } from '../../shared/admin/operations.ts';
import { EventStreamParser } from '../admin/server-sent-events.ts';
import { CommandFailure, reasonOf } from '../command-failure.ts';
import { EXIT } from '../exit-codes.ts';
import { jsonText } from '../output/json.ts';
import { render, span } from '../output/text.ts';
import type { AskContext } from '../show.ts';

export interface EventsOptions {
  readonly follow: boolean;
  /** Empty: all. */
  readonly types: readonly EventType[];
}

const RETRY_MS = 1_000;

/** `gateway events`: those the gateway keeps; with --follow also what happens from now on, until it is ended. */
export async function events(context: AskContext, { follow, types }: EventsOptions): Promise<number> {
  const path = `/admin/events${types.length === 0 ? '' : `?type=${types.join(',')}`}`;
  if (follow) return followEvents(context, path);
  const { value } = await context.client.call({ path, answer: z.array(gatewayEvent) });
  for (const event of value) showEvent(context, event);
  return EXIT.ok;
}

function showEvent({ io, json }: AskContext, event: GatewayEvent): void {
  if (json) return io.out(jsonText(event));
  const details = Object.entries(event.details).map(([name, value]) => `${name}=${wordOf(value)}`);
  const type = span(event.type.padEnd(13), 'strong');
  const line = [
    span(`${event.at}  `, 'faint'),
    type,
    span(` ${event.message}`),
    span(`  ${details.join(' ')}`, 'faint'),
  ];
  io.out(render(line, io.colours));
}

const wordOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

/** Goes on when the gateway is started again; only the first connection must succeed. */
async function followEvents(context: AskContext, path: string): Promise<never> {
  let stream = await context.client.stream(path);
  let lastId: string | undefined;
  for (;;) {
    let why = 'it ended the stream';
    try {
      for await (const event of eventsOf(stream)) {
        lastId = String(event.id);
        showEvent(context, event);
      }
    } catch (error) {
      if (error instanceof CommandFailure) throw error;
      why = reasonOf(error);
    }
    context.io.err(`The gateway is gone (${why}); waiting for it ...`);
    stream = await connectAgain(context, path, lastId);
    context.io.err('The gateway is back.');
  }
}

async function connectAgain(
  { client }: AskContext,
  path: string,
  lastId: string | undefined,
): Promise<AsyncIterable<Uint8Array>> {
  for (;;) {
    await delay(RETRY_MS);
    try {
      return await client.stream(path, lastId === undefined ? {} : { 'last-event-id': lastId });
    } catch (error) {
      if (!(error instanceof CommandFailure && error.exitCode === EXIT.unavailable)) throw error;
    }
  }
}

async function* eventsOf(stream: AsyncIterable<Uint8Array>): AsyncGenerator<GatewayEvent> {
  const parser = new EventStreamParser();
  const decoder = new TextDecoder();
  for await (const piece of stream) {
    for (const { data } of parser.take(decoder.decode(piece, { stream: true }))) {
      const event = gatewayEvent.safeParse(parseJson(data));
      if (event.success) yield event.data; // a type of a newer gateway is not ours to show
    }
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
