// The platform-free rooms name this type of workerd's; the terminal's rooms never touch a value of it, and what the
// tests' applications call on it is enough.
interface DurableObjectState {
  abort(reason?: string): void;
  readonly storage: {
    readonly kv: { get<T>(key: string): T | undefined; put<T>(key: string, value: T): void };
    readonly sql: { exec<T>(query: string, ...bindings: unknown[]): { one(): T; toArray(): T[] } };
    sync(): Promise<void>;
  };
}
