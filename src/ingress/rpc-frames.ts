/**
 * What goes back to a caller outside, as lines of text. There is always one: what cannot be written is answered with the
 * reason, as an error of the method would be.
 */
import { encodeError } from "../protocol/error-codec.ts";
import type { ItemBatch } from "../protocol/messages.ts";
import type { RpcFrame } from "../protocol/rpc-messages.ts";
import { encodeText, encodeWhole, type Naming } from "../protocol/text-codec.ts";

/** The frame that says that a call failed. */
export function failed(error: unknown): RpcFrame {
  return { kind: "error", error: encodeError(error) };
}

/** Writes an answer's only frame. @param method For errors: `"Model.embed"`, with its quotation marks. */
export async function lineOf(frame: RpcFrame, method: string): Promise<string> {
  try {
    return `${await encodeWhole(frame, naming(`The result of ${method}`))}\n`;
  } catch (error) {
    // Of a broadcast each replica's answer by itself: the others are as good as they were.
    if (frame.kind !== "broadcast" || frame.replies.length === 0) return `${encodeText(failed(error))}\n`;
    const replies = await Promise.all(frame.replies.map((reply) => written(reply, method)));
    return `${await encodeWhole({ kind: "broadcast", replies })}\n`;
  }
}

async function written(reply: RpcFrame, method: string): Promise<RpcFrame> {
  try {
    await encodeWhole(reply, naming(`The result of ${method}`));
    return reply;
  } catch (error) {
    return failed(error);
  }
}

/** A line of items, and whether it is the last. */
export interface ItemsLine {
  readonly line: string;
  readonly isLast: boolean;
}

/** Writes the items that are ready. One that cannot be written ends the stream, after the items before it. */
export async function lineOfItems(batch: ItemBatch, method: string): Promise<ItemsLine> {
  try {
    return { line: `${await encodeWhole({ kind: "items", ...batch })}\n`, isLast: batch.done };
  } catch (error) {
    return { line: `${await encodeWhole(await untilUnwritable(batch, method, error))}\n`, isLast: true };
  }
}

async function untilUnwritable({ items }: ItemBatch, method: string, reason: unknown): Promise<RpcFrame> {
  const kept: unknown[] = [];
  let failure = reason;
  for (const item of items) {
    try {
      await encodeWhole(item, naming(`An item of ${method}`));
      kept.push(item);
    } catch (error) {
      failure = error;
      break;
    }
  }
  return { kind: "items", items: kept, done: true, error: encodeError(failure) };
}

// The frame's own member is no part of the value's path.
function naming(subject: string): Naming {
  return (path) => {
    const inValue = path.replace(/^(\.replies\[\d+\])?\.value/, "");
    return inValue === "" ? subject : `${subject}, at ${inValue},`;
  };
}
