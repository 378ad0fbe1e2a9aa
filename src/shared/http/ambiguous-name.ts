const NOT_PLAIN = /[^a-z0-9-]/;
const NOT_PLAIN_EACH = /[^a-z0-9-]/g;

/**
 * Whether some readers take a field for another one: CGI, WSGI, Rack and PHP know `X_Api_Key` and `X-Api-Key` by one
 * name, and so do some `X.Api.Key` or `X!Api!Key`. No registered field of HTTP has such a name.
 *
 * @param lowerName a field name in lower case
 */
export function isAmbiguousName(lowerName: string): boolean {
  return NOT_PLAIN.test(lowerName);
}

/** The name that such readers would take it for. */
export function plainTwin(lowerName: string): string {
  return lowerName.replaceAll(NOT_PLAIN_EACH, '-');
}
