// Prints every order update. Started again, it goes on after the last one that it printed.
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";

const url = `${process.env.ORDERDECK_URL ?? "http://127.0.0.1:8000"}/graphql`;
const token = process.env.ORDERDECK_TOKEN ?? readFileSync("data/admin-token", "utf8").trim();
const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
const now = "{ orders { asOf } }";
const updates = `subscription ($after: Cursor) {
  orderUpdates(after: $after) { cursor kind order { clientOrderId status filled } }
}`;
const file = "subscribe-javascript.cursor";

function follow() {
  const socket = new WebSocket(url.replace("http", "ws"), "graphql-transport-ws");
  const send = (message) => socket.send(JSON.stringify(message));
  socket.onopen = () => send({ type: "connection_init", payload: headers });
  socket.onclose = () => setTimeout(follow, 1000);
  socket.onmessage = ({ data }) => {
    const { type, payload } = JSON.parse(data);
    if (type === "connection_ack") {
      const variables = { after: readFileSync(file, "utf8") };
      send({ type: "subscribe", id: "1", payload: { query: updates, variables } });
    } else if (type === "next") {
      console.log(JSON.stringify(payload.data.orderUpdates));
      keep(payload.data.orderUpdates.cursor);
    } else if (type === "error") {
      throw new Error(payload[0].message);
    }
  };
}

function keep(cursor) {
  writeFileSync(`${file}.new`, cursor);
  renameSync(`${file}.new`, file);
}

if (!existsSync(file)) {
  const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify({ query: now }) });
  keep((await answer.json()).data.orders.asOf);
}
follow();
