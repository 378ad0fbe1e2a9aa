/**
 * Rendezvous hashing with weights (Thaler and Ravishankar, 1998): each key goes to the
 * target that it is nearest to. A target that comes or goes moves only the keys that it gets or had, and every thread and node
 * finds the same one without asking.
 */

const PRIME = 0x01_00_01_93;
const OFFSET = 0x81_1c_9d_c5;

/** Spreads every bit over all others (MurmurHash3's finaliser). */
function mixed(bits: number): number {
  let hash = bits ^ (bits >>> 16);
  hash = Math.imul(hash, 0x85_eb_ca_6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2_b2_ae_35);
  return hash ^ (hash >>> 16);
}

/** 32 bits of a text (FNV-1a over its UTF-16 units, spread). */
export function hashOf(text: string): number {
  let hash = OFFSET;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), PRIME);
  return mixed(hash);
}

/**
 * How far a key is from a target: exponentially distributed, so that the nearest is each with a chance by its weight.
 * @param key of hashOf
 * @param weight above 0
 */
export const distanceOf = (key: number, target: number, weight: number): number =>
  -Math.log(((mixed(Math.imul(key, 0x9e_37_79_b1) ^ target) >>> 0) + 1) / 0x1_0000_0000) / weight;
