"""The Problem type: a part of an answer that could not be read or done this time, and why."""

import strawberry

from app.domain import problems as domain


@strawberry.type
class Problem:
    subject: str
    code: str
    message: str

    @classmethod
    def of(cls, problem: domain.Problem) -> "Problem":
        return cls(subject=problem.subject, code=problem.code, message=problem.message)
