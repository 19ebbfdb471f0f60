// Runs the audits of graphql-http against ORDERDECK_URL, and tells what each has found.
import { auditServer } from "graphql-http";

const { ORDERDECK_URL, ORDERDECK_TOKEN } = process.env;

function withToken(url, options = {}) {
  const headers = { ...options.headers, authorization: `Bearer ${ORDERDECK_TOKEN}` };
  return fetch(url, { ...options, headers });
}

for (const { id, name, status, reason } of await auditServer({ url: ORDERDECK_URL, fetchFn: withToken })) {
  console.log(JSON.stringify({ id, name, status, reason }));
}
