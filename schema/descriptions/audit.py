"""Descriptions of the audit log."""

TEXTS = {
    "AuditOutcome": "What became of an attempt to change something.",
    "AuditOutcome.DONE": "It was done, or it was so already.",
    "AuditOutcome.REFUSED": "A rule, the scope of the token or the exchange said no.",
    "AuditOutcome.FAILED": "A fault: code says which, the server's log says why.",
    "AuditEntry": (
        "One root field of a mutation, or one order of placeOrders. Attempts that are refused"
        " before they change anything share an entry if token, action and code are the same:"
        " for a minute from the first one."
    ),
    "AuditEntry.at": "When it was asked for; the first time, if count is more than one.",
    "AuditEntry.actor": "The name of the token that asked; or of the command line.",
    "AuditEntry.actorId": "The id of that token; null for the command line.",
    "AuditEntry.action": "The mutation's field name; restore: a backup was put back.",
    "AuditEntry.subject": "The global id of what it was about. Null where that was many things.",
    "AuditEntry.outcome": "What became of it.",
    "AuditEntry.code": "That of the refusal or error. Null where it was done.",
    "AuditEntry.requestId": "The same for all that one request asked for; errors tell it too.",
    "AuditEntry.count": (
        "How many refused attempts share the entry, at most a second late; 1 for all others."
    ),
    "AuditEntry.lastAt": "When the last of them was asked for; the same as at if there is one.",
    "AuditConnection": "A page of the audit, newest first.",
    "AuditEdge": "An entry and its place in the list.",
}
