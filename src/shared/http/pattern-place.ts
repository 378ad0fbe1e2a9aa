/**
 * Where a client is sent by a pattern: all of its path gives way, whatever part of it the pattern fits.
 * @param to with `$1` to `$9` for the groups that the pattern has found
 * @returns `undefined` = nowhere: the pattern does not fit, or it is there already
 */
export function placeByPattern(path: string, pattern: RegExp, to: string): string | undefined {
  const found = pattern.exec(path);
  if (found === null) return undefined;
  const place = found[0].replace(pattern, to);
  return place === path ? undefined : place;
}
