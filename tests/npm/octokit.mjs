// GitHub's own verifier over deliveries that hookgate signed: a JSON list on standard input, what it said of each on standard output.
import { sign, verify } from "@octokit/webhooks-methods";

const pieces = [];
for await (const piece of process.stdin) pieces.push(piece);
const said = [];
for (const one of JSON.parse(Buffer.concat(pieces).toString())) {
  const body = Buffer.from(one.body, "base64").toString();
  if (one.sign) said.push({ signature: await sign(one.secret, body) });
  else {
    const lines = Object.entries(one.headers).filter(([name]) => name.toLowerCase() === "x-hub-signature-256");
    said.push(await verify(one.secret, body, lines[0]?.[1] ?? "none").catch(() => false));
  }
}
console.log(JSON.stringify(said));
