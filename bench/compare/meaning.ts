/** What each scenario asks, and what decides it. Holds whatever the numbers are: they are another machine's tomorrow. */
import type { ApplicationName } from "./scenarios.ts";

/** A section of the page. */
export interface Meaning {
  readonly heading: string;
  readonly text: string;
  /** Said where edge-serve is slower than Durable Objects by hand. */
  readonly thanByHand: string;
  /** Said where it is slower than a system of several processes. */
  readonly thanProcesses: string;
}

export const MEANING: Readonly<Record<Exclude<ApplicationName, "cpu-all">, Meaning>> = {
  noop: {
    heading: "A no-op",
    text: `What a request costs when the handler does nothing: HTTP, routing, and the way into a replica and back. All clients share one
replica.`,
    thanByHand: `edge-serve routes, admits, tracks and can cancel each request; by hand it goes straight to the object.`,
    thanProcesses: `workerd does everything in one thread; a proxy in a process of its own uses another core.`,
  },
  compose: {
    heading: "Three deployments: Ingress, Hello, World",
    text: `[The application of Ray Serve's key concepts](https://docs.ray.io/en/latest/serve/key-concepts.html): \`Ingress\` calls \`Hello\` and
\`World\` at once and answers with both. In Ray Serve and BentoML each of the three is a process, and a call crosses between processes;
on workerd a call crosses between isolates' objects in one process. On Cloudflare the three may be on different machines, which nothing
here shows.`,
    thanByHand: `A call through a handle carries the request's id, deadline and chain, can be refused, sent again and cancelled, and keeps
  the class of an error; an RPC call by hand does none of that.`,
    thanProcesses: `workerd does everything in one thread; three processes can use three cores.`,
  },
  wait: {
    heading: "Awaiting 10 ms",
    text: `A handler that waits for something else, as most of serving is. One client can get at most 100 answers a second, 32 clients 3,200,
256 clients 25,600: what is missing to that is what the system costs. Every system is told to accept at least 256 requests at once.`,
    thanByHand: `What edge-serve adds to a request is as with a no-op.`,
    thanProcesses: `workerd does everything in one thread; a proxy in a process of its own uses another core.`,
  },
  batch: {
    heading: "Batches",
    text: `A call takes 10 ms whether it is for one item or for 32, as with a model on an accelerator. The system collects up to 32 requests,
for at most 10 ms, and runs one batch at a time: 3,200 answers a second are the bound, 100 without batches. Each request has its own
answer, and that is checked with requests that differ. BentoML's batching adapts how long it waits to what it has measured.`,
    thanByHand: `The batch itself takes as long; the rest is what a request costs with a no-op, and reading its body.`,
    thanProcesses: `workerd does everything in one thread, so batches fill more slowly when requests cost more than waiting does.`,
  },
  stream: {
    heading: "Streaming 1,000 tokens",
    text: `A generator yields 1,000 short strings and the client gets them as they come, in one chunked response. Nothing pauses between the
tokens, so this is the price of a token and not the speed of a model. edge-serve sends what is there at the same moment in one
chunk; the others, and the Worker by hand, send a chunk for each token, as their guides do. With a model behind it, which pauses between tokens, every
system sends each by itself.`,
    thanByHand: `A generator is stepped, and each value encoded and put into a stream; by hand bytes are written into one.`,
    thanProcesses: `Each token is a step of the generator, a chunk and a write, all in workerd's one thread.`,
  },
  cpu: {
    heading: "Computing for 5 ms",
    text: `A handler that computes for 5 ms, the same number of steps each time: each program finds out, when it starts, how many steps take 5 ms on
this processor. One replica can give 200 answers a second; more replicas help only where they have processors of their own. **A workerd
process has one thread, and all Durable Objects of a Worker share it**: locally, more replicas do not compute faster, and Ray Serve and
BentoML, whose replicas are processes, do as soon as there are cores for them. On Cloudflare, objects are spread over threads and machines;
how far that goes is not measured here. What a system needs beside the computing counts too, on a machine with few cores most of all: the
load and every proxy compute as well.`,
    thanByHand: `Both compute in the same thread, so this is what a request costs beside the computing.`,
    thanProcesses: `workerd has one thread for HTTP and for computing, and more replicas of a local workerd are more objects in it; theirs are processes.`,
  },
};
