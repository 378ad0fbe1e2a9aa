const SECRET = /auth|cookie|key|token|secret|password/i;

/** Whether the value of a field of this name may be a secret: then it is shown nowhere. */
export const mayBeSecret = (name: string): boolean => SECRET.test(name);
