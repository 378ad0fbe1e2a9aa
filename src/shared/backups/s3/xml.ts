/*
 * The few elements that are read of S3's answers. They hold plain text only, and none that we ask for lies inside another
 * of its own name, so that no parser is needed.
 */

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function toCharacter(whole: string, name: string): string {
  const number = /^#(?:x([0-9a-f]{1,6})|(\d{1,7}))$/i.exec(name);
  if (number === null) return ENTITIES[name] ?? whole;
  const point = number[1] === undefined ? Number(number[2]) : Number.parseInt(number[1], 16);
  return point <= 0x10_ff_ff ? String.fromCodePoint(point) : whole;
}

const toText = (xml: string): string => xml.replace(/&(#?[A-Za-z0-9]+);/g, toCharacter);

/** What is inside each element of this name, still XML. */
export function elements(xml: string, name: string): readonly string[] {
  const found = xml.matchAll(new RegExp(`<${name}(?:\\s[^>]*)?(?:/>|>([^]*?)</${name}\\s*>)`, 'g'));
  return Array.from(found, ([, inside = '']) => inside);
}

/** The text of the first element of this name; '' where there is none. */
export function textOf(xml: string, name: string): string {
  return toText(elements(xml, name)[0] ?? '').trim();
}
