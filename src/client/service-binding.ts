/** What `connect()` takes of the platform. A file of its own, so that the declaration of `connect` reaches nothing else of it. */

/** A service binding as the platform gives it, by what all of them have. */
export interface ServiceBinding {
  fetch(...args: never[]): Promise<unknown>;
}
