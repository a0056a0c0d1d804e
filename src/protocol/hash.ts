/** The hash by which every isolate comes to the same choice with nothing shared. A change moves keys and sticky values. */

/** 32 bits: FNV-1a, then the finaliser of MurmurHash3, without which texts that differ in one digit stay close together. */
export function hash32(text: string): number {
  let h = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) h = Math.imul(h ^ text.charCodeAt(index), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
