from tests.cli.programs import run


def test_the_schema_is_printed() -> None:
    result = run("schema", "print")
    assert result.exit_code == 0
    assert "type Mutation {" in result.stdout
