import { Window } from "happy-dom";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { TaskNotFoundError } from "../../../src/protocol/errors.ts";
import { TASK_STATES, type TaskState, type TaskStatus } from "../../../src/protocol/tasks.ts";
import { taskSection } from "../../../src/operator/dashboard/tasks.ts";
import { answerTasks, type OperatorTaskClient } from "../../../src/operator/operator-tasks.ts";
import { pageOf } from "../../../src/operator/dashboard/shell.ts";

const TOKEN = "correct horse";
const ORIGIN = "https://api.example.com";
const ID = "app.0.000000000000000000000a";

beforeEach(() => {
  // Workers have it; Node does not.
  Object.defineProperty(crypto.subtle, "timingSafeEqual", {
    configurable: true,
    value: (a: ArrayBuffer, b: ArrayBuffer) => Buffer.from(a).equals(Buffer.from(b)),
  });
});
afterEach(() => {
  Reflect.deleteProperty(crypto.subtle, "timingSafeEqual");
});

const taskOf = (state: TaskState, id = ID): TaskStatus => ({
  id,
  state,
  app: "app",
  deployment: "Mail",
  method: "send",
  attempts: 2,
  createdAt: 1_700_000_000_000,
  ...(state === "FAILED" ? { error: { name: "RangeError", message: "<img src=x onerror=alert(1)>" } } : {}),
});

/** One task in a state, and what was asked of it. */
function system(state: TaskState = "FAILED", { cursor }: { readonly cursor?: string } = {}) {
  const done: unknown[] = [];
  const about = (id: string) => {
    if (id !== ID) throw new TaskNotFoundError("There is none.");
  };
  const client: OperatorTaskClient = {
    list: async (apps, query, from) => {
      done.push({ apps, ...query, ...(from === undefined ? {} : { from }) });
      return { tasks: [taskOf(state)], ...(cursor === undefined ? {} : { cursor }) };
    },
    status: async (id) => {
      about(id);
      return taskOf(state, id);
    },
    cancel: async (id) => {
      about(id);
      done.push(`cancel ${id}`);
      return state === "PENDING" || state === "RUNNING";
    },
    retry: async (id) => {
      about(id);
      done.push(`retry ${id}`);
      return state === "FAILED" || state === "CANCELLED";
    },
  };
  const ask = async (query: string, init: RequestInit = {}) => {
    const request = new Request(`${ORIGIN}/-/dashboard${query}`, {
      ...init,
      headers: { authorization: `Bearer ${TOKEN}`, ...(init.headers as Record<string, string>) },
    });
    const response = await answerTasks(request, "/-/dashboard", { EDGE_SERVE_TOKEN: TOKEN }, { apps: ["app", "other"], client });
    const text = (await response?.text()) ?? "";
    const window = new Window({ url: `${ORIGIN}/-/dashboard${query}` });
    window.document.write(text);
    return { response, text, document: window.document };
  };
  return { ask, done };
}

const textOf = (node: { readonly textContent: string } | null | undefined) => (node?.textContent ?? "").replaceAll(/\s+/g, " ").trim();

