/** How many connections are held, one after the other. */
const STEPS = [1000, 5000, 10_000, 15_000];
/** In miniature two, so that there is something to draw a line through. */
const MINIATURE_STEPS = [50, 100];
/** Descriptors that are left for everything but the held connections: upstream connections, files, pipes. */
const SPARE_FILES = 500;

export interface Wish {
  /** `--connections`: the most. */
  readonly connections: number | undefined;
  readonly miniature: boolean;
}

export interface Steps {
  readonly counts: readonly number[];
  /** What kept it below what was wished. */
  readonly capped: string | undefined;
}

/**
 * The steps up to what is wished, and that itself; never more than one process may hold in `openFiles` descriptors.
 * @throws Error when not even one connection fits
 */
export function stepsOf({ connections, miniature }: Wish, openFiles: number): Steps {
  const usual = miniature ? MINIATURE_STEPS : STEPS;
  const wanted = connections ?? usual.at(-1) ?? 1;
  const most = openFiles - SPARE_FILES;
  if (most < 1) throw new Error(`${openFiles} open files are too few to hold connections (ulimit -n)`);
  const highest = Math.min(wanted, most);
  const counts = [...usual.filter((count) => count < highest), highest];
  const capped = `${highest} instead of ${wanted} connections: a process may have ${openFiles} files open (ulimit -n).`;
  return { counts, capped: highest < wanted ? capped : undefined };
}

/** The soft limit from /proc/PID/limits, which a child inherits; `unlimited` is read as a million. */
export function openFilesOf(limits: string): number {
  const value = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
  return value === undefined ? 1_000_000 : Number(value);
}

/** Ports of one address towards one server that may be used, from ip_local_port_range: others need some as well. */
export function portsPerAddress(range: string): number {
  const [low = 32_768, high = 60_999] = range.trim().split(/\s+/).map(Number);
  return Math.floor((high - low + 1) * 0.75);
}
