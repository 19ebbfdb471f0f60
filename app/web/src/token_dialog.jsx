import { useEffect, useRef, useState } from "react";

/** Asks for a token until the server accepts one. */
export function TokenDialog({ notice, onSubmit }) {
  const dialog = useRef(null);
  const [isTrying, setTrying] = useState(false);

  const open = () => dialog.current?.showModal();
  useEffect(open, []);

  async function submit(event) {
    event.preventDefault();
    const token = new FormData(event.target).get("token").trim();
    if (!token) return;
    setTrying(true);
    await onSubmit(token);
    setTrying(false);
  }

  return (
    <dialog
      ref={dialog}
      className="token"
      aria-labelledby="token-title"
      closedby="none"
      onClose={open}
    >
      <form onSubmit={submit}>
        <img src="/static/icon.svg" alt="" />
        <h1 id="token-title">orderdeck</h1>
        <p>
          Enter an API token to explore the GraphQL API. It is kept in this tab alone and is gone
          when you close it.
        </p>
        <label htmlFor="token">Token</label>
        <input
          id="token"
          name="token"
          type="password"
          autoComplete="off"
          spellCheck="false"
          required
          autoFocus
          aria-describedby="token-notice"
        />
        <p id="token-notice" className="token-notice" role="alert">
          {notice}
        </p>
        <button type="submit" disabled={isTrying}>
          {isTrying ? "Connecting…" : "Continue"}
        </button>
        <p className="token-hint">
          The first start writes an admin token to <code>admin-token</code> in the data folder.
        </p>
      </form>
    </dialog>
  );
}
