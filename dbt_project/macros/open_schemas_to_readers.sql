{#- Readers reach exactly two schemas. Table grants in marts come with each model; issues in published are never rebuilt. -#}
{% macro open_schemas_to_readers() -%}
    grant usage on schema marts, published to bi_reader;
    grant select on all tables in schema published to bi_reader;
{%- endmacro %}
