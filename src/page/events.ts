import type { GatewayEvent } from '../shared/admin/operations.ts';
import { byId, el, show } from './dom.ts';
import { clock } from './format.ts';
import { fill, note } from './panels.ts';
import { empty, outside } from './parts.ts';

const SHOWN = 50;
const AGAIN_MS = 3_000;

/** The last events, live while the page is seen: a browser has few connections for one host, and hidden pages would keep them. */
export class Events {
  readonly #onEvent: () => void;
  readonly #events: GatewayEvent[] = [];
  #type = '';
  #reading: AbortController | undefined;
  #again: ReturnType<typeof setTimeout> | undefined;
  #state: 'live' | 'waiting' = 'waiting';

  /** @param onEvent is told of each that comes live */
  constructor(onEvent: () => void) {
    this.#onEvent = onEvent;
    note('events', [
      el('label', { class: 'pick' }, [
        el('span', { class: 'hidden' }, 'Only events about'),
        el('select', { id: 'event-type', 'data-keep': true }, el('option', { value: '' }, 'all')),
      ]),
      el('span', { id: 'event-state', 'data-keep': true }),
    ]);
    byId('event-type').addEventListener('change', (event) => {
      this.#type = (event.target as HTMLSelectElement).value;
      this.#show();
    });
    document.addEventListener('visibilitychange', () => (document.hidden ? this.stop() : this.start()));
  }

  start(): void {
    if (this.#reading !== undefined || document.hidden) return;
    clearTimeout(this.#again);
    this.#reading = new AbortController();
    void this.#read(this.#reading.signal);
  }

  stop(): void {
    clearTimeout(this.#again);
    this.#reading?.abort();
    this.#reading = undefined;
    this.#say('waiting');
  }

  async #read(signal: AbortSignal): Promise<void> {
    try {
      const last = this.#events[0]?.id;
      const response = await fetch('/admin/events', {
        signal,
        headers: { accept: 'text/event-stream', ...(last === undefined ? {} : { 'last-event-id': String(last) }) },
      });
      if (!response.ok || response.body === null) throw new Error(`${response.status}`);
      this.#say('live');
      let text = '';
      let isOld = true;
      for await (const piece of pieces(response.body)) {
        const frames = (text + piece).split('\n\n');
        text = frames.pop() ?? '';
        const found = frames.flatMap(eventOf);
        this.#add(found);
        // What has happened before comes first, in one go.
        if (!isOld && found.length > 0) this.#onEvent();
        isOld = false;
      }
      throw new Error('it ended');
    } catch {
      if (signal.aborted) return;
      this.#reading = undefined;
      this.#say('waiting');
      this.#again = setTimeout(() => this.start(), AGAIN_MS);
    }
  }

  #add(found: readonly GatewayEvent[]): void {
    const newest = this.#events[0]?.id ?? 0;
    this.#events.unshift(...found.filter(({ id }) => id > newest).toReversed());
    this.#events.length = Math.min(this.#events.length, 200);
    const types = [...new Set(this.#events.map(({ type }) => type))].toSorted();
    const choices = ['', ...types].map((type) =>
      el('option', { value: type, 'data-key': type }, type === '' ? 'all' : type),
    );
    show(byId('event-type'), choices);
    this.#show();
  }

  #say(state: 'live' | 'waiting'): void {
    this.#state = state;
    const into = byId('event-state');
    into.className = state;
    into.textContent = state === 'live' ? 'live' : 'not connected';
  }

  #show(): void {
    const shown = this.#events.filter(({ type }) => this.#type === '' || type === this.#type).slice(0, SHOWN);
    if (shown.length === 0) {
      return fill('events', [
        empty(this.#state === 'live' ? 'Nothing has happened yet.' : 'Events cannot be read at the moment.'),
      ]);
    }
    const now = shown[0]?.at ?? '';
    fill('events', [
      el(
        'ol',
        { class: 'events', tabindex: '0', 'aria-label': 'The last events, the newest first' },
        shown.map(({ id, at, type, message }) =>
          el('li', { 'data-key': id }, [
            el('time', { datetime: at }, clock(at, now)),
            el('span', { class: 'type' }, outside(type)),
            el('span', { class: 'message' }, outside(message)),
          ]),
        ),
      ),
    ]);
  }
}

async function* pieces(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body.pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>).getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
}

function eventOf(frame: string): readonly GatewayEvent[] {
  const data = /^data: (.*)$/m.exec(frame)?.[1];
  try {
    return data === undefined ? [] : [JSON.parse(data) as GatewayEvent];
  } catch {
    return [];
  }
}
