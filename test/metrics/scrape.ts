/** The samples of one scrape, by the name and labels as they stand in the text. */
export class Scrape {
  readonly samples: ReadonlyMap<string, number>;
  readonly #types: ReadonlyMap<string, string>;

  constructor(text: string) {
    const lines = text.split('\n');
    this.samples = new Map(
      lines
        .filter((line) => line !== '' && !line.startsWith('#'))
        .map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
    );
    this.#types = new Map(
      lines.flatMap((line) => {
        const [, name = '', type = ''] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? [];
        return name === '' ? [] : [[name, type] as const];
      }),
    );
  }

  /** The sum of all samples of a name whose labels include these. */
  sum(name: string, labels: Readonly<Record<string, string>> = {}): number {
    let sum = 0;
    for (const [series, value] of this.samples) {
      const bare = series.split('{')[0];
      if (bare === name && Object.entries(labels).every((label) => series.includes(labelText(label)))) sum += value;
    }
    return sum;
  }

  /** Samples that are not 0, by the values of these labels with a space between. */
  by(name: string, labels: readonly string[]): Record<string, number> {
    const found: Record<string, number> = {};
    for (const [series, value] of this.samples) {
      if (!series.startsWith(`${name}{`) || value === 0) continue;
      const key = labels.map((label) => new RegExp(`[{,]${label}="([^"]*)"`).exec(series)?.[1]).join(' ');
      found[key] = (found[key] ?? 0) + value;
    }
    return found;
  }

  /** Counters and parts of histograms that are smaller here than they were, or have gone. */
  fallenSince(before: Scrape): string[] {
    return [...before.samples].flatMap(([series, value]) => {
      const name = (series.split('{')[0] ?? '').replace(/_(bucket|sum|count)$/, '');
      const type = before.#types.get(name) ?? before.#types.get(series.split('{')[0] ?? '');
      if (type !== 'counter' && type !== 'histogram') return [];
      const now = this.samples.get(series) ?? Number.NEGATIVE_INFINITY;
      return now < value ? [`${series}: ${value} -> ${now}`] : [];
    });
  }
}

const labelText = ([name, value]: readonly [string, string]): string => `${name}="${value}"`;

/** Reads `GET /metrics`. */
export async function scrape({ adminUrl }: { readonly adminUrl: string }): Promise<Scrape> {
  const answer = await fetch(`${adminUrl}/metrics`);
  if (answer.status !== 200) throw new Error(`GET /metrics: ${answer.status} ${await answer.text()}`);
  return new Scrape(await answer.text());
}
