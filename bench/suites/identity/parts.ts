/** Parts of the suite `identity`, by what `--cases` calls them. */
export const IDENTITY_PARTS = ['credentials', 'profiles', 'many-keys'] as const;
export type IdentityPart = (typeof IDENTITY_PARTS)[number];
