{#-
  `part` as a percentage of `base` with one decimal, half-up on the exact ratio; null when the base is 0.

  Half-up by whole-number division, because round() would see a quotient already cut to a finite number of digits:
  round half up of 1000·p/b is (2000·p + b) div 2·b. Signs are taken out first, so that halves go away from zero.
-#}
{% macro pct(part, base, type='numeric(5,1)') -%}
    (
        sign({{ part }}) * sign({{ base }})
        * div(2000 * abs({{ part }})::numeric + abs({{ base }}), 2 * abs(nullif({{ base }}, 0))::numeric)
        / 10
    )::{{ type }}
{%- endmacro %}


{#- A percentage that was reported, with one decimal. -#}
{% macro shown_pct(column) -%}
    round({{ column }}, 1)::numeric(5, 1)
{%- endmacro %}
