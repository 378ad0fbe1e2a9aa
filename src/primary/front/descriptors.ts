import { monotonicMs } from '../../shared/clock.ts';
import { openFiles, openFilesLimit, reservedFiles } from '../../shared/net/open-files.ts';

/** Descriptors that one client may take: ours until the thread has it, and the thread's. */
const PER_CLIENT = 2;
/** Threads open others (upstreams, Redis), of which nobody tells us. */
const COUNT_AGAIN_MS = 250;

/** How near the process is to its limit of open files. Counting costs a system call, so it is done when it may matter. */
export class Descriptors {
  readonly limit: number;
  /** Above it no client is taken. */
  readonly most: number;
  readonly #onTheWay: () => number;
  readonly #count: () => number | undefined;
  #estimate = Infinity;
  #countedMs = 0;

  /** @param onTheWay clients that no thread has taken yet: each takes one more, which nobody counts until then */
  constructor(onTheWay: () => number, limit = openFilesLimit(), count: () => number | undefined = openFiles) {
    this.#onTheWay = onTheWay;
    this.limit = limit;
    this.most = limit - reservedFiles(limit);
    this.#count = count;
  }

  /** A client was accepted. @returns whether there is room for no more */
  accepted(nowMs = monotonicMs()): boolean {
    this.#estimate += PER_CLIENT;
    if (this.#estimate < this.most && nowMs - this.#countedMs < COUNT_AGAIN_MS) return false;
    return this.free(nowMs) <= 0;
  }

  /** How many more there may be before clients are turned off; negative when there are too many. */
  free(nowMs = monotonicMs()): number {
    this.#countedMs = nowMs;
    const open = this.#count();
    this.#estimate = open === undefined ? this.most : open + this.#onTheWay(); // not to be counted: none was left to count with
    return this.most - this.#estimate;
  }
}
