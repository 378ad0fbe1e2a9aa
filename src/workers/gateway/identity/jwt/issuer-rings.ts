import { IssuerRing } from './issuer-ring.ts';

/** The keys of all issuers on this thread, by name. Those of one that is still to be configured may come first. */
export class IssuerRings {
  readonly #options: { readonly ask: (issuer: string) => void; readonly monotonicMs: () => number };
  readonly #rings = new Map<string, IssuerRing>();

  constructor(options: { readonly ask: (issuer: string) => void; readonly monotonicMs: () => number }) {
    this.#options = options;
  }

  of(name: string): IssuerRing {
    let ring = this.#rings.get(name);
    if (ring === undefined) {
      const { ask, monotonicMs } = this.#options;
      ring = new IssuerRing({ ask: () => ask(name), monotonicMs });
      this.#rings.set(name, ring);
    }
    return ring;
  }

  /** Lets go of the issuers that are none of ours any more. */
  keepOnly(names: ReadonlySet<string>): void {
    for (const [name, ring] of this.#rings) {
      if (names.has(name)) continue;
      ring.close();
      this.#rings.delete(name);
    }
  }
}
