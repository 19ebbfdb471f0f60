"""What every type, field, argument and value of the contract means, for whoever reads the schema."""


def describe(schema): ...
