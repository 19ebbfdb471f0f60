const KEY = "orderdeck:token";

/** The token of #token=…, which then leaves the address bar and its history entry. */
function takeFromAddress() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token !== null) history.replaceState(null, "", location.pathname + location.search);
  return token?.trim() || null;
}

/** The token that this tab should use, if it has been given one. */
export function findToken() {
  return takeFromAddress() ?? sessionStorage.getItem(KEY);
}

export function keepToken(token) {
  sessionStorage.setItem(KEY, token);
}

export function forgetToken() {
  sessionStorage.removeItem(KEY);
}
