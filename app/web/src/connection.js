import { getOperationAST, parse } from "graphql";
import { createClient } from "graphql-ws";

const NORMAL = 1000;
const FORBIDDEN = 4403;

/** The server does not know the token, or it has expired or was revoked. */
export class TokenRefused extends Error {}

async function post(token, parameters) {
  const response = await fetch("/graphql", {
    method: "POST",
    headers: {
      Accept: "application/graphql-response+json, application/json",
      Authorization: `Bearer ${token}`,
      "Content-Type": "application/json",
    },
    body: JSON.stringify(parameters),
  }).catch(() => {
    throw new Error("The server cannot be reached.");
  });
  if (response.status === 401) throw new TokenRefused("The server refused the token.");
  return response.json().catch(() => {
    throw new Error(`The server answered ${response.status} ${response.statusText}`.trim());
  });
}

function waitBeforeRetry(retries) {
  const milliseconds = Math.min(500 * 2 ** retries, 10_000) * (0.75 + Math.random() / 2);
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

function createSocket(token) {
  return createClient({
    url: `${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}/graphql`,
    connectionParams: { Authorization: `Bearer ${token}` },
    retryAttempts: 30,
    retryWait: waitBeforeRetry,
    shouldRetry: (problem) => problem.code !== FORBIDDEN,
  });
}

/** GraphiQL prints errors as JSON, but a close event has no enumerable properties. */
function inWords(problem) {
  if (Array.isArray(problem)) return problem;
  if (!(problem instanceof CloseEvent)) return { message: "The WebSocket connection failed." };
  const reason = problem.reason || "no reason given";
  return { message: `The WebSocket connection was closed: ${problem.code}, ${reason}.` };
}

function observe(socket, parameters, onLost) {
  const subscribe = (sink) => {
    const error = (problem) => {
      onLost(false);
      sink.error(inWords(problem));
    };
    const stop = socket.subscribe(parameters, { ...sink, error });
    const unsubscribe = () => {
      onLost(false);
      stop();
    };
    return { unsubscribe };
  };
  return { subscribe };
}

function operationOf(query, name) {
  try {
    const document = parse(query);
    return getOperationAST(document, name) ?? getOperationAST(document);
  } catch {
    return null;
  }
}

/** Right after a change of tabs GraphiQL still names the operation of the tab before. */
function aimed(parameters) {
  const operation = operationOf(parameters.query, parameters.operationName);
  const name = operation ? operation.name?.value : parameters.operationName;
  return [{ ...parameters, operationName: name }, operation?.operation === "subscription"];
}

/** Queries and mutations over HTTP, subscriptions over one WebSocket, all with one token. */
export function connect(token, { onRefused, onLost }) {
  const socket = createSocket(token);
  socket.on("connected", () => onLost(false));
  socket.on("closed", ({ code }) => {
    onLost(code !== NORMAL && code !== FORBIDDEN);
    if (code === FORBIDDEN) onRefused();
  });

  async function send(parameters) {
    try {
      return await post(token, parameters);
    } catch (error) {
      if (error instanceof TokenRefused) onRefused();
      return { errors: [{ message: error.message }] };
    }
  }

  function fetcher(given) {
    const [parameters, isSubscription] = aimed(given);
    return isSubscription ? observe(socket, parameters, onLost) : send(parameters);
  }

  return { fetcher, ask: (query) => post(token, { query }), close: () => socket.dispose() };
}
