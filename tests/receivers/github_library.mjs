// A receiver for the contract `github-webhook`, with GitHub's own library (npm: @octokit/webhooks-methods), over node:http.
//
// POST /webhooks/github: what the library verifies is answered 200, a delivery that comes again too; what it does not verify is
// answered 401. With KNOB=NAME in the environment it is wrong in one way:
//   body-written-anew (AUTH-4): the body is parsed and written again before it is verified
//   looks-up-first (AUTH-7): a delivery that was seen is answered before its signature is looked at
//
// usage: GITHUB_WEBHOOK_SECRET=... node github_library.mjs PORT   (tests/npm/node_modules holds the library)
import { createServer } from "node:http";

const { verify } = await import(new URL("../npm/node_modules/@octokit/webhooks-methods/dist-node/index.js", import.meta.url));

const secret = process.env.GITHUB_WEBHOOK_SECRET;
const knob = process.env.KNOB || "right";
const seen = new Set();
const LONGEST = 25 * 1024 * 1024;

function answer(response, status, value) {
  response.writeHead(status, { "Content-Type": "application/json" });
  response.end(JSON.stringify(value));
}

async function deliver(request, response, body) {
  const id = request.headers["x-github-delivery"];
  if (knob === "looks-up-first" && seen.has(id)) return answer(response, 200, { received: true });
  let text;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
    if (knob === "body-written-anew") text = JSON.stringify(JSON.parse(text));
  } catch {
    return answer(response, 400, { error: "the body is no text" });
  }
  const signature = request.headers["x-hub-signature-256"];
  if (!text || !signature || !secret) return answer(response, 401, { error: "not signed" });
  if (!(await verify(secret, text, signature).catch(() => false))) return answer(response, 401, { error: "not verified" });
  seen.add(id); // a delivery that was seen is passed over, and answered alike
  return answer(response, 200, { received: true });
}

const server = createServer((request, response) => {
  const path = request.url.replace(/^https?:\/\/[^/]*/, "").split("?")[0];
  if (path !== "/webhooks/github") return answer(response, 404, { error: "no such path" });
  if (request.method !== "POST") return answer(response, 405, { error: "method not allowed" });
  const pieces = [];
  let length = 0;
  request.on("data", (piece) => {
    length += piece.length;
    if (length <= LONGEST) pieces.push(piece);
  });
  request.on("error", () => {});
  request.on("end", () => {
    if (length > LONGEST) return answer(response, 413, { error: "body too large" });
    deliver(request, response, Buffer.concat(pieces)).catch(() => answer(response, 500, { error: "internal error" }));
  });
});
server.listen(Number(process.argv[2] || 0), "127.0.0.1", () => console.error(`listening on http://127.0.0.1:${server.address().port}`));
process.on("SIGTERM", () => process.exit(0));
