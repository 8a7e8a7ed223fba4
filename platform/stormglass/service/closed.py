"""Structs that refuse unknown fields say so in the OpenAPI document, too: `additionalProperties: false`."""

from typing import Any

from litestar.openapi.spec import Schema
from litestar.plugins import OpenAPISchemaPlugin
from litestar.typing import FieldDefinition
from msgspec import Struct


class ClosedStructs(OpenAPISchemaPlugin):
    """Adds to what Litestar's own plugin for structs makes of them."""

    def is_plugin_supported_field(self, field_definition: FieldDefinition) -> bool:
        """Whether it is a struct that refuses unknown fields."""
        if field_definition.is_union or not field_definition.is_subclass_of(Struct):
            return False
        return bool(field_definition.type_.__struct_config__.forbid_unknown_fields)

    def to_openapi_schema(self, field_definition: FieldDefinition, schema_creator: Any) -> Schema:
        """The schema of the next plugin that knows the type, closed."""
        others = (plugin for plugin in schema_creator.plugins if plugin is not self)
        able = next(each for each in others if schema_creator.plugin_supports_field(each, field_definition))
        schema: Schema = able.to_openapi_schema(field_definition, schema_creator)
        schema.additional_properties = False
        return schema