describe("the list of tasks", () => {
  it.each(["", "?", "?unknown=1", "?action=retry"])("is not what %j asks for", async (query) => {
    expect((await system().ask(query)).response).toBeUndefined();
  });

  it.each([
    ["?state=", { apps: ["app", "other"], limit: 100 }],
    ["?state=FAILED&app=&deployment=", { apps: ["app", "other"], limit: 100, state: "FAILED" }],
    ["?app=app&deployment=Mail&limit=5&cursor=c", { apps: ["app"], limit: 5, deployment: "Mail", from: "c" }],
  ])("with %s is of what was asked for", async (query, asked) => {
    const { ask, done } = system();
    const { response, document } = await ask(query);
    expect([response?.status, done]).toEqual([200, [asked]]);
    expect(document.querySelectorAll("tbody tr")).toHaveLength(1);
  });

  it.each(["?state=LOST", "?limit=0", "?app=a/b", "?state=&unknown=1"])("says what is wrong with %s, on a page", async (query) => {
    const { response, document } = await system().ask(query);
    expect([response?.status, textOf(document.querySelector("[role=alert]"))]).toEqual([400, expect.stringMatching(/\S/)]);
  });

  it("has a form that shows what is asked for, labels for its fields, and the way to older tasks", async () => {
    const { document } = await system("FAILED", { cursor: ID }).ask("?state=FAILED&deployment=Mail");
    const form = document.querySelector("form")!;
    expect([form.method, form.getAttribute("action")]).toEqual(["get", null]);
    const fields = [...form.querySelectorAll("select, input")];
    expect(fields.map((one) => [one.getAttribute("name"), one.closest("label") !== null])).toEqual([
      ["state", true],
      ["app", true],
      ["deployment", true],
    ]);
    expect(form.querySelector("option[selected]")?.getAttribute("value")).toBe("FAILED");
    const older = [...document.querySelectorAll("a")].find((link) => textOf(link) === "Older tasks");
    expect(older?.getAttribute("href")).toBe(`?deployment=Mail&state=FAILED&cursor=${ID}`);
  });

  it.each(TASK_STATES)("marks a task that is %s only if it has failed", async (state) => {
    const { document } = await system(state).ask("?state=");
    const marked = [...document.querySelectorAll("tbody .bad")].map(textOf);
    expect(marked).toEqual(state === "FAILED" ? ["FAILED"] : []);
  });

  it("leads from a count to the tasks that are counted, and from a task to its page", () => {
    const counters = [{ tasks: [{ deployment: "Mail", state: "FAILED" as const, count: 2 }], attempts: [], waits: [] }];
    const window = new Window();
    window.document.write(taskSection({ tasks: [taskOf("FAILED")], counters, apps: ["app"] }).text);
    const links = [...window.document.querySelectorAll("a")].map((link) => [textOf(link), link.getAttribute("href"), link.className]);
    expect(links).toEqual([
      ["PENDING 0", "?state=PENDING", ""],
      ["RUNNING 0", "?state=RUNNING", ""],
      ["SUCCEEDED 0", "?state=SUCCEEDED", ""],
      ["FAILED 2", "?state=FAILED", "bad"],
      ["CANCELLED 0", "?state=CANCELLED", ""],
      [ID, `?task=${ID}`, ""],
    ]);
  });
});

