import leven from 'leven';

/**
 * The candidate a person most likely meant, whatever the case they wrote it in.
 * @param maxDistance edits (insert, delete, replace); by default a third of the word, from 1 to 3
 */
export function closest(word: string, candidates: Iterable<string>, maxDistance?: number): string | undefined {
  const limit = maxDistance ?? Math.min(3, Math.max(1, Math.floor(word.length / 3)));
  let best: string | undefined;
  let bestDistance = limit + 1;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - word.length) >= bestDistance) continue;
    const distance = leven(word.toLowerCase(), candidate.toLowerCase());
    if (distance >= bestDistance) continue;
    best = candidate;
    bestDistance = distance;
  }
  return best;
}

/** `{ hint: 'did you mean "upstream"?' }`, or nothing when no candidate is near; spread it into a problem. */
export function didYouMean(word: unknown, candidates: Iterable<string>): { readonly hint?: string } {
  const meant = typeof word === 'string' ? closest(word, candidates) : undefined;
  return meant === undefined || meant === word ? {} : { hint: `did you mean "${meant}"?` };
}
