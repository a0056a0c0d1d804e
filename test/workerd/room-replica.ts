/** A replica of the rooms that no other test has, and a client of it. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { exports } from "cloudflare:workers";
import { expect } from "vitest";
import type { Assignment, OrderOutcome } from "../../src/protocol/control.ts";
import { decodeReply, encodeEnvelope, type WireReply } from "../../src/protocol/envelope.ts";
import { initialReplicaSet } from "../../src/protocol/replica-set.ts";
import { rooms } from "./rooms.ts";

interface Stub {
  fetch(url: string, init: { headers: Record<string, string> }): Promise<Response & { webSocket: WebSocket | null }>;
  call(envelope: string, method: string | undefined, args?: readonly unknown[]): Promise<WireReply>;
  assign(assignment: Assignment, isStart: boolean): Promise<OrderOutcome>;
}
type Namespaces = Record<`rooms__${string}`, { getByName(name: string): Stub }>;
const classes = exports as unknown as Namespaces;

/** A replica that no other test has. */
export class Replica {
  readonly deployment: string;
  readonly name: string;

  constructor(deployment: string) {
    this.deployment = deployment;
    this.name = `rooms/${deployment}/-/${Math.floor(Math.random() * 1e9)}.0`;
  }

  get stub(): Stub {
    return classes[`rooms__${this.deployment}`]!.getByName(this.name);
  }
  async ask(method: string, ...args: unknown[]): Promise<unknown> {
    const envelope = encodeEnvelope(
      { requestId: "r", chain: [`rooms/${this.deployment}`], hops: 1 },
      { id: crypto.randomUUID(), mode: "claim" },
    );
    const reply = decodeReply(await this.stub.call(envelope, method, args));
    return reply.kind === "value" ? reply.value : reply;
  }
  evict(): Promise<void> {
    return evictDurableObject(this.stub as never);
  }
  ring(): Promise<boolean> {
    return runDurableObjectAlarm(this.stub as never);
  }
  state<T>(look: (state: DurableObjectState) => T | Promise<T>): Promise<T> {
    return runInDurableObject(this.stub as never, (_: unknown, state: DurableObjectState) => look(state));
  }
  async connect(path = "/here"): Promise<Client> {
    const response = await this.stub.fetch(`http://example.test${path}`, { headers: { upgrade: "websocket" } });
    expect([response.status, await response.text()]).toEqual([101, ""]);
    return new Client(response.webSocket!);
  }
  /** Its controller takes it out of the set, or back in. */
  async assign(duty: Assignment["duty"], epoch: number, more: object = {}): Promise<OrderOutcome> {
    const config = {
      ...(rooms.deployments as { name: string; resolve(): Assignment["config"] }[]).find(({ name }) => name === this.deployment)!.resolve(),
      ...more,
    };
    const set = { ...initialReplicaSet("rooms", this.deployment, config, "/rooms"), epoch };
    return this.stub.assign({ set, config, duty, version: "tests" }, false);
  }
}

/** What has the other end of a socket. */
export class Client {
  readonly socket: WebSocket;
  readonly received: string[] = [];
  readonly closed: Promise<{ code: number; reason: string }>;

  constructor(socket: WebSocket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => socket.addEventListener("close", ({ code, reason }) => resolve({ code, reason })));
    socket.addEventListener("message", ({ data }) => void this.received.push(data as string));
    socket.accept();
  }
  async ask(message: string | Uint8Array<ArrayBuffer>): Promise<Record<string, unknown>> {
    const count = this.received.length;
    this.socket.send(message);
    await expect.poll(() => this.received.length).toBe(count + 1);
    return JSON.parse(this.received[count]!) as Record<string, unknown>;
  }
}
