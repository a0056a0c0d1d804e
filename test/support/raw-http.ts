/** A request as it is on the wire, and the first answer to it. */
import { connect } from "node:net";

/** Sends `head` and `body`, and resolves with the head of the answer, in lower case, and its body, when the connection ends. */
export function exchange(url: string, head: string, body = ""): Promise<{ status: number; head: string; body: string }> {
  const { hostname, port, host } = new URL(url);
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = connect(Number(port), hostname, () => socket.write(`${head}\r\nHost: ${host}\r\nConnection: close\r\n\r\n${body}`));
    socket.on("data", (data) => (answer += data.toString("latin1")));
    socket.on("error", reject);
    socket.on("close", () => {
      const end = answer.indexOf("\r\n\r\n");
      resolve({ status: Number(answer.slice(9, 12)), head: answer.slice(0, end).toLowerCase(), body: answer.slice(end + 4) });
    });
  });
}

/** Begins a request, and resets the connection once something has been answered, or after `body` when `isUpload`. */
export function abandon(url: string, head: string, { body = "", isUpload = false } = {}): Promise<void> {
  const { hostname, port, host } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => {
      socket.write(`${head}\r\nHost: ${host}\r\n\r\n${body}`, () => {
        if (isUpload) setTimeout(() => socket.resetAndDestroy(), 20);
      });
    });
    socket.once("data", () => socket.resetAndDestroy());
    socket.on("error", reject);
    socket.on("close", () => resolve());
  });
}
