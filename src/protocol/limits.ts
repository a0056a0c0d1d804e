/** Numbers that more than one part of the system has to agree on. */

/**
 * How deep calls may nest. The platform refuses at about 16 and counts its own hops too, so edge-serve
 * refuses earlier and says where.
 */
export const MAX_HOPS = 12;
