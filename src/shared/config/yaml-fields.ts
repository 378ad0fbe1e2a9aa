import * as z from 'zod';

/** What several sections of the YAML are made of. */

export const flag = z.boolean('true or false');
export const section = <Shape extends z.core.$ZodLooseShape>(shape: Shape) =>
  z.strictObject(shape, { error: 'a mapping' });
export const listOf = <Item extends z.ZodType>(item: Item, phrase: string) => z.array(item, phrase).min(1, phrase);
/** What the JSON Schema says of a section that has a key. */
export const withKey = (key: string) => ({ type: 'object', properties: { [key]: {} }, required: [key] });
/** What the JSON Schema says of keys of which a section has one; the check itself is elsewhere, as zod has none. */
export const exactlyOne = (...keys: readonly string[]): z.core.GlobalMeta => ({
  oneOf: keys.map(withKey),
});
