/**
 * Where requests come from and where replicas are: 300 cities in the nine regions that location hints name.
 *
 * Owns: regions, their shares of the traffic, distances. All of it is assumed: it is there to be changed.
 */

/** A region that a location hint names. */
export interface Region {
  readonly hint: string;
  /** Of the traffic; they add up to 1. */
  readonly share: number;
  /** A large city in the middle of it, in degrees. */
  readonly latitude: number;
  readonly longitude: number;
}

/** The regions, with shares as of a service that is used in proportion to who is on the net. */
export const REGIONS: readonly Region[] = [
  { hint: "apac", share: 0.26, latitude: 1.3, longitude: 103.8 },
  { hint: "weur", share: 0.2, latitude: 50.1, longitude: 8.7 },
  { hint: "enam", share: 0.18, latitude: 39.0, longitude: -77.5 },
  { hint: "wnam", share: 0.1, latitude: 37.4, longitude: -122.0 },
  { hint: "sam", share: 0.08, latitude: -23.5, longitude: -46.6 },
  { hint: "eeur", share: 0.08, latitude: 52.2, longitude: 21.0 },
  { hint: "me", share: 0.04, latitude: 25.2, longitude: 55.3 },
  { hint: "afr", share: 0.04, latitude: -26.2, longitude: 28.0 },
  { hint: "oc", share: 0.02, latitude: -33.9, longitude: 151.2 },
];

/** Every location hint once. */
export const HINTS: readonly string[] = REGIONS.map(({ hint }) => hint);

/** One way within a region: from a city to the data centre that holds the replica. */
export const NEAR_MS = 10;
/** Light in glass, and how much longer than the great circle cables are. */
const KM_PER_MS = 200;
const DETOUR = 1.5;
const EARTH_RADIUS_KM = 6371;

/** The time that a message takes from a caller in one region to a replica in another. */
export function oneWayMs(from: Region, to: Region): number {
  return from.hint === to.hint ? NEAR_MS : NEAR_MS + (DETOUR * greatCircleKm(from, to)) / KM_PER_MS;
}

function greatCircleKm(a: Region, b: Region): number {
  const [latitudeA, latitudeB] = [radians(a.latitude), radians(b.latitude)];
  const east = radians(b.longitude - a.longitude);
  const cosine = Math.sin(latitudeA) * Math.sin(latitudeB) + Math.cos(latitudeA) * Math.cos(latitudeB) * Math.cos(east);
  return EARTH_RADIUS_KM * Math.acos(Math.min(1, cosine));
}

function radians(degrees: number): number {
  return (degrees * Math.PI) / 180;
}

/** The region of each of so many cities, which all have the same traffic. */
export function citiesOf(count: number): Region[] {
  const cities: Region[] = [];
  let share = 0;
  for (const region of REGIONS) {
    share += region.share;
    while (cities.length < Math.round(share * count)) cities.push(region);
  }
  return cities;
}

/** Location hints that put replicas where the traffic is: each as often as it has fiftieths of the traffic. */
export function weightedHints(): string[] {
  const slots = REGIONS.flatMap(({ hint, share }) =>
    Array.from({ length: Math.round(share * 50) }, (_, index) => ({ hint, place: (index + 0.5) / share })),
  );
  // Evenly mixed, so that any number of replicas is spread in these proportions.
  return slots.toSorted((a, b) => a.place - b.place).map(({ hint }) => hint);
}
