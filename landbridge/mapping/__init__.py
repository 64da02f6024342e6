"""Native ⇄ canonical, from YAML, without I/O once loaded; and the expression language of all configuration files."""

from landbridge.mapping.expression import (
    Expression,
    Template,
    compile_expression,
    compile_template,
)
from landbridge.mapping.fields import Field
from landbridge.mapping.load import load_mapping, load_mappings, parse_mapping
from landbridge.mapping.mapping import Into, Mapping, Out
from landbridge.mapping.problems import validated
from landbridge.mapping.schema import mapping_schema
from landbridge.mapping.transforms import TRANSFORMS
from landbridge.mapping.yamlfile import YamlFile, load_yaml

__all__ = [
    "TRANSFORMS", "Expression", "Field", "Into", "Mapping", "Out", "Template", "YamlFile", "compile_expression",
    "compile_template", "load_mapping", "load_mappings", "load_yaml", "mapping_schema", "parse_mapping", "validated",
]  # fmt: skip
