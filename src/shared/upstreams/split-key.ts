/** By what an operator's word over one side of a split is kept: no name of a route or upstream holds a space. */
export const splitKey = (route: string, upstream: string): string => `${route} ${upstream}`;
