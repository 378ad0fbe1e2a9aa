import { LARGEST_PROFILE } from './order.ts';
import type { ProfileOrder } from './order.ts';

/** Between two looks at the stack: fine enough for a minute's work, and for less than a hundredth of a core. */
const CPU_EVERY_MICROSECONDS = 1_000;
/** Bytes allocated between two looks, on average; V8's own default. */
const HEAP_EVERY_BYTES = 32_768;

/** One of V8's two sampling profilers: how it is told to begin and to end. */
const WAYS = {
  cpu: {
    before: [
      ['Profiler.enable', {}],
      ['Profiler.setSamplingInterval', { interval: CPU_EVERY_MICROSECONDS }],
    ],
    begin: ['Profiler.start', {}],
    end: 'Profiler.stop',
  },
  heap: {
    before: [['HeapProfiler.enable', {}]],
    begin: ['HeapProfiler.startSampling', { samplingInterval: HEAP_EVERY_BYTES }],
    end: 'HeapProfiler.stopSampling',
  },
} as const satisfies Record<ProfileOrder['kind'], object>;

/**
 * Profiles the thread that it runs on. Both ways take samples and hold names of functions only, no values: no key or
 * token of a client is in it. The thread goes on meanwhile.
 *
 * @returns JSON that Chrome's DevTools open as .cpuprofile or .heapprofile
 * @throws when V8 refuses, or the profile is larger than LARGEST_PROFILE
 */
export async function profileHere({ kind, forMs }: ProfileOrder): Promise<string> {
  const { Session } = await import('node:inspector');
  const session = new Session();
  session.connect();
  const ask = (method: string, parameters: object): Promise<object> =>
    new Promise((resolve, reject) => {
      session.post(method, parameters, (error, result = {}) => (error === null ? resolve(result) : reject(error)));
    });
  try {
    const { before, begin, end } = WAYS[kind];
    for (const [method, parameters] of before) await ask(method, parameters);
    await ask(begin[0], begin[1]);
    // It keeps nobody alive: a thread that is done meanwhile ends.
    await new Promise<void>((over) => void setTimeout(over, forMs).unref());
    const text = JSON.stringify(((await ask(end, {})) as { readonly profile: unknown }).profile);
    if (text.length > LARGEST_PROFILE)
      throw new Error(`The profile has ${text.length} characters, ${LARGEST_PROFILE} at most: ask for less time.`);
    return text;
  } finally {
    session.disconnect();
  }
}
