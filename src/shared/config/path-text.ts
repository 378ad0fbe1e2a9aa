/** `routes[1].timeouts`, `upstreams["a b"]`. */
export function pathText(path: readonly PropertyKey[]): string {
  const parts = path.map((step) => {
    if (typeof step === 'number') return `[${step}]`;
    return /^[\w-]+$/.test(String(step)) ? `.${String(step)}` : `[${JSON.stringify(String(step))}]`;
  });
  return parts.join('').replace(/^\./, '');
}
