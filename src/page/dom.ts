/** What an element can hold. Texts are always text, never markup. */
export type Child = Node | string | number | null | undefined | false;

/** Attributes; `false` and `undefined` leave one out, `true` sets it empty. */
export type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

/** Makes an element. */
export function el<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  children: readonly Child[] | Child = [],
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) made.setAttribute(name, value === true ? '' : String(value));
  }
  for (const child of Array.isArray(children) ? (children as readonly Child[]) : [children as Child]) {
    if (child !== null && child !== undefined && child !== false) {
      made.append(child instanceof Node ? child : String(child));
    }
  }
  return made;
}

/** The element of this id, which index.html has. */
export function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found;
}

/**
 * Makes the children of an element what they should be, and touches only what differs: what is marked, focused, typed
 * into or scrolled stays so. An element with `data-keep` belongs to whoever put it there.
 */
export function show(into: Element, fresh: readonly Child[]): void {
  const wanted = fresh
    .filter((child) => child !== null && child !== undefined && child !== false)
    .map((child) => (child instanceof Node ? child : document.createTextNode(String(child))));
  const had = [...into.childNodes];
  wanted.forEach((next, at) => {
    const now = had[at];
    if (now === undefined) into.append(next);
    else if (!patched(now, next)) now.replaceWith(next);
  });
  for (const extra of had.slice(wanted.length)) extra.remove();
}

/** Whether `now` could be made what `next` is. */
function patched(now: Node, next: Node): boolean {
  if (now instanceof Text && next instanceof Text) {
    if (now.data !== next.data) now.data = next.data;
    return true;
  }
  if (!(now instanceof Element && next instanceof Element)) return false;
  if (now.tagName !== next.tagName || now.getAttribute('data-key') !== next.getAttribute('data-key')) return false;
  if (now.hasAttribute('data-keep')) return true;
  for (const name of now.getAttributeNames()) {
    if (!next.hasAttribute(name) && name !== 'open') now.removeAttribute(name);
  }
  for (const { name, value } of next.attributes) if (now.getAttribute(name) !== value) now.setAttribute(name, value);
  show(now, [...next.childNodes]);
  return true;
}
