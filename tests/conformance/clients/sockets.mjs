// Follows an operation with the client of graphql-ws, tells what happens, and asks for more of the
// operations that come as lines. It goes on after the last cursor that it has seen.
import { createInterface } from "node:readline";
import { createClient } from "graphql-ws";
import WebSocket from "ws";

const { ORDERDECK_URL, ORDERDECK_TOKENS } = process.env;
const RETRY_MILLISECONDS = 100;

const tokens = ORDERDECK_TOKENS.split(" ");
const tell = (event, rest = {}) => console.log(JSON.stringify({ event, ...rest }));

const client = createClient({
  url: ORDERDECK_URL,
  webSocketImpl: WebSocket,
  lazy: false,
  keepAlive: 1_000,
  retryAttempts: Infinity,
  retryWait: () => new Promise((resolve) => setTimeout(resolve, RETRY_MILLISECONDS)),
  shouldRetry: () => true,
  // Each connection takes the next token, and the last of them from then on.
  connectionParams: () => ({
    Authorization: `Bearer ${tokens.length > 1 ? tokens.shift() : tokens[0]}`,
  }),
  on: {
    connected: () => tell("connected"),
    closed: ({ code, reason }) => tell("closed", { code, reason }),
    pong: (received) => received && tell("pong"),
  },
  onNonLazyError: (error) => tell("failed", { error: String(error) }),
});

function subscribe(name, payload) {
  client.subscribe(payload, {
    next(result) {
      const cursor = result.data?.orderUpdates?.cursor;
      if (cursor) payload.variables = { ...payload.variables, after: cursor };
      tell("next", { name, result });
    },
    error: (error) => tell("error", { name, error: error.code ? { code: error.code } : error }),
    complete: () => tell("complete", { name }),
  });
}

createInterface({ input: process.stdin }).on("line", (line) => {
  const { name, ...payload } = JSON.parse(line);
  subscribe(name, payload);
});
