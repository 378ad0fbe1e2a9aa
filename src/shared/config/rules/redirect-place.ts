/** What is wrong with a URL or path to send clients to. */
export function redirectFault(to: string, keepsPath: boolean): string | undefined {
  if (!/^[!-~]+$/.test(to) || to.includes('\\')) return 'a URL or path of printable ASCII without blanks and \\';
  if (keepsPath && /[?#]/.test(to)) return 'a URL or path without ? and #, because keep_path puts a path behind it';
  if (to.startsWith('/'))
    return to.startsWith('//') ? 'a path with one / at its start, or a URL with its scheme' : undefined;
  if (!/^https?:\/\/[^/?#]/.test(to) || !URL.canParse(to)) return 'an http or https URL, or a path that starts with /';
  const { username, password } = new URL(to);
  return username === '' && password === '' ? undefined : 'a URL without user name and password';
}