describe("the page of a task", () => {
  it("has its attempts, and its error as text", async () => {
    const { document, response } = await system().ask(`?task=${ID}`);
    const facts = Object.fromEntries([...document.querySelectorAll("tr")].map((row) => [...row.children].map(textOf)));
    expect(facts).toEqual({
      state: "FAILED",
      method: "app/Mail.send",
      attempts: "2",
      created: "2023-11-14T22:13:20.000Z",
      error: "RangeError <img src=x onerror=alert(1)>",
    });
    expect(document.querySelector("img")).toBeNull();
    expect(document.title).toBe("Task FAILED · edge-serve");
    expect(response?.headers.get("cache-control")).toBe("no-store");
  });

  it.each<[TaskState, string | undefined]>([
    ["PENDING", "cancel"],
    ["RUNNING", "cancel"],
    ["SUCCEEDED", undefined],
    ["FAILED", "retry"],
    ["CANCELLED", "retry"],
  ])("of one that is %s has a button for what can be done: %s", async (state, action) => {
    const { document } = await system(state).ask(`?task=${ID}`);
    const form = document.querySelector("form");
    expect(form?.getAttribute("action")).toBe(action === undefined ? undefined : `?task=${ID}&action=${action}`);
    expect(form?.method).toBe(action === undefined ? undefined : "post");
    expect(document.querySelectorAll("button")).toHaveLength(action === undefined ? 0 : 1);
  });

  it("is 404, and a page, where there is none", async () => {
    const { response, document } = await system().ask("?task=nonsense");
    expect([response?.status, textOf(document.querySelector("[role=alert]"))]).toEqual([404, "There is none."]);
  });

  it("lets a browser run its own script and send its own forms, and nothing else", async () => {
    const { response, text } = await system().ask(`?task=${ID}`);
    const policy = response!.headers.get("content-security-policy")!;
    const nonce = /script-src 'nonce-([\w-]+)'/.exec(policy)![1];
    expect(policy).toBe(
      `default-src 'none'; style-src 'nonce-${nonce}'; script-src 'nonce-${nonce}'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'`,
    );
    expect(text.match(/<(?:script|style)\b[^>]*>/g)).toEqual([`<style nonce="${nonce}">`, `<script nonce="${nonce}">`]);
    expect(text).not.toMatch(/\bsrc="|\son\w+="|style="/);
    // Else the browser would not say that a form is of this page.
    expect(response!.headers.get("referrer-policy")).toBe("same-origin");
  });
});

describe("a form", () => {
  const post = (headers: Record<string, string> = { origin: ORIGIN, "sec-fetch-site": "same-origin" }) => ({ method: "POST", headers });

  it.each<[TaskState, string]>([
    ["FAILED", "retry"],
    ["CANCELLED", "retry"],
    ["PENDING", "cancel"],
    ["RUNNING", "cancel"],
  ])("on a task that is %s does what it says (%s), and leads back to its page", async (state, action) => {
    const { ask, done } = system(state);
    const { response } = await ask(`?task=${ID}&action=${action}`, post());
    expect([response?.status, response?.headers.get("location"), done]).toEqual([303, `?task=${ID}`, [`${action} ${ID}`]]);
  });

  it.each<[TaskState, string]>([
    ["SUCCEEDED", "retry"],
    ["RUNNING", "retry"],
    ["FAILED", "cancel"],
  ])("on a task that is %s by now says that there is nothing to %s", async (state, action) => {
    const { response, document } = await system(state).ask(`?task=${ID}&action=${action}`, post());
    expect([response?.status, textOf(document.querySelector("[role=alert]"))]).toEqual([
      409,
      `It is ${state}, so there is nothing to ${action}.`,
    ]);
  });

  it.each<[string, RequestInit, number | undefined]>([
    ["a page of another site", post({ origin: "https://evil.example", "sec-fetch-site": "cross-site" }), 403],
    ["a page of another subdomain", post({ origin: "https://www.example.com", "sec-fetch-site": "same-site" }), 403],
    ["a page whose origin is hidden", post({ origin: "null" }), 403],
    ["a browser that says only where it is from", post({ origin: "https://evil.example" }), 403],
    ["a browser that says only that it is another site", post({ "sec-fetch-site": "cross-site" }), 403],
    ["a link", { headers: { "sec-fetch-site": "cross-site" } }, 200],
    ["somebody with a wrong token", post({ origin: ORIGIN, authorization: "Bearer wrong" }), 403],
    ["somebody without a token", post({ origin: ORIGIN, authorization: "" }), 401],
    ["another method, which is answered elsewhere,", { method: "PUT" }, undefined],
  ])("from %s changes nothing", async (_, init, status) => {
    const { ask, done } = system();
    const { response } = await ask(`?task=${ID}&action=retry`, init);
    expect([response?.status, done]).toEqual([status, []]);
  });

  it("from something that is no browser needs to say nothing of where it comes from", async () => {
    const { ask, done } = system();
    expect((await ask(`?task=${ID}&action=retry`, post({}))).response?.status).toBe(303);
    expect(done).toEqual([`retry ${ID}`]);
  });

  it("with an action that there is none of changes nothing", async () => {
    const { ask, done } = system();
    expect((await ask(`?task=${ID}&action=delete`, post())).response?.status).toBe(405);
    expect(done).toEqual([]);
  });
});

describe("a page without forms", () => {
  it("may send none", () => {
    const { contentSecurityPolicy } = pageOf({ title: "a", main: taskSection({ tasks: [], apps: [] }) }, "n");
    expect(contentSecurityPolicy).toContain("form-action 'none'");
  });
});
