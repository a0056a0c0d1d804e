/** What a response or a promise is rejected with. */
export function rejectionOf(response: PromiseLike<unknown>): Promise<unknown> {
  return Promise.resolve(response).then(
    () => {
      throw new Error("It was fulfilled.");
    },
    (error: unknown) => error,
  );
}
