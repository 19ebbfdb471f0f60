import { GraphiQL } from "graphiql";
import { useCallback, useEffect, useState } from "react";

import { connect, TokenRefused } from "./connection.js";
import { examples } from "./examples.js";
import { Header } from "./header.jsx";
import { findToken, forgetToken, keepToken } from "./token.js";
import { TokenDialog } from "./token_dialog.jsx";
import viewerQuery from "./viewer.graphql";

const NO_LONGER = "The server no longer accepts this token. Enter another one to go on.";
const UNKNOWN = "The server does not accept this token. It may be mistyped, expired or revoked.";

/** The page's state: the connection, the viewer, and why it asks for a token. */
function useSession() {
  const [session, setSession] = useState(null);
  const [notice, setNotice] = useState(null);
  const [isLost, setLost] = useState(false);

  const enter = useCallback(async (token) => {
    const onRefused = () => {
      forgetToken();
      setNotice(NO_LONGER);
    };
    const connection = connect(token, { onRefused, onLost: setLost });
    try {
      const { data } = await connection.ask(viewerQuery);
      keepToken(token);
      setNotice(null);
      setLost(false);
      setSession({ connection, viewer: data?.viewer, accounts: data?.accounts ?? [] });
    } catch (error) {
      if (error instanceof TokenRefused) forgetToken();
      setNotice(error instanceof TokenRefused ? UNKNOWN : error.message);
    }
  }, []);

  const leave = useCallback(() => {
    forgetToken();
    setNotice(null);
    setSession(null);
  }, []);

  useEffect(() => session?.connection.close, [session]);
  return { session, notice, isLost, enter, leave };
}

/** Connects with the token that the URL or tab has; returns false until that was tried. */
function useFoundToken(enter) {
  const [hasLooked, setLooked] = useState(false);
  useEffect(() => {
    const look = async () => {
      const token = findToken();
      if (token) await enter(token);
      setLooked(true);
    };
    look();
    window.addEventListener("hashchange", look);
    return () => window.removeEventListener("hashchange", look);
  }, [enter]);
  return hasLooked;
}

export function Page() {
  const { session, notice, isLost, enter, leave } = useSession();
  const hasLooked = useFoundToken(enter);
  const needsToken = hasLooked && (session === null || notice !== null);
  return (
    <>
      {session && (
        <div className="deck">
          <Header session={session} isLost={isLost} onForget={leave} />
          <GraphiQL
            fetcher={session.connection.fetcher}
            defaultTabs={examples}
            defaultEditorToolsVisibility="variables"
            isHeadersEditorEnabled={false}
            shouldPersistHeaders={false}
            showPersistHeadersSettings={false}
          >
            <GraphiQL.Logo>{" "}</GraphiQL.Logo>
          </GraphiQL>
        </div>
      )}
      {needsToken && <TokenDialog notice={notice} onSubmit={enter} />}
    </>
  );
}
