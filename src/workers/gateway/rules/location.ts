/** Where clients are sent to: the query that was asked for always goes along, a fragment of `place` stays its end. */
export function withQuery(place: string, target: string): string {
  const to = besideNoHost(place);
  const query = target.indexOf('?');
  if (query === -1) return to;
  const hash = to.indexOf('#');
  const before = hash === -1 ? to : to.slice(0, hash);
  const fragment = hash === -1 ? '' : to.slice(hash);
  return `${before}${before.includes('?') ? '&' : '?'}${target.slice(query + 1)}${fragment}`;
}

/** A path that starts with // would be another host's. */
export const besideNoHost = (location: string): string =>
  location.startsWith('//') ? `/${location.replace(/^\/+/, '')}` : location;
