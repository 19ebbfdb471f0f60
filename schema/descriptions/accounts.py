"""Descriptions of accounts, tokens and the viewer."""

TEXTS = {
    "Account": (
        "An exchange that the API trades on, under one set of keys. With none configured there is"
        ' one named "paper".'
    ),
    "Account.name": "Its name in the settings, by which every account argument means it.",
    "Account.exchange": "The exchange, by ccxt's id; paper for the simulated one.",
    "Account.mode": "Whether the money is simulated, the exchange's test money, or real.",
    "Account.connectivity": "Whether the exchange can be reached.",
    "Account.connectivityDetail": "Why it is not CONNECTED, in words for a person.",
    "Account.lastReconciledAt": (
        "When its orders were last compared with the exchange. Null before the first time."
    ),
    "Account.capabilities": "What the exchange can do through this API.",
    "AccountMode": (
        "PAPER simulates fills; SANDBOX is the exchange's own testnet; LIVE is real money."
    ),
    "AccountMode.PAPER": "Fills are simulated here. No money moves.",
    "AccountMode.SANDBOX": "The exchange's own testnet.",
    "AccountMode.LIVE": "Real money. It is never replaced by a simulation.",
    "Connectivity": "Whether an exchange can be reached.",
    "Connectivity.CONNECTING": "Being reached for the first time; orders are refused until then.",
    "Connectivity.CONNECTED": "Reached and reconciled: all works.",
    "Connectivity.DEGRADED": "Reached, but a part of it does not work.",
    "Connectivity.DISCONNECTED": (
        "Not reached: reads serve what is stored, new orders are refused with EXCHANGE_UNAVAILABLE."
    ),
    "AccountCapabilities": "What an exchange can do through this API.",
    "AccountCapabilities.orderTypes": "The types of order that it takes.",
    "AccountCapabilities.timeInForce": "The times in force that it takes.",
    "AccountCapabilities.amendOrder": "Whether it changes an order in place.",
    "AccountCapabilities.streamingOrders": "Whether it pushes news of orders.",
    "AccountCapabilities.streamingTickers": "Whether it pushes prices.",
    "AccountCapabilities.positions": "Whether it keeps positions beyond the balances.",
    "Viewer": "Who is asking.",
    "Viewer.name": "The name of the token.",
    "Viewer.scopes": "What the token may do.",
    "Viewer.accountNames": "The accounts that the token may see and use. Null means all.",
    "Viewer.limits": "What one document may ask for, and what is left of the token's budgets.",
    "Limits": (
        "What the server grants. A document beyond its limits is QUERY_TOO_COMPLEX; a budget that"
        " is used up is RATE_LIMITED, with retryAfterSeconds. Cancels and halts take of no budget."
    ),
    "Limits.cost": "The cost of queries. Null means that there is no limit.",
    "Limits.orders": (
        "Orders of placeOrder and placeOrders, each of a batch. Null means that there is no limit."
    ),
    "Limits.subscriptions": "Subscriptions that begin. Null means that there is no limit.",
    "Limits.openSubscriptions": "Subscriptions of this token that are open now.",
    "Limits.maxOpenSubscriptions": (
        "How many of them may be open at once. Null means that there is no limit."
    ),
    "Limits.document": "The limits of each document by itself.",
    "Budget": (
        "A budget of the token: its second begins with what is taken first. What takes more than"
        " the whole of it takes the whole."
    ),
    "Budget.perSecond": "How much there is in each second.",
    "Budget.left": "What is left of this second's.",
    "Budget.resetsAt": "When all of it is there again; now, where nothing was taken.",
    "DocumentLimits": "The most that one document may hold, its fragments written out.",
    "DocumentLimits.cost": (
        "Every field costs 1, one of the roots or with arguments 10, as often as the lists around"
        " it may answer it: first, last, limit, depth or points where one is given or has a"
        " default, the number of inputs or symbols, else 10."
    ),
    "DocumentLimits.characters": "Characters, comments and spaces included.",
    "DocumentLimits.tokens": "Names, values and marks.",
    "DocumentLimits.definitions": "Operations and fragments.",
    "DocumentLimits.rootFields": "Root fields of an operation.",
    "DocumentLimits.fields": "Fields of an operation, at all depths.",
    "DocumentLimits.aliases": "Fields with an alias.",
    "DocumentLimits.depth": "How deep fields may stand in each other.",
    "DocumentLimits.directives": "Directives in one place.",
    "DocumentLimits.variableValues": "Values in the variables, at all depths; an object counts 41.",
    "DocumentLimits.variableDepth": "How deep lists and objects may stand in each other there.",
    "Viewer.version": "The version of the program that answers.",
    "Scope": (
        "What a token may do. Each includes those before it; a missing one is FORBIDDEN for that"
        " field alone."
    ),
    "Scope.READ": "All queries and subscriptions but tokens and the audit log.",
    "Scope.TRADE": (
        "Order and position mutations, reconciling, canceling all orders, the dead-man switch."
    ),
    "Scope.CONTROL": "The bot, the trading window, risk limits, halting.",
    "Scope.ADMIN": "Tokens and the audit log.",
    "ApiToken": "A bearer token. Its secret is kept nowhere, only a hash of it.",
    "ApiToken.name": "What it is for, in the words of whoever made it.",
    "ApiToken.scopes": "What it may do.",
    "ApiToken.accountNames": "The accounts that it may see and use. Null means all.",
    "ApiToken.createdAt": "When it was made.",
    "ApiToken.expiresAt": "When it ends by itself. Null means never.",
    "ApiToken.lastUsedAt": "When it was last used, roughly. Null where it never was.",
    "ApiToken.revokedAt": "When it was revoked. Null where it stands.",
    "CreateTokenInput": "What a new token may do, and until when.",
    "CreateTokenInput.name": "What it is for.",
    "CreateTokenInput.scopes": "What it may do: at least one. Each includes those before it.",
    "CreateTokenInput.accountNames": "The accounts that it may see and use. Left out: all.",
    "CreateTokenInput.expiresAt": "When it ends by itself, in the future. Left out: never.",
    "CreateTokenResult": "The new token, or why there is none.",
    "CreateTokenSuccess": "The new token and its secret.",
    "CreateTokenSuccess.token": "The new token.",
    "CreateTokenSuccess.secret": "Shown once. Send it as Authorization: Bearer and the secret.",
    "RevokeTokenResult": "The revoked token, or why it stands.",
    "RevokeTokenSuccess": "It was revoked, or it already had been.",
    "RevokeTokenSuccess.token": "The revoked token.",
}
