const MODES = ["LIVE", "SANDBOX", "PAPER"];

function Mode({ mode, accounts }) {
  const names = accounts.filter((account) => account.mode === mode).map(({ name }) => name);
  if (names.length === 0) return null;
  return (
    <span className={`deck-mode deck-mode-${mode.toLowerCase()}`} title={names.join(", ")}>
      <b>{mode}</b> <span>{names.join(", ")}</span>
    </span>
  );
}

/** Shows the accounts by mode, the viewer, and a button to forget the token. */
export function Header({ session, isLost, onForget }) {
  const { viewer, accounts } = session;
  return (
    <header className="deck-header">
      <img src="/static/icon.svg" alt="" />
      <strong>orderdeck</strong>
      {MODES.map((mode) => (
        <Mode key={mode} mode={mode} accounts={accounts} />
      ))}
      <span className="deck-lost" role="status">
        {isLost && "Connection lost, trying again…"}
      </span>
      {viewer && (
        <span className="deck-viewer" title={viewer.scopes.join(", ")}>
          {viewer.name}
        </span>
      )}
      <button type="button" className="deck-quiet" onClick={onForget}>
        Forget token
      </button>
    </header>
  );
}
