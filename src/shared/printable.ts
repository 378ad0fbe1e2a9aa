/** C0, C1, line separators, and the marks that turn the direction of writing: what could steer or fool a screen. */
// oxlint-disable-next-line no-control-regex -- these are the characters it is about
export const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** Text from outside made harmless for who reads it: each control character becomes `\xNN` or `\u{NNNN}`. */
export const printable = (text: string): string =>
  text.replace(UNPRINTABLE, (char) => {
    const code = char.charCodeAt(0);
    return code < 256 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
  });
